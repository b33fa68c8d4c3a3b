"""Whatever release wrote a state directory, every total in it goes on, and none doubles.

The directories in ``formats`` are of the commits since the first release that changed the format;
``test_no_other_format`` sees that there are no others.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.durable.formats import worker
from tests.durable.releases import (
    FORMATS,
    ROOT,
    Release,
    Series,
    added,
    beside,
    commits,
    counters,
    fixture,
    of,
    once,
    series,
    shape,
    unpack,
)

KNOWN = ("c2f417d", "784b03b", "1d25674", "c98ddd2", "6d96117")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """Return what this release shows once everything has happened once."""
    return series(worker.Counting(tmp_path_factory.mktemp("fresh") / "state")("count", "first"))


@pytest.mark.parametrize("commit", KNOWN)
def test_a_directory_goes_on(commit: str, fresh: Series, tmp_path: Path) -> None:
    """This release shows what the other one showed, and adds exactly what it counts."""
    state, before = fixture(commit, tmp_path)
    counting = worker.Counting(state)
    found = series(counting("show"))
    assert of(before, found) == before
    after = series(counting("count", "third"))
    expected = added(found, fresh)
    assert of(expected, after) == pytest.approx(expected)


def killed(state: Path, times: int) -> list[Series]:
    """Kill workers while they restore, and return what was shown after each."""
    done = subprocess.run(
        [sys.executable, str(FORMATS / "killed.py"), str(state), str(times), "7"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [series(json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("commit", [KNOWN[0]])
def test_killed_while_it_restores(commit: str, tmp_path: Path) -> None:
    """Whenever workers are killed while they take over, the next ones find every total."""
    state, before = fixture(commit, tmp_path)
    shown = killed(state, 8)
    assert len(shown) == 8
    for one in shown:
        assert of(before, counters(one)) == counters(before)


@pytest.mark.slow
@pytest.mark.parametrize("commit", KNOWN)
def test_killed_often_while_it_restores(commit: str, tmp_path: Path) -> None:
    """The same two hundred times, on each format."""
    state, before = fixture(commit, tmp_path)
    for one in killed(state, 200):
        assert of(before, counters(one)) == counters(before)


# --- beside workers of another release, and after a rollback -------------------------------------


def with_history(commit: str, directory: Path, fresh: Series) -> None:
    """Let this release count beside another one, from an empty directory on."""
    old = unpack(commit, directory / "old")
    olds = once(directory / "alone", "count", "x", packages=old)
    beside(directory / "state", old, ROOT, olds, fresh)


@pytest.mark.slow
@pytest.mark.parametrize("commit", KNOWN)
def test_beside_an_earlier_release(commit: str, fresh: Series, tmp_path: Path) -> None:
    """Workers of both show one sum, and each goes on with it alone; what is open has ended."""
    with_history(commit, tmp_path, fresh)


@pytest.mark.prove
def test_every_commit_that_changed_anything_stored(fresh: Series, tmp_path: Path) -> None:
    """No commit since the first release has a format of its own but those that are kept here."""
    known = {shape(fixture(commit, tmp_path / commit)[0]) for commit in KNOWN}
    tried = commits()
    for commit in tried:
        directory = tmp_path / f"at-{commit}"
        old = unpack(commit, directory / "old")
        with Release(directory / "two", old) as one, Release(directory / "two", old) as two:
            one("count", "first")
            two("count", "second")
        assert shape(directory / "two") in known, commit
        with_history(commit, directory, fresh)
        print(f"{commit}: old and new at once, after a rollback, and on again: every total")  # noqa: T201 - a proof
    print(f"{len(tried)} commits tried")  # noqa: T201 - a proof
