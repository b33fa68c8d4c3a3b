"""Slots that are cut off, and directories that are removed, while processes have them mapped."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests import forked
from tests.durable.disks import fill, mounted, read_only
from tests.patience import wait_for

ROOT = Path(__file__).parents[2]
#: Nothing, less than the header, between blocks and in the midst of one, behind all of them.
SIZES = (0, 100, 4096, 5_000, 8_205, 40_000, 200_000)


class Counting:
    """A worker in a process of its own.

    Attributes:
        counted: How many invocations the worker has counted.
    """

    def __init__(self, state: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self.process = forked.start(
            [sys.executable, *options, "-m", "tests.durable.cut", str(state)],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.counted = 0

    def do(self, command: str) -> int:
        """Let the worker do something; returns what a scrape shows, or -1."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            self.process.kill()
            status, said = self.process.wait(), self.process.communicate()[1]
            pytest.fail(f"{command}: ended with {status}: {said[-2000:]}")
        self.counted = int(answer[0])
        return int(answer[1])

    def ended(self) -> str:
        """Kill the process, and return what it has logged."""
        self.process.kill()
        return self.process.communicate()[1]


Start = Callable[..., Counting]


@pytest.fixture
def start() -> Generator[Start]:
    """Return what starts a worker, which is killed after the test."""
    with ExitStack() as started:

        def begin(state: Path, *options: str) -> Counting:
            worker = Counting(state, *options)
            started.callback(worker.process.communicate)
            started.callback(worker.process.kill)
            return worker

        yield begin


def cut(path: Path, size: int, *, again: bool) -> None:
    """Cut a file off, and make it as long as it was where that is wanted."""
    whole = path.stat().st_size
    os.truncate(path, size)
    if again:
        os.truncate(path, whole)


@pytest.mark.parametrize("turns", [3, pytest.param(2 * len(SIZES), marks=pytest.mark.slow)])
def test_a_slot_that_is_cut_off(start: Start, tmp_path: Path, turns: int) -> None:
    """Both its worker and the one that scrapes live on; what was scraped, and what comes, is there.

    In turn to each size, with and without the file being made longer again, as `cp` over a file
    and `truncate` do it.
    """
    one, two = start(tmp_path), start(tmp_path)
    one.do("tools 50")
    one.do("count 100")
    two.do("count 50")
    assert one.do("scrape") == two.do("scrape") == 150
    whole = (tmp_path / "slot-0000").stat().st_size
    for turn, size in enumerate((*SIZES, *SIZES)[:turns]):
        cut(tmp_path / "slot-0000", size, again=turn % 2 == 1)
        total = one.counted + two.counted
        assert two.do("scrape") == total, f"what was known, at {size}, turn {turn}"
        one.do("count 10")
        assert one.do("scrape") == total + 10, f"{size}, turn {turn}"
        assert two.do("scrape") == total + 10, f"{size}, turn {turn}"
        assert (tmp_path / "slot-0000").stat().st_size == whole
    assert one.ended().count("slot-0000 was cut off") == 1
    three = start(tmp_path)
    assert three.do("scrape") == 150 + 10 * turns, "the file holds all of it"


@pytest.mark.parametrize("again", [False, True])
def test_the_slot_of_a_dead_worker_is_cut_off(
    start: Start,
    tmp_path: Path,
    again: bool,  # noqa: FBT001 - a case
) -> None:
    """Who has scraped it writes it down again: nothing is lost, for later workers neither."""
    gone, two = start(tmp_path), start(tmp_path)
    gone.do("count 100")
    two.do("count 1")
    assert two.do("scrape") == 101
    gone.ended()
    cut(tmp_path / "slot-0000", 5_000, again=again)
    assert two.do("scrape") == 101
    three = start(tmp_path)
    three.do("count 1")
    assert three.do("scrape") == 102


def test_a_worker_that_nobody_has_scraped_is_cut_off(start: Start, tmp_path: Path) -> None:
    """What it counted up to its last second is put back, and what it counts goes on."""
    one, two = start(tmp_path), start(tmp_path)
    one.do("count 100")
    one.do("upkeep")
    two.do("count 1")
    cut(tmp_path / "slot-0000", 0, again=False)
    one.do("count 10")
    one.do("upkeep")
    assert two.do("scrape") == 111


