"""What the limits have counted, read from a database file and held against a ledger.

A counter's key is a keyed hash (core/limits/policy.h, core/otp/code.h): whoever has the key file can say which counter is
whose, and nobody else.
"""

import collections
import hashlib
import sqlite3
import struct

# Of all limits, so high that none is reached.
RATES = {name: ["1000000/700h"] for name in (
    "address_sends", "address_guesses", "client_sends", "namespace_sends", "prefix_sends", "ip_posts")}
RATES["address_sends"] = ["1000000/1h", "1000000/700h"]
PREFIX_DIGITS = 7
_WINDOW = struct.Struct("<qqq")  # period, count, end


class Keys:
    def __init__(self, main_key):
        self._key = hashlib.blake2b(key=main_key, digest_size=32, salt=struct.pack("<Qq", 3, 0),
                                    person=b"otpgwkey".ljust(16, b"\0")).digest()

    def of(self, limit, name_space, subject):
        text = "%d:%s%d:%s%s" % (len(limit), limit, len(name_space), name_space, subject)
        return hashlib.blake2b(text.encode("ascii"), key=self._key, digest_size=32).digest()[:16]


def counted(address):
    """As core/limits/counted_address.h has it, of the E.164 numbers and lower-case mail addresses that tests send to."""
    return address.removeprefix("+")


def of_send(address, client):
    """What a sending is charged to: (limit, namespace, subject) of each."""
    charged = [("address_sends", "app", counted(address)), ("client_sends", "app", client), ("namespace_sends", "app", "")]
    if address.startswith("+"):
        charged.append(("prefix_sends", "app", address[:1 + PREFIX_DIGITS]))
    return charged


def of_guess(address):
    return [("address_guesses", "app", counted(address))]


def of_post(peer):
    return [("ip_posts", "", peer)]


class Expected:
    """What must have been counted at least, by (limit, namespace, subject)."""

    def __init__(self):
        self.counts = collections.Counter()
        self.touched = set()  # since the last comparison

    def add(self, *events):
        self.counts.update(events)
        self.touched.update(events)

    def lower_in(self, database, keys):
        """What the database has counted less of: (subject, counted, expected). Looks at what is new since the last call."""
        lower = []
        subjects, self.touched = self.touched, set()
        with sqlite3.connect(database) as connection:
            for subject in subjects:
                row = connection.execute("SELECT windows FROM counter WHERE key = ?", (keys.of(*subject),)).fetchone()
                counted = lowest_count(row[0]) if row else 0
                if counted < self.counts[subject]:
                    lower.append((subject, counted, self.counts[subject]))
        connection.close()
        return lower


def lowest_count(windows):
    """Of a counter's windows, one for each rate."""
    return min(count for _, count, _ in _WINDOW.iter_unpack(windows))


def one_window(count):
    return _WINDOW.pack(1, count, 1)
