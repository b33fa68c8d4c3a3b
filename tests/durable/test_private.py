"""Files of a state directory are for their owner alone, and a stranger's lock stops nobody."""

import fcntl
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests import forked
from tests.durable.test_target import installs
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.exporters import configure
from agent_analytics.exporters._workers import alone
from agent_analytics.instrumentation import record_install

Start = Callable[..., Any]
NOBODY = 65534


@contextmanager
def umask(mask: int) -> Generator[None]:
    """Let new files have another mode."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(path: Path) -> dict[str, int]:
    """Return the modes of a directory and of what is in it."""
    return {each.name: stat.S_IMODE(each.lstat().st_mode) for each in (path, *path.iterdir())}


def use(state: Path) -> None:
    """Make every file that a state directory may have."""
    with configure("shop", free_port(), state_dir=str(state), hold_seconds=0):
        record_install(publisher_id="acme", agent_id="finder", tenant_id="t", event_id="e")


def right(state: Path) -> bool:
    """Tell whether all is for the owner alone."""
    found = modes(state)
    return {*found.values()} == {0o700, 0o600} and found[state.name] == 0o700 and len(found) >= 6


@pytest.mark.parametrize("mask", [0, 0o022, 0o027, 0o777])
def test_new_files_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    """Files are 0600, the state directory 0700, and those above it as others of the user's are."""
    state = tmp_path / "made" / "state"
    with umask(mask):
        use(state)
    assert right(state), modes(state)
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o777 & ~mask | 0o700


def test_files_of_an_earlier_version_are_tightened(tmp_path: Path) -> None:
    """What an earlier version left readable is so no longer after a start."""
    state = tmp_path / "state"
    use(state)
    for each in state.iterdir():
        each.chmod(0o666)
    state.chmod(0o777)
    use(state)
    assert right(state), modes(state)


def test_a_directory_with_files_of_others_keeps_its_mode(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A directory that somebody shares, as /tmp is, is not taken from them; our files are."""
    tmp_path.chmod(0o1777)
    (tmp_path / "theirs").write_text("")
    (tmp_path / "theirs").chmod(0o644)
    use(tmp_path)
    found = modes(tmp_path)
    assert found.pop(tmp_path.name) == 0o1777
    assert found.pop("theirs") == 0o644
    assert {*found.values()} == {0o600}
    assert any("files of others" in record.getMessage() for record in caplog.records)


def test_a_shared_directory_without_files_keeps_its_mode(tmp_path: Path) -> None:
    """One that everybody makes files in, as /dev/shm is, is theirs while it is empty, too."""
    tmp_path.chmod(0o1777)
    use(tmp_path)
    found = modes(tmp_path)
    assert found.pop(tmp_path.name) == 0o1777
    assert {*found.values()} == {0o600}


STRANGER = """
import os, sys
os.setgid(65534), os.setuid(65534)
refused = 0
for name in sys.argv[1:]:
    for flags in (os.O_RDONLY, os.O_RDWR):
        try:
            os.open(name, flags)
        except PermissionError:
            refused += 1
print(refused)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("shared", [False, True])
def test_another_user_opens_nothing(tmp_path: Path, shared: bool) -> None:  # noqa: FBT001 - a case
    """Neither to read revenue nor to hold a lock, in a shared directory either."""
    state = tmp_path / "state"
    if shared:
        state.mkdir()
        state.chmod(0o777)
        (state / "theirs").write_text("")
    use(state)
    names = sorted(each.name for each in state.iterdir() if each.name != "theirs")
    done = forked.run(
        [sys.executable, "-c", STRANGER, *names],
        cwd=state,  # whoever may look into the folders above it
        capture_output=True,
        check=True,
    )
    assert int(done.stdout) == 2 * len(names) >= 10


def test_locks_that_a_stranger_holds_on_everything(worker: Start, tmp_path: Path) -> None:
    """Somebody who opened the files while that was possible stops neither counts nor scrapes."""
    state = tmp_path / "state"
    use(state)
    with ExitStack() as held:
        for each in state.iterdir():
            with suppress(BlockingIOError):  # a slot that this process has held since
                fcntl.flock(held.enter_context(each.open("rb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        begin = time.monotonic()
        one = worker(state)
        for number in range(50):
            one.event("install", f"id-{number}")
            one.event("install", f"id-{number}")
        assert [one.value("installs_total") for _ in range(5)] == [51] * 5
        assert time.monotonic() - begin < patience(5), "each wait is paid once"
        port = free_port()
        with configure("shop", port, state_dir=str(state), hold_seconds=0):
            assert wait_for(lambda: installs(port) is not None, "the metrics to be served")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("kind", ["file", "name"])
def test_a_stranger_claims_the_port_of_an_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """An app in memory answers although another user holds the claim that processes share."""
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    tmp_path.chmod(0o1777)
    port = f"{kind}-{free_port()}"
    known = f"agent-analytics-0-port-{port}"
    code = (
        "import fcntl, os, socket, sys\n"
        "os.setgid(65534), os.setuid(65534)\n"
        "name = socket.socket(socket.AF_UNIX)\n"
        f"name.bind('\\0{known}'); name.listen()\n"
        "if sys.argv[1] == 'file':\n"
        f"    file = open('{known}.lock', 'w')\n"
        "    fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    if kind == "name":
        monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path / "gone"))
    with forked.start(
        [sys.executable, "-c", code, kind],
        cwd=tmp_path,  # which somebody else reaches whatever the folders above it allow
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as stranger:
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == "held\n"
        assert alone.alone(port)
        stranger.kill()
