"""Which process of a tree speaks and serves: the first one that was set up.

What a program starts inherits its environment, and with it our settings: pip, a reloader's
worker, a pool of processes. The first process leaves word in the environment for them.
"""

import hashlib
import os
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_VARIABLE: Final = "AGENT_ANALYTICS_PROCESS_TREE"
#: Of ``/proc/<pid>/stat``, after the name in brackets: when the process started.
_STARTED: Final = 19


#: Descriptors of the names that stand for what this process has said.
_said: Final[list[int]] = []


@dataclass(frozen=True, slots=True)
class Root:
    """The process of a tree that was set up first.

    Attributes:
        pid: Its number.
        port: Where it serves the metrics; None where it does not.
    """

    pid: int
    port: int | None


def leave_word(port: int | None) -> str:
    """Tell the processes that this one will start that it is there.

    Args:
        port: Where this process serves the metrics.

    Returns:
        What to give to ``take_back``.
    """
    pid = os.getpid()
    word = f"{pid}:{_started(pid)}:{'' if port is None else port}"
    os.environ[_VARIABLE] = word
    return word


def take_back(word: str) -> None:
    """Undo ``leave_word``."""
    if os.environ.get(_VARIABLE) == word:
        del os.environ[_VARIABLE]


def root() -> Root | None:
    """Return the process above this one that was set up first, if it is alive."""
    pid, _, rest = os.environ.get(_VARIABLE, "").partition(":")
    started, _, port = rest.partition(":")
    if not pid.isdigit() or int(pid) == os.getpid() or _started(int(pid)) != started:
        return None
    return Root(int(pid), int(port) if port.isdigit() else None)


def first_to_say(sentence: str) -> bool:
    """Tell whether no other process of this tree has said something; it has been said then.

    On Linux a name that is in no file system stands for it while this process lives; elsewhere
    only the first process of a tree speaks.
    """
    word = os.environ.get(_VARIABLE, "")
    if not sys.platform.startswith("linux") or not word:
        return root() is None
    pid, _, rest = word.partition(":")
    digest = hashlib.sha256(f"{os.getuid()}:{pid}:{rest}:{sentence}".encode()).hexdigest()[:32]
    said = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        said.bind(f"\0agent-analytics-said-{digest}")
    except OSError:
        said.close()
        return False
    _said.append(said.detach())  # for the life of this process
    return True


def _started(pid: int) -> str:
    """Return what sets a process apart from others of its number; empty where it is gone."""
    with suppress(OSError, IndexError):
        # Numbers of processes are those of a container: in another one they mean others.
        space = Path("/proc/self/ns/pid").readlink()
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if stat[0] == "Z" else f"{stat[_STARTED]}-{space.name[5:-1]}"
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        return "alive"
    return "alive"
