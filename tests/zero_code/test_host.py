"""The program comes first: whatever is wrong with telemetry, it runs, and one line says what."""

import socket
import time
from pathlib import Path

import pytest
from tests.patience import patience
from tests.ports import free_port
from tests.zero_code.launch import (
    ACME,
    INSTRUMENT,
    OURS,
    announced,
    install,
    installed,
    run,
    running,
    scrape,
)

#: A run without a model: what the program needs is in pydantic-ai itself.
RUN = """
import json, sys
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
agent = Agent(TestModel(), name="finder")
for _ in range(3):
    agent.run_sync("hello")
"""
TELL = 'sys.stdout.write(json.dumps("done") + "\\n"); sys.stdout.flush(); sys.stdin.read()\n'
#: The least that a program does, and no instrumentation to wait for.
NOTHING = "import json, sys\n" + TELL
SUCCESSES = ("invocations_total", "acme", "finder", "success")
QUICK = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}
#: pydantic-ai alone: the instrumentations of OpenAI's client take seconds to import.
ONLY = {"AGENT_ANALYTICS_INSTRUMENT": "pydantic-ai"}


def about_us(said: str) -> list[str]:
    """Return the lines of ours."""
    return [line for line in said.splitlines() if line.startswith("agent-analytics: ")]


def not_of_prices(lines: list[str]) -> list[str]:
    """Return the lines but for the one that says where prices come from, at INFO."""
    about = ("agent-analytics: prices from ", "agent-analytics: no prices ")
    return [line for line in lines if not line.startswith(about)]


def test_the_port_is_in_use() -> None:
    """A port that somebody else has costs one line, and the program runs."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told, said = run(NOTHING, ACME | QUICK, port=taken.getsockname()[1])
    assert told == "done"
    refused = [line for line in about_us(said) if "Address already in use" in line]
    assert len(refused) == 1
    assert "AGENT_ANALYTICS_STATE_DIR" in refused[0]
    assert refused[0].endswith("Nobody can read what this process counts")
    assert "Traceback" not in said


def test_nothing_is_recorded_with_the_sdk_disabled() -> None:
    """OTEL_SDK_DISABLED counts nothing, and skips every instrumentation with that reason."""
    with running(RUN + TELL, ACME | {"OTEL_SDK_DISABLED": "true"}) as program:
        assert program.told() == "done"
        assert program.counts() == {}
        told = announced(program.finish())
    assert told.startswith("skipped: ")
    assert "openai (openinference-instrumentation-openai " in told
    assert told.count(": OTEL_SDK_DISABLED is set)") == len(installed())
    assert program.process.returncode == 0


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        pytest.param(
            "AGENT_ANALYTICS_PUBLISHER_ID",
            "a\tb",
            "expected 1 to 200 printable characters",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "AGENT_ANALYTICS_PUBLISHER_ID", "x" * 201, "of 201 characters", marks=pytest.mark.slow
        ),
        ("AGENT_ANALYTICS_PUBLISHER_ID", "_other", "is what overflows is called"),
        pytest.param("AGENT_ANALYTICS_AGENT_ID", "a\nb", r"got 'a\nb'", marks=pytest.mark.slow),
        pytest.param(
            "OTEL_RESOURCE_ATTRIBUTES",
            "marketplace.publisher.id=",
            "marketplace.publisher.id: exp",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "AGENT_ANALYTICS_INSTRUMENT",
            "opnai",
            "no instrumentation that is installed is called",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "AGENT_ANALYTICS_TAKE_RATE", "2", "expected a share from 0 to 1", marks=pytest.mark.slow
        ),
        ("AGENT_ANALYTICS_WEB_CONFIG", "no/such/file.yml", "no/such/file.yml"),
    ],
)
def test_a_wrong_setting(variable: str, value: str, complaint: str) -> None:
    """One line names the variable and what is wrong with it; the program runs uncounted."""
    told, said = run(NOTHING, ACME | QUICK | {variable: value})
    assert told == "done"
    (line,) = not_of_prices(about_us(said))
    assert line.startswith("agent-analytics: nothing is counted, the program runs without it: ")
    assert complaint in line
    assert variable in line or variable == "AGENT_ANALYTICS_WEB_CONFIG"
    assert "Traceback" not in said


@pytest.mark.slow
def test_who_publishes_is_asked_for() -> None:
    """Where nothing names a publisher one line says which variable does."""
    told, said = run(NOTHING, OURS | QUICK)
    assert told == "done"
    (line,) = [line for line in about_us(said) if "AGENT_ANALYTICS_PUBLISHER_ID" in line]
    assert "unattributed" in line
    assert not any("PUBLISHER_ID" in line for line in about_us(run(NOTHING, ACME | QUICK)[1]))


def test_a_listing_without_publisher_is_pointed_out() -> None:
    """A listing that is named alone belongs to nobody, and one line says so."""
    _, said = run(NOTHING, OURS | QUICK | {"AGENT_ANALYTICS_AGENT_ID": "finder"})
    assert sum("a listing, 'finder', is named and no publisher" in x for x in about_us(said)) == 1


@pytest.mark.slow
def test_the_log_level() -> None:
    """OTEL_LOG_LEVEL=error leaves a program that is well without a line of ours."""
    assert about_us(run(NOTHING, ACME | QUICK | {"OTEL_LOG_LEVEL": "error"})[1]) == []


def test_the_programs_logging_is_left_alone() -> None:
    """What the program sets up for its own logging is all there is when it runs."""
    code = """
