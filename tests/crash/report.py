"""How the crash tests report: a line now and then during a long run, and one table at the end.

The columns of the table, the same for every test; "-" where a column has no meaning there:
  faults        injected: kills, cuts, failing calls, jumps, races
  acknowledged  what was answered 2xx (or counted) and must be kept
  lost          of those, missing afterwards
  duplicated    copies beyond the first
  late          sent, or alive, after its end
"""

import os
import sys
import time

LONG = os.environ.get("OTPGW_LONG") == "1"
_PROGRESS_SECONDS = 30
_COLUMNS = ("faults", "acknowledged", "lost", "duplicated", "late")
_last_progress = time.monotonic()


def amount(default, long):
    """The amount of the default suite, or the long one of ./scripts/test --long."""
    return long if LONG else default


def progress(done, total, what):
    """In a long run, a line each half minute: how far it is."""
    global _last_progress
    if LONG and time.monotonic() - _last_progress > _PROGRESS_SECONDS:
        _last_progress = time.monotonic()
        print("  %d of %d %s" % (done, total, what), file=sys.stderr, flush=True)


def table(title, rows):
    """`rows`: (case, {column: number}); further columns of a row are printed behind the table's own."""
    further = [name for name in dict.fromkeys(name for _, values in rows for name in values) if name not in _COLUMNS]
    names = (*_COLUMNS, *further)
    width = max([len(title), *(len(case) for case, _ in rows)])
    lines = ["%-*s  %s" % (width, title, "  ".join(names))]
    for case, values in rows:
        lines.append("%-*s  %s" % (width, case, "  ".join(
            "%*s" % (len(name), values.get(name, "-")) for name in names)))
    print("\n  " + "\n  ".join(lines), flush=True)
