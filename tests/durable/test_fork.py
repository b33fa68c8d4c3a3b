"""A forked child counts from zero, in a slot of its own, and nothing it inherits is held."""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from tests import forked
from tests.patience import patience

from agent_analytics.instrumentation import health

Start = Callable[..., Any]
HERE = Path(__file__).parent


@pytest.mark.parametrize("forks", [50, pytest.param(1_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["memory", "durable"])
def test_forks_while_threads_are_inside(kind: str, forks: int, tmp_path: Path) -> None:
    """No child hangs, none counts what the parent has counted, and none is missing."""
    # In memory where there is such a folder: what is asked is not how fast the disk is.
    base = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path  # noqa: S108 - a file system in memory
    folder = Path(tempfile.mkdtemp(dir=base))
    state = str(folder) if kind == "durable" else kind
    done = forked.run(
        [sys.executable, str(HERE / "forking.py"), state, str(forks), str(patience())],
        capture_output=True,
        check=True,
        timeout=patience(150),
    )
    counted = json.loads(done.stdout)
    assert counted["ended"] == forks, done.stderr
    assert counted["own"] > forks
    children = forks if kind == "durable" else 0
    assert counted["shown"] == counted["own"] + children
    slots = sorted(each.name for each in folder.glob("slot-*"))
    shutil.rmtree(folder)
    assert slots == (["slot-0000", "slot-0001"] if kind == "durable" else [])


#: Counts by every kind of block, shows that, and says which modules that has imported.
IMPORTS = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import agent, record_install, tool, tracing
from agent_analytics.processor import AgentMetricsProcessor
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(processor := AgentMetricsProcessor(0, sys.argv[1]))
tracing.use_provider(provider)
known = set(sys.modules)

@tool
def look_up():
    pass

@agent(publisher_id="acme", agent_id="finder")
def finder():
    look_up()
    return {"model": "m-1", "usage": {"input_tokens": 1, "output_tokens": 2}}

finder()
record_install(publisher_id="acme", agent_id="finder", event_id="one")
assert b"tool_calls_total" in exposition(processor)[0]
exposition(processor, part="sketches")
print(*sorted(set(sys.modules) - known))
"""


def test_nothing_is_imported_when_something_is_counted(tmp_path: Path) -> None:
    """A forked child could wait for ever for an import that a thread of the parent was in."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def in_child(act: Callable[[], None]) -> None:
    """Run something in a forked child."""
    before = health.internal_errors()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = int(health.internal_errors() != before)
        except BaseException:  # noqa: BLE001 - whatever it is, the test shows it
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("state", [True, False])
def test_an_inherited_span_is_the_parents(worker: Start, tmp_path: Path, state: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A span that both processes end counts once, in the parent."""
    one = worker(tmp_path / "state")
    if not state:
        one = type(one)(None)
    with one.tracer.start_as_current_span("s", attributes=INVOCATION) as span:
        in_child(span.end)
    assert one.invocations() == 1


def test_what_a_child_does_inside_belongs_to_the_invocation(worker: Start) -> None:
    """A tool call in a forked child is the listing's, and the invocation stays the parent's."""
    one = worker()
    with one.tracer.start_as_current_span("s", attributes=INVOCATION):
        in_child(lambda: one.tracer.start_span("t", attributes=TOOL).end())
    assert one.invocations() == 1
    assert one.value("tool_calls_total", agent_id="finder", tool="search") == 1


def test_others_count_where_one_cannot_begin_anew(
    worker: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor that fails in a forked child takes no other one with it."""
    workers = [worker(tmp_path / name) for name in ("a", "b", "c")]
    monkeypatch.setattr(workers[1].processor, "after_fork", lambda: 1 / 0)
    with ExitStack() as opened:
        for one in workers:
            span = one.tracer.start_span("s", attributes=INVOCATION)
            opened.enter_context(trace.use_span(span, end_on_exit=True))
            pid = os.fork()
            if pid == 0:
                one.tracer.start_span("t", attributes=TOOL).end()
                os._exit(0)
            os.waitpid(pid, 0)
    for one in (workers[0], workers[2]):
        assert one.value("tool_calls_total", agent_id="finder", tool="search") == 1


def test_a_daemon_that_has_closed_what_was_open(worker: Start, tmp_path: Path) -> None:
    """Descriptors that somebody has closed are no reason to lose what a child does."""
    one = worker()
    one.event("install", "id")

    def daemon() -> None:
        for each in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                if str(each.readlink()).startswith(str(tmp_path)):
                    os.close(int(each.name))
        in_child(lambda: one.tracer.start_span("t", attributes=TOOL).end())

    with one.tracer.start_as_current_span("s", attributes=INVOCATION):
        in_child(daemon)
    assert one.value("tool_calls_total", agent_id="finder", tool="search") == 1


@pytest.mark.parametrize("children", [1, 6])
def test_somebody_holds_the_lock_of_the_directory(
    worker: Start, tmp_path: Path, children: int
) -> None:
    """A process stopped with the lock costs each child a second, and no count, however many."""
    state = tmp_path / "state"
    one = worker(state)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state / "lock")], stdout=subprocess.PIPE
    )
    os.waitid(os.P_PID, holder.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        begin = time.monotonic()
        with one.tracer.start_as_current_span("s", attributes=INVOCATION):
            pids: list[int] = []
            for number in range(children):
                pid = os.fork()
                if pid == 0:
                    one.tracer.start_span("t", attributes=TOOL).end()
                    one.event("install", f"id-{number}")
                    os._exit(0)
                pids.append(pid)
            for pid in pids:
                os.waitpid(pid, 0)
        assert time.monotonic() - begin > 1
        assert one.invocations() == 1
        assert one.value("tool_calls_total", agent_id="finder", tool="search") == children
        assert one.value("installs_total") == children
    finally:
        holder.kill()
        holder.communicate()


def test_a_child_that_does_nothing_takes_no_slot(worker: Start, tmp_path: Path) -> None:
    """A process that only starts others leaves no file."""
    one = worker()
    one.processor.snapshot()
    in_child(lambda: None)
    assert not list((tmp_path / "state").glob("slot-*"))


def test_the_lock_of_a_dead_parent_is_free(worker: Start, tmp_path: Path) -> None:
    """A child that lives on does not keep the parent's slot taken."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from conftest import Worker\n"
        "one = Worker(sys.argv[1]); one.invoke()\n"
        "if os.fork(): os._exit(0)\n"
        "print(os.getpid(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    state = tmp_path / "state"
    with forked.start(
        [sys.executable, "-c", code, str(state), str(HERE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.wait()
        try:
            two = worker(state)
            two.invoke()
            assert two.invocations() == 2
            assert len(list(state.glob("slot-*"))) == 1
        finally:
            os.kill(child, 9)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(method: str, worker: Start, tmp_path: Path) -> None:
    """Processes of a pool count into the directory of their parent."""
    state = tmp_path / "state"
    code = (
        "import multiprocessing, sys; sys.path.insert(0, sys.argv[2])\n"
        "from conftest import Worker\n"
        "def work(path):\n"
        "    one = Worker(path)\n"
        "    for _ in range(10): one.invoke()\n"
        "if __name__ == '__main__':\n"
        "    here = Worker(sys.argv[1]); here.invoke()\n"
        "    context = multiprocessing.get_context(sys.argv[3])\n"
        "    each = [context.Process(target=work, args=(sys.argv[1],)) for _ in range(3)]\n"
        "    for p in each: p.start()\n"
        "    for p in each: p.join()\n"
        "    print(here.invocations())\n"
    )
    program = tmp_path / "program.py"
    program.write_text(code)
    done = subprocess.run(
        [sys.executable, str(program), str(state), str(HERE), method],
        capture_output=True,
        check=True,
        text=True,
        timeout=patience(),
    )
    assert float(done.stdout) == 31, done.stderr
    assert worker(state).invocations() == 31
    assert method in multiprocessing.get_all_start_methods()


@pytest.mark.slow
@pytest.mark.servers
def test_celery_prefork(worker: Start, tmp_path: Path) -> None:
    """Tasks in celery's forked processes are all counted."""
    state, folder = tmp_path / "state", tmp_path / "broker"
    folder.mkdir()
    environment = {
        **os.environ,
        "AGENT_ANALYTICS_STATE_DIR": str(state),
        "BROKER_FOLDER": str(folder),
    }
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", "prefork", "-c", "2"]
    with subprocess.Popen(
        [*command, "--without-gossip", "--without-mingle", "-l", "ERROR"],
        cwd=HERE,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            send = "import tasks\nfor _ in range(30): tasks.work.delay()"
            subprocess.run([sys.executable, "-c", send], cwd=HERE, env=environment, check=True)
            deadline = time.monotonic() + patience()
            shown = worker(state)
            while shown.invocations() != 30 and time.monotonic() < deadline:
                time.sleep(0.2)
            assert shown.invocations() == 30
        finally:
            process.terminate()
            process.wait(patience())
    assert worker(state).invocations() == 30
    assert 1 <= len(list(state.glob("slot-*"))) <= 3


#: Takes the lock of a directory, and is stopped.
HOLD = (
    "import fcntl, os, signal, sys\n"
    "held = open(sys.argv[1], 'a'); fcntl.flock(held, fcntl.LOCK_EX)\n"
    "os.kill(os.getpid(), signal.SIGSTOP)\n"
)
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
INVOCATION = {
    "gen_ai.operation.name": "invoke_agent",
    "marketplace.publisher.id": "acme",
    "marketplace.agent.id": "finder",
}