import json, logging, sys
logger = logging.getLogger("agent_analytics")
state = [logger.level, len(logger.handlers), len(logging.getLogger().handlers)]
sys.stdout.write(json.dumps(state) + "\\n"); sys.stdout.flush(); sys.stdin.read()
"""
    assert run(code, ACME | QUICK)[0] == [0, 0, 0]


ONCE = """
import sys

class Instrumentor:
    is_instrumented_by_opentelemetry = False

    def instrument(self, **_):
        sys.stderr.write("instrumented once\\n")

    def uninstrument(self):
        pass
"""


@pytest.mark.slow
def test_configure_in_the_program_takes_over(tmp_path: Path) -> None:
    """A program that calls configure() itself gets its own settings and keeps instrumentations."""
    port = free_port()
    points = "[opentelemetry_instrumentor]\nonce = once_for_test:Instrumentor\n"
    name = "openinference-instrumentation-once"
    install(tmp_path, name, "1.0", points, files={"once_for_test.py": ONCE})
    code = f"""
from agent_analytics.exporters import configure
runtime = configure("shop", metrics_port={port})
{RUN}
state = [[x.name, x.distribution, x.state] for x in runtime.instrumentations]
sys.stdout.write(json.dumps(state) + "\\n"); sys.stdout.flush(); sys.stdin.read()
"""
    with running(code, ACME, first=tmp_path) as program:
        told = program.told()
        assert sorted(each[:2] for each in told) == sorted([*installed(), ["once", name]])
        assert [state for kind, _, state in told if kind in {"once", "openai", "pydantic-ai"}] == [
            "on", "on", "on", "on"
        ]  # fmt: skip
        assert scrape(port)[SUCCESSES] == 3
        with pytest.raises(OSError, match="refused"):
            program.counts()
        said = program.finish()
    assert program.process.returncode == 0
    assert said.count("instrumented once") == 1


@pytest.mark.slow
def test_children_without_a_state_directory() -> None:
    """A child process runs, and one line says that nobody can read what it counts."""
    parent = f"""
import subprocess
{RUN}
child = subprocess.run([sys.executable, "-c", {RUN!r}], capture_output=True, text=True)
sys.stdout.write(json.dumps([child.returncode, child.stderr]) + "\\n")
sys.stdout.flush()
sys.stdin.read()
"""
    with running(parent, ACME | ONLY) as program:
        status, said = program.told()
        assert status == 0
        assert program.counts()[SUCCESSES] == 3
    assert sum("Nobody can read what this process counts" in line for line in about_us(said)) == 1


@pytest.mark.slow
def test_children_with_a_state_directory(tmp_path: Path) -> None:
    """With a state directory parent and children are one sum on one port."""
    parent = f"""
