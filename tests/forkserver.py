"""A process that has imported what programs of tests import, and forks them: see ``forked.py``.

Its argument is the number of a socket. Each message there is a program: its command line, its
directory and its environment in JSON, with its three standard files. The answer is the number of
its process, whose parent has ended by then.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import sys
import tempfile
import types
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

#: What programs of tests import most.
IMPORTED = ("agent_analytics.exporters", "prometheus_client.parser", "pytest")


def wait(connection: socket.socket) -> Any:  # noqa: ANN401 - JSON
    """Fork a process for each program that is asked for, and return the program in that process."""
    while True:
        message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        if not message:
            os._exit(0)
        number_of, number_to = os.pipe()
        begin_of, begin_to = os.pipe()
        between = os.fork()
        if between:
            os.close(number_to)
            os.waitpid(between, 0)
            connection.send(os.read(number_of, 20))
            for file in (number_of, begin_of, begin_to, *files):
                os.close(file)
        elif pid := os.fork():
            os.write(number_to, b"%d" % pid)
            os._exit(0)
        else:
            os.close(begin_to)
            os.read(begin_of, 1)  # ends when the server closes its end: the test is the parent
            for usual, file in enumerate(files):
                os.dup2(file, usual)
            for file in (number_of, number_to, begin_of, *files):
                os.close(file)
            connection.close()
            return json.loads(message)


def begin(command: list[str], directory: str, environment: dict[str, str]) -> None:
    """Do what an interpreter does that is started so."""
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.orig_argv = list(command)
    arguments = command[1:]
    if arguments[0] == "-W":
        sys.warnoptions.append(arguments[1])
        warnings.simplefilter("error")
        arguments = arguments[2:]
    main: Any = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    kind, *sys.argv = arguments
    sys.path[0] = ""
    if kind == "-c":
        code = compile(sys.argv[0], "<string>", "exec")
        sys.argv[0] = kind
    elif kind == "-m":
        sys.path[0] = directory
        as_main: Any = runpy
        as_main._run_module_as_main(sys.argv[0])  # noqa: SLF001 - what -m does
        return
    else:
        sys.argv.insert(0, kind)
        sys.path[0] = str(Path(kind).resolve().parent)
        main.__file__ = kind
        code = compile(Path(kind).read_bytes(), kind, "exec")
    exec(code, main.__dict__)  # noqa: S102 - the program


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    with suppress(ImportError):  # the price list is an extra
        importlib.import_module("genai_prices.data_snapshot").get_snapshot()
    gc.collect()
    gc.freeze()
    begin(*wait(socket.socket(fileno=int(sys.argv[1]))))
