"""Workers of other releases: of earlier ones, out of the history, and of one that is to come."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Self

import pytest

from agent_analytics.processor import catalogue
from agent_analytics.processor._durable._files.file import BlockFile
from agent_analytics.processor._durable._files.names import FURTHER_HEALTH

ROOT = Path(__file__).parents[2]
FORMATS = Path(__file__).parent / "formats"
PACKAGES = ("instrumentation", "processor", "exporters")
#: The first release with a state directory that later ones must go on with.
FIRST = "c2f417d"
#: What decides of what is stored, and how.
STORED = (
    "processor/agent_analytics/processor/_durable",
    "processor/agent_analytics/processor/_series",
    *(
        f"processor/agent_analytics/processor/{name}.py"
        for name in ("_schema", "_health", "_sketch", "_store", "_listings", "_expiry", "catalogue")
    ),
)
#: Gauges of the moment, and the time of the last span.
MOVING = {
    catalogue.OPEN_SPANS.name,
    catalogue.LAST_SPAN.name,
    catalogue.EXPOSITION_SAMPLES.name,
    catalogue.EXPOSITION_BYTES.name,
    catalogue.EXPOSITION_FILLED.name,
    catalogue.FULLEST_PUBLISHER.name,
    catalogue.RELEASES_FILLED.name,
    catalogue.ACCOUNTING.name,
}
#: Counted by the events that have an id; another worker's are remembered.
BY_ID = {
    catalogue.INSTALLS.name,
    catalogue.ACTIVE_INSTALLS.name,
    catalogue.DUPLICATE_EVENTS.name,
    catalogue.SPANS.name,
}
#: What goes up and down.
GAUGES = {name for name, metric in catalogue.CATALOGUE.items() if metric.kind == "gauge"}

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
#: What of a directory is of its format: its files, and kinds of blocks with their fingerprints.
Shape = frozenset[tuple[str, str, int]]


def git(*arguments: str) -> bytes:
    """Return what git says; skip the test where the history is not here."""
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - git is wherever it is
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"the history of this checkout is not here: git {arguments[0]}")
    return done.stdout


def commits() -> list[str]:
    """Return every commit since the first release that changed anything stored, oldest first."""
    found = git("log", "--first-parent", "--format=%h", f"{FIRST}..HEAD", "--", *STORED)
    return [FIRST, *reversed(found.decode().split())]


def unpack(commit: str, directory: Path) -> Path:
    """Unpack the packages of a commit."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, *PACKAGES))) as packed:
        packed.extractall(directory, filter="data")
    return directory


def patched(directory: Path, changes: Mapping[ModuleType, Sequence[tuple[str, str]]]) -> Path:
    """Copy the packages of this checkout, with texts of some modules replaced."""
    for name in PACKAGES:
        shutil.copytree(ROOT / name, directory / name)
    for module, replaced in changes.items():
        path = directory / Path(str(module.__file__)).relative_to(ROOT)
        text = path.read_text(encoding="utf-8")
        for old, new in replaced:
            assert text.count(old) == 1, f"{path.name}: {old}"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    return directory


