"""Processes that a counted program starts inherit its settings: one of the tree speaks and serves.

The children here are those of pip, of reloaders (uvicorn, Flask), of pools (multiprocessing's
spawn, ray's workers) and of launchers that replace themselves.
"""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.zero_code.launch import (
    ACME,
    INSTRUMENT,
    OURS,
    PLAIN,
    Program,
    environment,
    exposed,
    run,
    running,
)

#: No instrumentation to wait for.
QUICK = ACME | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}
COUNT = """
from agent_analytics.instrumentation import agent

@agent(publisher_id="acme", agent_id="finder", tenant=lambda: "t-1")
def find():
    return 1
"""
TELL = """
import json, sys
sys.stdout.write(json.dumps(told) + "\\n"); sys.stdout.flush(); sys.stdin.read()
"""
START = """
import subprocess, sys
def start(*arguments, **more):
    found = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, **more)
    assert found.returncode == 0, found.stderr
    return found.stderr
"""


def ours(said: str) -> list[str]:
    """Return the lines of ours."""
    return [line for line in said.splitlines() if "agent-analytics" in line]


def successes(program: Program) -> float:
    """Return how many invocations a program shows."""
    return program.counts().get(("invocations_total", "acme", "finder", "success"), 0)


def test_two_lines() -> None:
    """A start is what is counted and where, on a line each; nothing else where all is well."""
    with running("told = 1" + TELL, QUICK) as program:
        program.told()
        first, second = ours(program.finish())
    assert first.startswith("agent-analytics: instrumentations ")
    assert "tokens without a price are unpriced" in first
    assert second == f"agent-analytics: metrics on http://127.0.0.1:{program.port}/metrics"


def test_two_lines_in_code() -> None:
    """The same two of configure(), which the program's own logging shows."""
    code = """
import logging
logging.basicConfig(level=logging.INFO, format="%(message)s")
from agent_analytics.exporters import configure
configure()
told = 1
"""
    with running(code + TELL, {}, command=PLAIN) as program:
        program.told()
        said = ours(program.finish())
    assert [line.split(" ")[1] for line in said] == ["prices", "metrics"]


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_warnings_have_lines_of_their_own(times: int) -> None:
    """Each start warns, a line a warning, and each names what to set."""
    for _ in range(times):
        _, said = run("told = 1" + TELL, OURS | {
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*", "AGENT_ANALYTICS_TENANT_KEY": "",
        })  # fmt: skip
        lines = ours(said)
        assert len(lines) == 4
        for variable in ("AGENT_ANALYTICS_TENANT_KEY", "AGENT_ANALYTICS_PUBLISHER_ID"):
            assert sum(variable in line for line in lines) == 1


CHILDREN = {
    "nothing": "told = [start('-c', 'pass')]",
    "pip": "told = [start('-m', 'pip', '--version')]",
    "grandchild": "told = [start('-c', 'import subprocess, sys; '"
    "'subprocess.run([sys.executable, chr(45) + chr(99), chr(49)], check=True)')]",
    "instrumented-again": f"told = [start({INSTRUMENT[0]!r}, sys.executable, '-c', 'pass')]",
}


@pytest.mark.slow
@pytest.mark.parametrize("child", CHILDREN)
def test_children_that_record_nothing(child: str) -> None:
    """They start without a word, and the program's metrics stay where they are."""
    with running(COUNT + START + "find()\n" + CHILDREN[child] + TELL, QUICK) as program:
        assert ours(program.told()[0]) == []
        assert successes(program) == 1
        assert len(ours(program.finish())) == 2


@pytest.mark.slow
def test_a_child_that_records() -> None:
    """It does not fight for the port; once it has recorded it says once what to set."""
    code = COUNT + START + f"told = start('-c', {COUNT + 'find(); find()'!r})"
    with running(code + TELL, QUICK) as program:
        (line,) = ours(program.told())
        assert successes(program) == 0
        said = ours(program.finish())
    assert f"was started by process {program.process.pid}, which serves the metrics" in line
    assert f"on port {program.port}. Nobody can read what this process counts: set" in line
    assert "AGENT_ANALYTICS_STATE_DIR" in line
    assert len(said) == 2


