"""The command ``agent-analytics history`` as a user runs it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.patience import patience

COMMAND = (sys.executable, "-m", "agent_analytics.cli", "history")


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=patience(280), check=False
    )


@pytest.mark.servers
@pytest.mark.slow
def test_it_keeps_blocks_and_rules_where_it_is_told(tmp_path: Path) -> None:
    """Both are in the directory, and a directory that exists is left alone."""
    for command in ("prometheus", "promtool"):
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed (Debian: prometheus)")
    past = tmp_path / "past"
    done = run("--days", "3", "--no-serve", "--directory", str(past))
    assert done.returncode == 0, done.stderr
    assert "32 listings" in done.stdout
    said = re.search(r"about (\d+) million samples: about (\d+) MB", done.stdout)
    made = re.search(r"([\d,]+) samples in", done.stdout)
    assert said is not None
    assert made is not None
    assert 0.5 < int(made[1].replace(",", "")) / 1e6 / int(said[1]) < 2
    size = sum(each.stat().st_size for each in past.rglob("*") if each.is_file()) / 1e6
    assert 0.5 < size / int(said[2]) < 2
    assert list((past / "data").glob("*/meta.json"))
    assert (past / "rules" / "rollups.yml").exists()
    again = run("--days", "3", "--no-serve", "--directory", str(past))
    assert again.returncode == 2
    assert "exists already" in again.stderr


@pytest.mark.parametrize("days", ["0", "2", "401", "ninety"])
def test_a_past_of_no_sense_is_refused(days: str) -> None:
    """The message names what was given, and nothing is made."""
    done = run("--days", days)
    assert done.returncode == 2
    assert days in done.stderr


def test_without_promtool_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, but the name of the package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run("--days", "3", "--no-serve")
    assert done.returncode == 1
    assert done.stdout.startswith("3 days are about 4 million samples: about 9 MB of disk")
    assert "prometheus" in done.stderr
    assert "install" in done.stderr
    assert "Traceback" not in done.stderr
