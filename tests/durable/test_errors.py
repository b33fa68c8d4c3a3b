"""Calls on a state directory that fail for a while, as those of a disk or a mount that fails do.

The library `errors.c` fails them in real processes. What is counted meanwhile is in memory, and is
written when the calls work again; a scrape never shows less than the one before.
"""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests import forked
from tests.durable.disks import read_only
from tests.durable.test_cut_off import Counting

from agent_analytics.processor._durable._files.directory import StateDirectory

HERE = Path(__file__).parent
#: Further errors, whose tests take long: each worker is an interpreter of its own.
FURTHER = [
    pytest.param(each, marks=pytest.mark.slow)
    for each in ("EACCES", "ESTALE", "ENOSPC", "EDQUOT", "EROFS", "ENOLCK", "ENOMEM")
]
CALLS = (
    "open",
    "write",
    "fallocate",
    "sync",
    "stat",
    "read",
    "lock",
    "map",
    "unlink",
    "rename",
    "mkdir",
)
#: Calls that a worker makes each second, or each scrape: it has to notice.
NOTICED = {"open", "sync", "stat", "lock"}
#: Calls without which no worker begins to use a directory.
NEEDED = {"open", "write", "fallocate", "stat", "read", "lock", "map", "mkdir"}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library that fails calls."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler: errors of calls cannot be made here")
    made = tmp_path_factory.mktemp("library") / "errors.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(made), str(HERE / "errors.c"), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the C compiler makes no library here: {done.stderr[-200:]}")
    return made


class Failing:
    """A state directory whose calls fail on demand.

    Attributes:
        state: The directory.
    """

    def __init__(self, library: Path, folder: Path, started: ExitStack) -> None:
        self.state = folder / "disk" / "state"
        self._when = folder / "when"
        self._started = started
        self._environment = os.environ | {
            "LD_PRELOAD": str(library),
            "FAIL_UNDER": str(self.state.parent),
            "FAIL_WHEN": str(self._when),
        }

    def start(self) -> Counting:
        """Start a worker, which is killed after the test."""
        worker = Counting(self.state, env=self._environment)
        self._started.callback(worker.process.communicate)
        self._started.callback(worker.process.kill)
        return worker

    def fail(self, error: str, *calls: str) -> None:
        """Let calls fail from now on."""
        fresh = self._when.with_suffix(".new")
        fresh.write_text(f"{getattr(errno, error)} {' '.join(calls)}")
        fresh.rename(self._when)

    def heal(self) -> None:
        """Let all calls work again."""
        self._when.unlink()


@pytest.fixture
def failing(library: Path, tmp_path: Path) -> Generator[Failing]:
    """Return a directory whose calls can be made to fail."""
    with ExitStack() as started:
        yield Failing(library, tmp_path, started)


def said_once(said: str, state: Path) -> None:
    """Assert that nothing is said twice, and that the path is."""
    lines = [line for line in said.splitlines() if "cannot be used" in line]
    assert len(lines) == len(set(lines)), said
    assert all(str(state) in line for line in lines), said
    assert "Traceback" not in said, said


@pytest.mark.parametrize("error", ["EIO", *FURTHER])
def test_each_call_fails_for_a_while(failing: Failing, error: str) -> None:
    """Two workers count on, show no less than before, say what is wrong, and all of it is kept."""
    one, two = failing.start(), failing.start()
    one.do("count 10")
    two.do("count 5")
    total = 15
    assert one.do("scrape") == two.do("scrape") == total
    for call in CALLS:
        failing.fail(error, call)
        one.do("count 10")
        assert one.do("scrape") >= one.counted + two.counted, call
        two.do("count 5")
        two.do("tools 30")
        assert two.do("scrape") >= two.counted
        one.do("upkeep")
        failed = one.do("failing")
        assert failed > 0 or call not in NOTICED, call
        failing.heal()
        for worker in (one, two):
            worker.do("upkeep")
        total = one.counted + two.counted
        assert one.do("scrape") == two.do("scrape") == total, call
        assert one.do("failing") == two.do("failing") == 0, call
    said = one.ended()
    said_once(said, failing.state)
    assert "What to do: " in said
    assert "can be used again" in said
    two.ended()
    assert failing.start().do("scrape") == total


@pytest.mark.parametrize(
    ("error", "call"),
    [
        ("EIO", "open"),
        ("EDQUOT", "fallocate"),
        *(
            pytest.param(error, call, marks=pytest.mark.slow)
            for error in ("EIO", "EACCES")
            for call in sorted(NEEDED)
        ),
    ],
)
def test_a_worker_that_starts_meanwhile(failing: Failing, error: str, call: str) -> None:
    """It counts in memory, and what it has counted is in the directory when calls work again."""
    failing.state.parent.mkdir()
    failing.fail(error, call)
    one = failing.start()
    one.do("count 10")
    one.do("event first")
    assert one.do("scrape") == 10
    assert one.do("failing") == 1
    failing.heal()
    one.do("upkeep")
    one.do("count 5")
    assert one.do("scrape") == 15
    assert one.do("failing") == 0
    said = one.ended()
    said_once(said, failing.state)
    assert said.count("What to do: ") == 1, said
    two = failing.start()
    assert two.do("scrape") == 15
    assert two.do("event first") == 1, "what was seen meanwhile"


