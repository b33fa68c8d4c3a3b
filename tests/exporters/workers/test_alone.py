"""The claim of a port for an app that counts in memory: a stranger's does not count, ours does."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests import forked
from tests.ports import free_port

from agent_analytics.exporters._workers import alone
from agent_analytics.exporters._workers.socket_names import users_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="names of sockets are of Linux")
root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")

BIND = "s = socket.socket(socket.AF_UNIX); s.bind(NAME)\n"
FILL = (
    "held = []\n"
    "try:\n"
    "    while True:\n"
    "        c = socket.socket(socket.AF_UNIX); c.setblocking(False); c.connect(NAME)\n"
    "        held.append(c)\n"
    "except BlockingIOError: pass\n"
)
#: What a stranger does with the name that our processes claim a port by.
STRANGERS: dict[str, str] = {
    "listens": BIND + "s.listen()\n",
    "does not listen": BIND,
    "listens, with nobody let in any more": BIND + "s.listen(0)\n" + FILL,
    "shut": BIND + "s.listen(); s.shutdown(socket.SHUT_RDWR)\n",
    "packets": "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(NAME)\n",
    "a name that is a line of ours": (
        BIND + "t = socket.socket(socket.AF_UNIX)\n"
        "t.bind('\\0x\\n0: 00000002 00000000 00010000 0001 01 1 @' + NAME[1:])\n"
    ),
}


@pytest.fixture
def claimed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a port that nobody claims yet, on a machine that lets nothing be written."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    return f"x{free_port()}"


def name_of(port: str) -> str:
    """Return the name that stands for a port."""
    return f"\0agent-analytics-{os.getuid()}-port-{port}"


@contextmanager
def other(code: str, port: str, *, stranger: bool) -> Generator[None]:
    """Run another process that does something with the name of a port."""
    user = "os.setgroups([]), os.setgid(65534), os.setuid(65534)\n" if stranger else ""
    known = name_of(port)
    before = f"import os, socket, sys\nNAME = {known!r}\n"
    after = "print('held', flush=True); sys.stdin.read()\n"
    with forked.start(
        [sys.executable, "-c", before + user + code + after],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.stdin.close()


@linux
@root
@pytest.mark.parametrize("case", STRANGERS)
def test_a_strangers_name_does_not_count(claimed: str, case: str) -> None:
    """Whatever another user does with the name, an app in memory answers."""
    with other(STRANGERS[case], claimed, stranger=True):
        assert alone.alone(claimed)


@linux
@root
def test_a_strangers_directory_and_name(
    claimed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a directory where our file of claims would be, with the name bound."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / f"{name_of(claimed)[1:]}.lock").mkdir()
    with other(BIND, claimed, stranger=True):
        assert alone.alone(claimed)


OURS = (
    "import tempfile; tempfile.gettempdir = lambda: '/nowhere'\n"
    "from agent_analytics.exporters._workers import alone\n"
    "assert alone.alone({port!r})\n"
)


@linux
def test_ours_counts_however_often_it_is_asked(claimed: str) -> None:
    """A process of the same user has the port for itself, though it lets no more callers wait."""
    with other(OURS.format(port=claimed), claimed, stranger=False):
        assert [alone.alone(claimed) for _ in range(9)] == [False] * 9


@linux
@root
def test_a_stranger_cannot_hide_ours(claimed: str) -> None:
    """A stranger who calls until nobody is let in any more hides no claim of ours."""
    with (
        other(OURS.format(port=claimed), claimed, stranger=False),
        other(FILL, claimed, stranger=True),
    ):
        assert not alone.alone(claimed)


@linux
def test_ours_counts_before_it_listens(claimed: str) -> None:
    """Between having the name and listening, a process of the same user has it already."""
    with other(BIND, claimed, stranger=False):
        assert not alone.alone(claimed)


@linux
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_whose_a_name_is(claimed: str, kind: int) -> None:
    """A stream's name is its user's; of other kinds of sockets, and without one, nobody's."""
    name = name_of(claimed).encode()
    assert users_of(name) == frozenset()
    with socket.socket(socket.AF_UNIX, kind) as bound:
        bound.bind(name)
        expected = {os.geteuid()} if kind == socket.SOCK_STREAM else set[int]()
        assert users_of(name) == expected
        assert users_of(name[:-1]) == frozenset()
    assert users_of(name) == frozenset()


def test_a_machine_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where asking is not allowed, a name is nobody's."""

    def refuse(*_: object) -> socket.socket:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refuse)
    assert users_of(b"\0x") == frozenset()
