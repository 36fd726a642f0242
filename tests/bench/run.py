"""Runs the parts of the bench and prints the table of medians. Called by scripts/bench."""

import argparse
import statistics
import subprocess
import sys

from bench_gateway import Folders
from parts import PARTS, TARGETS, UNITS


def row_of(name, values):
    value = statistics.median(values)
    unit, kind, wanted = TARGETS.get(name, (UNITS.get(name, ""), "", None))
    if wanted is None:
        met = ""
    elif kind == "at least":
        met = "met" if value >= wanted else "MISSED"
    else:
        met = "met" if value <= wanted else "MISSED"
    number = "%.0f" % value if value >= 100 or value == int(value) else "%.1f" % value
    spread = "%.0f..%.0f" % (min(values), max(values)) if max(values) >= 100 else "%.1f..%.1f" % (
        min(values), max(values))
    target = "%s %s %s" % (kind, wanted, unit) if wanted is not None else ""
    return "%-34s %10s %-4s %-18s %-20s %s" % (name, number, unit, spread, target, met)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("-n", type=int, default=5, help="repetitions; the table shows medians (5)")
    parser.add_argument("-s", type=int, default=5, help="seconds of each load (5)")
    parser.add_argument("part", nargs="*", help="of: " + " ".join(PARTS))
    options = parser.parse_args()
    for part in options.part:
        if part not in PARTS:
            parser.error("there is no part %s; there are: %s" % (part, " ".join(PARTS)))
    measured, failed = {}, {}
    try:
        # Repetition by repetition, so that a slow minute of the machine does not hit all of one part.
        for repetition in range(options.n):
            for part in options.part or PARTS:
                print("%d/%d %s" % (repetition + 1, options.n, part), file=sys.stderr, flush=True)
                try:
                    for name, value in PARTS[part](options.s):
                        measured.setdefault(name, []).append(value)
                except (RuntimeError, AssertionError, OSError, subprocess.SubprocessError) as error:
                    failed[part] = str(error)
                    print("  failed: %s" % error, file=sys.stderr, flush=True)
    finally:
        Folders.remove_all()
    print("%-34s %10s %-4s %-18s %-20s" % ("median of %d" % options.n, "value", "", "range", "target"))
    for name, values in measured.items():
        print(row_of(name, values))
    for part, why in failed.items():
        print("%s failed: %s" % (part, why))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
