"""Programs that start by a fork are processes as any other, and begin as an interpreter begins."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import forked

#: Says what a program sees of how it was started.
SEEN = """
import atexit, os, random, sys
atexit.register(print, "the end")
print(__name__, sys.argv[1:], os.getcwd(), os.environ.get("SAID"), os.getppid(), "agent_analytics"
      in sys.modules, repr(sys.stdin.read()), file=sys.stderr)
raise SystemExit(7)
"""


def test_a_program_begins_and_ends_as_an_interpreter(tmp_path: Path) -> None:
    """Arguments, directory, environment, parent and files are its own; it ends as it says."""
    command = [sys.executable, "-c", SEEN, "a", "b"]
    told = {"cwd": tmp_path, "env": {**os.environ, "SAID": "x"}}
    pipe = subprocess.PIPE
    with forked.start(command, stdin=pipe, stdout=pipe, stderr=pipe, **told) as program:
        said, complained = program.communicate("hello")
    assert program.returncode == 7
    assert said == "the end\n"
    where = f"{tmp_path} x {os.getpid()}"
    assert complained == f"__main__ ['a', 'b'] {where} {sys.platform == 'linux'} 'hello'\n"


def test_no_two_programs_draw_the_same(tmp_path: Path) -> None:
    """Ids of spans are random in each process."""
    program = "import random, uuid; print(random.getrandbits(64), uuid.uuid4())"
    command = [sys.executable, "-c", program]
    drawn = {
        forked.run(command, check=True, capture_output=True, cwd=tmp_path).stdout for _ in "ab"
    }
    assert len(drawn) == 2


@pytest.mark.parametrize("variable", ["OTEL_PROPAGATORS", "PYTHONHASHSEED", "TZ"])
def test_what_is_read_at_the_start_is_read(variable: str) -> None:
    """A program with a variable that imports or interpreters read starts anew."""
    program = "import sys; print('agent_analytics' in sys.modules)"
    env = {**os.environ, variable: "0" if variable == "PYTHONHASHSEED" else "b3"}
    done = forked.run([sys.executable, "-c", program], check=True, capture_output=True, env=env)
    assert done.stdout == "False\n"


def test_warnings_are_errors_where_asked_for() -> None:
    """The interpreter's option is heeded, and an error is printed as ever."""
    command = [sys.executable, "-W", "error", "-c", "import warnings; warnings.warn('beware')"]
    done = forked.run(command, check=False, capture_output=True)
    assert done.returncode == 1
    assert done.stderr.endswith("UserWarning: beware\n")