def test_what_another_worker_has_shown_in_the_last_second(start: Start, tmp_path: Path) -> None:
    """What the worker does not remember, and the other one has shown, the other one takes on."""
    one, two, three = (start(tmp_path) for _ in range(3))
    one.do("count 100")
    one.do("upkeep")
    one.do("still")
    one.do("count 50")
    two.do("count 1")
    assert two.do("scrape") == three.do("scrape") == 151
    cut(tmp_path / "slot-0000", 0, again=False)
    one.do("upkeep")
    assert two.do("scrape") == two.do("scrape") == 151
    assert three.do("scrape") == 151, "one of them takes it on"
    one.do("count 10")
    assert one.do("scrape") == two.do("scrape") == three.do("scrape") == 161
    two.ended()
    assert one.do("scrape") == 161


def test_a_slot_that_was_cut_off_before_it_was_read(start: Start, tmp_path: Path) -> None:
    """Who reads it for the first time then finds all of it when its worker has mended it."""
    one, two = start(tmp_path), start(tmp_path)
    one.do("count 10")
    one.do("upkeep")
    cut(tmp_path / "slot-0000", 4096, again=True)
    two.do("count 1")
    assert two.do("scrape") == 1
    assert two.do("scrape") == 1
    one.do("upkeep")
    assert two.do("scrape") == 11


def test_the_directory_is_removed(start: Start, tmp_path: Path) -> None:
    """Workers write their slots again; a new one starts; nothing is lost, and all of it is said."""
    state = tmp_path / "state"
    one, two = start(state), start(state)
    one.do("count 100")
    two.do("count 50")
    assert two.do("scrape") == 150
    shutil.rmtree(state)
    assert two.do("scrape") == 150
    three = start(state)
    three.do("count 1")
    assert two.do("scrape") == 151
    one.do("count 10")
    one.do("upkeep")
    assert one.do("scrape") == two.do("scrape") == three.do("scrape") == 161
    assert "stop all workers before the directory is removed" in one.ended()
    four = start(state)
    assert four.do("scrape") == 161


@pytest.mark.parametrize("instead", ["a file", "a loop of links", "a link to a file"])
def test_the_directory_becomes_something_else(start: Start, tmp_path: Path, instead: str) -> None:
    """What was known is shown when a directory's name is that of something else, which is said."""
    state = tmp_path / "state"
    one, two = start(state), start(state)
    one.do("count 100")
    two.do("count 50")
    assert two.do("scrape") == 150
    state.rename(tmp_path / "away")
    if instead == "a file":
        state.touch()
    else:
        state.symlink_to(state if instead == "a loop of links" else Path(sys.executable))
    assert two.do("scrape") == 150
    two.do("count 5")
    assert two.do("scrape") == 155
    assert "what is known of it is shown" in two.ended()


@pytest.mark.parametrize("name", ["event-ids", "shares"])
@pytest.mark.parametrize("again", [False, True])
def test_what_all_workers_write_to_is_cut_off(
    start: Start,
    tmp_path: Path,
    name: str,
    again: bool,  # noqa: FBT001 - a case
) -> None:
    """Ids that a worker has seen itself still count once, and so does what comes."""
    one = start(tmp_path)
    assert one.do("event first") == 1
    for size in (0, 100, 5_000):
        if (tmp_path / name).exists():  # the other one is made when a cap is met
            cut(tmp_path / name, size, again=again)
        assert one.do("event first") == 1
    assert one.do("event second") == 2


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_hole_on_a_full_disk(start: Start, tmp_path: Path, kind: str) -> None:
    """A page that the disk has no room for costs nothing: memory stands for it until there is."""
    with mounted(kind, tmp_path, 4096) as disk:
        state = disk / "state"
        one = start(state)
        one.do("count 100")
        assert one.do("scrape") == 100
        cut(state / "slot-0000", 0, again=True)
        fill(disk)
        one.do("count 10")
        one.do("tools 50")
        assert one.do("scrape") == 110
        for ballast in disk.glob("ballast-*"):
            ballast.unlink()
        one.do("upkeep")
        said = one.ended()
        two = start(state)
        assert two.do("scrape") == 110, said
        two.ended()


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_disk_that_is_full_from_the_start(start: Start, tmp_path: Path, kind: str) -> None:
    """Counted in memory, which is said; the next worker has room again."""
    with mounted(kind, tmp_path, 1024) as disk:
        state = disk / "state"
        fill(disk)
        one = start(state)
        one.do("count 10")
        assert one.do("scrape") == 10
        assert "memory" in one.ended()