@pytest.mark.parametrize("call", ["fallocate", pytest.param("map", marks=pytest.mark.slow)])
def test_no_room_to_grow_for_a_while(failing: Failing, call: str) -> None:
    """New series are in memory until there is room; then others see them, and later workers."""
    one, two = failing.start(), failing.start()
    one.do("count 10")
    two.do("count 1")
    assert one.do("scrape") == two.do("scrape") == 11
    failing.fail("ENOSPC", call)
    one.do("tools 3000")
    one.do("count 10")
    assert one.do("scrape") == 21
    assert one.do("failing") == 1
    assert two.do("scrape") == 21, "what is stored stays stored"
    failing.heal()
    one.do("upkeep")
    one.do("count 1")
    tools = one.do("tools-seen")
    assert two.do("tools-seen") == one.do("tools-seen") == tools == 3000
    assert one.do("failing") == 0
    said = one.ended()
    assert "new series find no room" in said
    two.ended()
    three = failing.start()
    assert three.do("tools-seen") == 3000
    assert three.do("scrape") == 22
    assert "damaged" not in three.ended()


def test_the_disk_cannot_be_read_under_a_mapped_file(failing: Failing) -> None:
    """A page that is gone, and a disk that says nothing: memory stands for it, nobody dies."""
    one, two = failing.start(), failing.start()
    one.do("count 10")
    two.do("count 5")
    assert one.do("scrape") == two.do("scrape") == 15
    failing.fail("EIO", "read", "write")
    os.truncate(failing.state / "slot-0000", 0)
    one.do("count 10")
    assert one.do("scrape") == 25
    assert two.do("scrape") == 15, "what was known"
    failing.heal()
    one.do("upkeep")
    assert one.do("scrape") == two.do("scrape") == 25


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    """The same by the limit on the size of files, which needs no compiler."""
    one = Counting(tmp_path)
    one.do("count 10")
    one.do("room 262144")
    one.do("tools 3000")
    assert one.do("tools-seen") == 3000
    assert one.do("failing") == 1
    one.do("room 0")
    one.do("upkeep")
    assert one.do("failing") == 0
    assert "ulimit" in one.ended()
    two = Counting(tmp_path)
    assert two.do("tools-seen") == 3000
    assert two.do("scrape") == 10
    two.ended()


def test_a_file_system_that_can_be_written_to_later(tmp_path: Path) -> None:
    """A worker that begins on a read-only one moves to it when it is mounted for writing."""
    (tmp_path / "disk").mkdir()
    with read_only(tmp_path / "disk", tmp_path) as other:
        one = Counting(other / "state")
        one.do("count 10")
        assert one.do("scrape") == 10
        assert one.do("failing") == 1
        subprocess.run(["/bin/mount", "-o", "remount,rw,bind", str(other)], check=True)
        one.do("upkeep")
        assert one.do("failing") == 0
        one.ended()
        two = Counting(other / "state")
        assert two.do("scrape") == 10
        two.ended()


def test_the_directory_is_another_services_by_then(failing: Failing) -> None:
    """Nothing is written there then: the worker counts in memory and says so."""
    failing.state.parent.mkdir()
    failing.fail("EACCES", "mkdir")
    one = failing.start()
    one.do("count 10")
    StateDirectory(failing.state, "another", b"").prepare()
    before = sorted(each.name for each in failing.state.iterdir())
    failing.heal()
    one.do("upkeep")
    one.do("count 1")
    assert one.do("scrape") == 11
    assert one.do("failing") == 1
    assert sorted(each.name for each in failing.state.iterdir()) == before
    assert "belongs to service 'another'" in one.ended()


FORKS = """
import os, resource, sys
from pathlib import Path
from tests.durable.conftest import Worker
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, most))
one = Worker(Path(sys.argv[1]), service="shop")
one.invoke()
child = os.fork()
if not child:
    one.invoke()
    one.invoke()
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
if child:
    os.waitpid(child, 0)
one.upkeep()
print(one.invocations(), flush=True)
os._exit(0)
"""


def test_a_fork_while_memory_stands_for_the_slot(tmp_path: Path) -> None:
    """What the parent has in memory is its own alone; each takes a slot when there is one."""
    done = forked.run([sys.executable, "-c", FORKS, str(tmp_path)], check=True, capture_output=True)
    assert done.stdout.split() == ["2", "3"], done.stderr
