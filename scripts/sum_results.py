"""Add up closing lines of pytest, read from stdin, into one of the same form."""

import re
import sys

#: In the order in which pytest says them.
OUTCOMES = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "errors")


def main() -> None:
    """Print the sum."""
    counts: dict[str, int] = {}
    seconds = 0.0
    for line in sys.stdin:
        for number, outcome in re.findall(r"(\d+) ([a-z]+)", line.partition(" in ")[0]):
            name = outcome if outcome in OUTCOMES else f"{outcome}s"
            counts[name] = counts.get(name, 0) + int(number)
        if took := re.search(r" in ([0-9.]+)s", line):
            seconds += float(took[1])
    # What one run leaves out the other one runs.
    counts.pop("deselected", None)
    said = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts.get(name))
    sys.stdout.write(f" {said} in {seconds:.2f}s ".center(80, "=") + "\n")


if __name__ == "__main__":
    main()