def test_children_with_a_state_directory(tmp_path: Path) -> None:
    """With one, children are silent and their counts are in the sum."""
    code = COUNT + START + f"told = start('-c', {COUNT + 'find(); find()'!r})\nfind()"
    state = {"AGENT_ANALYTICS_STATE_DIR": str(tmp_path / "state")}
    with running(code + TELL, QUICK | state) as program:
        assert ours(program.told()) == []
        assert successes(program) == 3


POOL = (
    COUNT
    + """
import multiprocessing, sys, urllib.request
from multiprocessing import resource_tracker
{configure}

def work(_):
    return find()

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        told = sum(pool.map(work, range(4), chunksize=1))
    # A pool's helper that is still starting when the program ends would be the first of its tree.
    resource_tracker._resource_tracker._stop()
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["without", "in-code"])
def test_a_pool_of_spawned_processes(tmp_path: Path, where: str) -> None:
    """Each runs the program's first lines again, configure() among them: none of them fails."""
    call = "from agent_analytics.exporters import configure; runtime = configure()"
    program = tmp_path / "pool.py"
    indented = TELL.replace("\n", "\n    ")
    program.write_text(POOL.format(configure=call if where == "in-code" else "") + indented)
    command = PLAIN if where == "in-code" else INSTRUMENT
    with running(str(program), QUICK, command=command) as started:
        assert started.told() == 4
        said = ours(started.finish())
    lost = [line for line in said if "Nobody can read what this process counts" in line]
    assert 1 <= len(lost) <= 2
    assert len(said) - len(lost) == (0 if where == "in-code" else 2)


@pytest.mark.slow
def test_a_child_that_outlives_its_parent(tmp_path: Path) -> None:
    """A service that a launcher leaves behind is the first of its own tree: it serves."""
    port = free_port()
    ready = tmp_path / "ready"
    service = f"""{COUNT}
find()
import pathlib, sys
pathlib.Path({str(ready)!r}).touch()
sys.stdin.read()
"""
    child = f"""
import os, sys, time
while os.getppid() == int(sys.argv[1]):
    time.sleep(0.01)
os.environ["PYTHONPATH"] = sys.argv[2]
os.execv(sys.executable, [sys.executable, "-c", {service!r}])
"""
    launcher = f"""
import os, subprocess, sys
path = os.environ["PYTHONPATH"]
subprocess.Popen([sys.executable, "-c", {child!r}, str(os.getpid()), path])
"""
    env = {**environment(), **QUICK, "AGENT_ANALYTICS_METRICS_PORT": str(port)}
    with subprocess.Popen([*INSTRUMENT, "-c", launcher], env=env, stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as started:  # fmt: skip
        assert started.stdin is not None
        assert started.stderr is not None
        lines: list[str] = []
        while len([line for line in lines if "metrics on http" in line]) < 2:
            line = started.stderr.readline()
            assert line, lines
            lines.append(line)
        while not ready.exists():
            time.sleep(0.02)
        assert 'agent_id="finder",outcome="success"} 1' in exposed(port)
        started.stdin.close()


@pytest.mark.slow
def test_a_child_on_a_port_of_its_own() -> None:
    """A child that was given another port serves there, and says where."""
    port = free_port()
    code = (
        START
        + f"""
import os
told = start("-c", "pass", env={{**os.environ, "AGENT_ANALYTICS_METRICS_PORT": "{port}"}})
"""
    )
    with running(code + TELL, QUICK) as program:
        assert ours(program.told()) == [
            f"agent-analytics: metrics on http://127.0.0.1:{port}/metrics"
        ]


def test_nothing_is_left_in_the_environment() -> None:
    """What a runtime leaves for its children is gone with it."""
    code = """
import os
before = dict(os.environ)
from agent_analytics.exporters import configure
with configure(metrics_port=None):
    told = [os.environ.keys() - before.keys() != set()]
told.append(dict(os.environ) == before)
"""
    assert run(code + TELL, {}, command=(sys.executable,))[0] == [True, True]