def test_a_read_only_file_system(start: Start, tmp_path: Path) -> None:
    """A worker that can write nothing counts in memory; one that could goes on."""
    state = tmp_path / "disk" / "state"
    one = start(state)
    one.do("count 10")
    with read_only(tmp_path / "disk", tmp_path) as other:
        two = start(other / "state")
        two.do("count 1")
        assert two.do("scrape") == 1
        assert "kept in memory" in two.ended()
    assert one.do("scrape") == 10


def test_another_handler_of_the_signal(start: Start, tmp_path: Path) -> None:
    """Where the host has asked for tracebacks of faults, before or after us, we live on, too."""
    for before in (True, False):
        state = tmp_path / str(before)
        one = start(state, *(("-X", "faulthandler") if before else ()))
        one.do("count 10")
        one.do("scrape")
        if not before:
            one.do("faulthandler")
        cut(state / "slot-0000", 0, again=False)
        one.do("count 10")
        assert one.do("scrape") == 20


FOREIGN = """
import mmap, os, sys
from agent_analytics.processor import AgentMetricsProcessor
from tests.durable.conftest import Worker
one = Worker(__import__("pathlib").Path(sys.argv[1]))
one.invoke()
with open(sys.argv[1] + "/other", "w+b") as file:
    file.truncate(8192)
    theirs = mmap.mmap(file.fileno(), 8192)
    file.truncate(0)
    theirs[5000]
"""


def test_a_fault_that_is_not_ours(tmp_path: Path) -> None:
    """A host that faults on a file of its own ends as it would without us."""
    done = forked.run(
        [sys.executable, "-c", FOREIGN, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGBUS, done.stderr


def storm(start: Start, state: Path, seconds: float, seed: int) -> tuple[int, int, int]:
    """Cut files off while a thread counts and another process scrapes.

    Returns:
        How often files were cut off, what was counted, and what of it is shown then.
    """
    dice = random.Random(seed)
    one, two = start(state), start(state)
    one.do("tools 100")
    two.do("count 1")
    one.do("busy")
    wait_for(lambda: len(list(state.glob("slot-*"))) == 2, "both to have slots")
    cuts, begin = 0, time.monotonic()
    while time.monotonic() - begin < seconds:
        for path in state.glob("slot-*"):
            cut(path, dice.choice(SIZES), again=dice.random() < 0.5)
            cuts += 1
        time.sleep(dice.random() * 0.05)
        two.do("scrape")
    one.do("upkeep")
    one.do("count 10")
    # What it has shown of the other's and the other has lost, the one that scrapes takes on now.
    least = two.do("scrape")
    shown = one.do("scrape")
    assert two.do("scrape") == shown
    assert shown >= least
    return cuts, one.counted + two.counted, shown


@pytest.mark.parametrize("seed", [1])
def test_files_are_cut_off_all_the_time(start: Start, tmp_path: Path, seed: int) -> None:
    """Neither the worker that counts nor the one that scrapes dies, and counts go on."""
    cuts, counted, shown = storm(start, tmp_path, 1.0, seed)
    assert cuts
    assert 0 < shown <= counted


@pytest.mark.prove
def test_a_minute_of_cuts(start: Start, tmp_path: Path) -> None:
    """A minute in which files are cut off dozens of times a second."""
    for seed in range(6):
        cuts, counted, shown = storm(start, tmp_path / str(seed), 10.0, seed)
        sys.stdout.write(f"{cuts} cuts in 10 s: {counted} counted, {shown} shown\n")
        assert 0 < shown <= counted
