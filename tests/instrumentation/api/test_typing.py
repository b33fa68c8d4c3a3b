"""Types survive decoration, as two type checkers see it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.patience import patience

ROOT = Path(__file__).resolve().parents[3]
CHECKED = "tests/typing_checks"


@pytest.mark.slow
@pytest.mark.parametrize("checker", [["mypy", "--no-incremental"], ["pyright"]])
def test_types(checker: list[str]) -> None:
    """Both checkers find the types asserted, and every error that is expected, and no other."""
    pytest.importorskip(checker[0], reason=f"{checker[0]} is not installed")
    done = subprocess.run(
        [sys.executable, "-m", *checker, CHECKED],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=patience(240),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
