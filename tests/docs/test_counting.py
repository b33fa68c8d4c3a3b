"""Every rule of docs/counting.md names tests that `make test` runs on every machine."""

import re
import subprocess
import sys
from pathlib import Path

from tests.patience import patience

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/counting.md").read_text(encoding="utf-8")
#: The number of each rule, and the last cell of its row.
ROWS = dict(re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE))
NAMED = {rule: re.findall(r"`(tests/[a-z_/]+\.py::[\w:]+)`", cell) for rule, cell in ROWS.items()}


def test_every_rule_names_a_test() -> None:
    """No row of the table is without a test of its own, and no row was overlooked."""
    rows = re.findall(r"^\| \d", PAGE, re.MULTILINE)
    assert list(NAMED) == [str(number) for number in range(1, len(rows) + 1)]
    assert [rule for rule, tests in NAMED.items() if not tests] == []


def test_the_tests_are_there_and_not_left_out() -> None:
    """The tests exist, need no server that may be missing, and are not marked `slow`."""
    every = sorted({test for tests in NAMED.values() for test in tests})
    chosen = ("-m", "not slow and not servers")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *chosen, *every],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(120),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    collected = {line.partition("[")[0] for line in done.stdout.splitlines()}
    assert [test for test in every if test not in collected] == []