class Release:
    """A worker of a release, in a process of its own.

    Args:
        state: Its state directory.
        packages: Where the packages are; this checkout's, if not said otherwise.
    """

    def __init__(self, state: Path, packages: Path = ROOT) -> None:
        path = os.pathsep.join(str(packages / name) for name in PACKAGES)
        self.process = subprocess.Popen(
            [sys.executable, str(FORMATS / "worker.py"), str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def _pipe(self, pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def __call__(self, *words: str) -> Series:
        """Have the worker do something, and return what a scrape of it shows then."""
        stdin = self._pipe(self.process.stdin)
        stdin.write(" ".join(words) + "\n")
        stdin.flush()
        answer = self._pipe(self.process.stdout).readline()
        assert answer, self._pipe(self.process.stderr).read()
        return series(json.loads(answer))

    def __enter__(self) -> Self:
        """Return the worker."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the worker as a deployment does, and let nothing of it be left."""
        self.process.kill()
        self.process.communicate()


def series(shown: Sequence[tuple[str, Sequence[tuple[str, str]], float]]) -> Series:
    """Return the samples of a scrape by name and labels, but for those of the moment."""
    return {
        (name, tuple((key, value) for key, value in labels)): value
        for name, labels, value in shown
        if name not in MOVING
    }


def once(state: Path, *words: str, packages: Path = ROOT) -> Series:
    """Let a worker do one thing, and end."""
    with Release(state, packages) as worker:
        return worker(*words)


def of(names: Series, shown: Series) -> Series:
    """Return those series that others have, too."""
    return {key: shown[key] for key in names if key in shown}


def added(before: Series, more: Series) -> Series:
    """Return what is there once all was counted again, but for what goes by ids of events."""
    return {
        key: before.get(key, 0) + value
        for key, value in more.items()
        if key[0] not in BY_ID and not key[0].endswith(("_info", "_register"))
    }


def fixture(name: str, directory: Path) -> tuple[Path, Series]:
    """Unpack a stored directory; return it, and what its release showed of it."""
    with tarfile.open(FORMATS / f"{name}.tar.gz") as archive:
        archive.extractall(directory, filter="data")
    shown = json.loads((directory / "shown.json").read_text(encoding="utf-8"))
    return directory / "state", series(shown)


def shape(state: Path) -> Shape:
    """Return what of a state directory is of its format."""
    found: set[tuple[str, str, int]] = set()
    for path in sorted(state.iterdir()):
        if not path.is_file() or path.name == "target":
            continue
        found.add((path.name, "", 0))
        if path.name.startswith("slot-") or path.name in {"event-ids", "shares"}:
            with path.open("r+b") as opened:
                file = BlockFile.open(path, opened.fileno())
                assert file is not None
                for stored in file.scan():
                    entry = stored.entry
                    name = entry.schema
                    if name == FURTHER_HEALTH:  # each is a figure of its own
                        name += "/" + "/".join(entry.labels)
                    found.add((path.name, name, entry.fingerprint))
    return frozenset(found)


def counters(shown: Series) -> Series:
    """Return what only grows."""
    return {key: value for key, value in shown.items() if key[0] not in GAUGES}


def expected(*counted: tuple[Series, int]) -> Series:
    """Return what is there when everything has happened so often, under each release."""
    keys = {key for counts, _ in counted for key in counts}
    return {
        key: sum(counts.get(key, 0) * times for counts, times in counted)
        for key in keys
        if key[0] not in BY_ID and not key[0].endswith(("_info", "_register"))
    }


def beside(state: Path, old: Path, new: Path, olds: Series, news: Series) -> None:
    """Let workers of two releases count on one directory, then go back to the old one."""

    def check(shown: Series, counted: tuple[int, int]) -> None:
        right = expected((olds, counted[0]), (news, counted[1]))
        assert of(shown, right) == pytest.approx(of(right, shown))

    with Release(state, old) as first:
        check(first("count", "a"), (1, 0))
        with Release(state, new) as second:
            check(second("show"), (1, 0))
            check(second("count", "b"), (1, 1))
            check(first("show"), (1, 1))
            check(first("count", "c"), (2, 1))
            check(second("show"), (2, 1))
            first("open")
            second("open")
            whole = counters(second("count", "d"))
            check(whole, (2, 2))
    with Release(state, old) as back:
        shown = back("show")
        check(shown, (2, 2))
        assert in_progress(shown) == 0
        assert of(shown, whole) == pytest.approx(of(whole, counters(shown)))
        check(back("count", "e"), (3, 2))
    with Release(state, new) as again:
        shown = again("show")
        check(shown, (3, 2))
        assert in_progress(shown) == 0
        assert whole.keys() <= shown.keys()


def in_progress(shown: Series) -> float:
    """Return how many invocations go on."""
    name = catalogue.INVOCATIONS_IN_PROGRESS.name
    return sum(value for key, value in shown.items() if key[0] == name)