import subprocess
{RUN}
for _ in range(2):
    subprocess.run([sys.executable, "-c", {RUN!r}], check=True)
sys.stdout.write(json.dumps("done") + "\\n")
sys.stdout.flush()
sys.stdin.read()
"""
    state = {"AGENT_ANALYTICS_STATE_DIR": str(tmp_path / "state")}
    with running(parent, ACME | ONLY | state) as program:
        program.told()
        assert program.counts()[SUCCESSES] == 9


def test_a_fork_that_counts_says_that_nobody_reads_it() -> None:
    """A forked child in memory says once that its counts are lost, if it has any."""
    code = f"""
import os
{RUN}
for work in (0, 1):
    if (child := os.fork()) == 0:
        for _ in range(work * 2):
            agent.run_sync("hello")
        os._exit(0)
    os.waitpid(child, 0)
{TELL}
"""
    with running(code, ACME | ONLY) as program:
        assert program.told() == "done"
        assert program.counts()[SUCCESSES] == 3
        said = program.finish()
    assert said.count("was forked from the one that serves the metrics") == 1


APP = """
import os
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

agent = Agent(TestModel(), name="finder")


def app(environ, start_response):
    agent.run_sync("hello")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
def test_gunicorn_with_workers(tmp_path: Path, preload: tuple[str, ...]) -> None:
    """Workers of gunicorn, preloaded or not, are one sum on one port, and none of it is lost."""
    import http.client  # noqa: PLC0415 - this test alone asks a server of its own

    (tmp_path / "served.py").write_text(APP)
    port = free_port()
    arguments = (
        *INSTRUMENT, "-m", "gunicorn", "served:app", "--chdir", str(tmp_path), "-w", "3",
        "-b", f"127.0.0.1:{port}", "--no-control-socket", *preload,
    )  # fmt: skip
    state = {"AGENT_ANALYTICS_STATE_DIR": str(tmp_path / "state")}
    with running("", ACME | ONLY | state, command=arguments) as server:
        answered = 0
        pids: set[bytes] = set()
        deadline = time.monotonic() + patience(90)
        while answered < 40 or len(pids) < 2:
            assert time.monotonic() < deadline, server.finish()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience())
            try:
                connection.request("GET", "/")
                pids.add(connection.getresponse().read())
                answered += 1
            except ConnectionRefusedError:
                time.sleep(0.1)
            finally:
                connection.close()
        assert server.counts()[SUCCESSES] == answered
        server.process.terminate()
        said = server.finish()
    assert said.count("agent-analytics: metrics on http://") == 1
    assert len(pids) > 1


BROKEN = """
class Instrumentor:
    is_instrumented_by_opentelemetry = False

    def instrument(self, **_):
        raise RuntimeError("out of order")


class Http:
    def instrument(self, **_):
        import builtins
        builtins.instrumented_http = True
"""
LIST = """
import builtins, json, sys
told = [getattr(builtins, "instrumented_http", False)]
sys.stdout.write(json.dumps(told) + "\\n"); sys.stdout.flush(); sys.stdin.read()
"""


@pytest.mark.slow
def test_one_that_raises_costs_the_others_nothing(tmp_path: Path) -> None:
    """Instrumentations that raise, of GenAI or not, are skipped; those of HTTP come on, too."""
    for name, kind, target in (
        ("openinference-instrumentation-broken", "broken", "Instrumentor"),
        ("opentelemetry-instrumentation-aaa", "aaa", "Instrumentor"),
        ("opentelemetry-instrumentation-zzz", "zzz", "Http"),
    ):
        points = f"[opentelemetry_instrumentor]\n{kind} = broken_for_test:{target}\n"
        install(tmp_path, name, "1.0", points, files={"broken_for_test.py": BROKEN})
    told, said = run(LIST, ACME, first=tmp_path)
    assert told == [True]
    assert (
        "broken (openinference-instrumentation-broken 1.0: it raised RuntimeError: out of" in said
    )
    assert "openai (openinference-instrumentation-openai " in said
    assert "the instrumentation aaa raised RuntimeError: out of order; it is skipped" in said
    assert "Traceback" not in said
