"""What keeps agents out of the metrics is named: in the log after a while, on a page, by doctor."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.patience import patience
from tests.tools import slow_but
from tests.zero_code.launch import ACME, PLAIN, Program, running

QUICK = {"AGENT_ANALYTICS_PUBLISHER_ID": "acme"}
#: The first minute is half a second here.
START = """
import json, os, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, ConsoleSpanExporter
from agent_analytics.exporters import configure
from agent_analytics.exporters._instrument import watch as _watch
_watch.FIRST_SECONDS = 0.5
runtime = configure(instrument=INSTRUMENT)

class Elsewhere(SpanProcessor):
    pass

def record(tracer, name="run", **attributes):
    with tracer.start_as_current_span(name, attributes={
        key.replace("__", "."): value for key, value in attributes.items()}):
        pass
"""
TELL = """
print(json.dumps("done"), flush=True)
sys.stdin.read()
"""

MODEL = "gen_ai__operation__name='chat', gen_ai__request__model='m'"
CASES = {
    # phoenix.otel.register(set_global_tracer_provider=False), mlflow by default.
    "another-provider": (
        ("p = TracerProvider(); p.add_span_processor(Elsewhere())\n"
        "record(p.get_tracer('some.framework'))"),
        [("spans of some.framework go to a tracer provider that is not counted, "
         "opentelemetry.sdk.trace.TracerProvider with __main__.Elsewhere")],
    ),
    "a-class-of-a-vendors": (
        ("class Vendors(TracerProvider): pass\n"
        "p = Vendors(); p.add_span_processor(Elsewhere())\n"
        "record(p.get_tracer('a')); record(p.get_tracer('b'))"),
        ["spans of a, b go to a tracer provider that is not counted, __main__.Vendors with"],
    ),
    # letta, langroid and others write spans of their own with keys of their own.
    "no-dialect": (
        "record(trace.get_tracer('letta'), letta__step=1)",
        ["spans of letta say of no agent, no tool and no model that it was at work"],
    ),
    "no-attribute": (
        "record(trace.get_tracer('bare.framework'))",
        ["spans of bare.framework say of no agent, no tool and no model (they have no attribute"],
    ),
    "no-attribute-beside-one-that-tells": (
        ("record(trace.get_tracer('bare')); record(trace.get_tracer('good'), "
        "gen_ai__operation__name='invoke_agent', gen_ai__agent__name='x', "
        "marketplace__tenant__id='t')"),
        ["spans of bare say of no agent, no tool and no model (they have no attribute at all)"],
    ),
    "no-agent": (
        f"record(trace.get_tracer('opentelemetry.instrumentation.openai'), {MODEL})",
        ["spans of opentelemetry.instrumentation.openai tell of model calls and of no agent",
         "set AGENT_ANALYTICS_AGENT_ID"],
    ),
    "without-a-name": (
        "trace.get_tracer_provider().get_tracer(''); record(trace.get_tracer(' '))",
        ["say of no agent"],
    ),
}  # fmt: skip
WELL = {
    "an-agent": "record(trace.get_tracer('x'), gen_ai__operation__name='invoke_agent', "
    "gen_ai__agent__name='finder', marketplace__tenant__id='t-1')",
    "a-declared-workflow": "record(trace.get_tracer('traceloop.tracer'), "
    "traceloop__span__kind='workflow', traceloop__entity__name='finder', "
    "marketplace__tenant__id='t-1')\n"
    f"record(trace.get_tracer('opentelemetry.instrumentation.openai'), {MODEL})",
    "idle": "",
    "http": "record(trace.get_tracer('opentelemetry.instrumentation.fastapi'), http__route='/')",
    "a-provider-that-nobody-uses": "p = TracerProvider(); p.add_span_processor(Elsewhere())",
    "added-by-hand": "p = TracerProvider(); p.add_span_processor(runtime.processor)\n"
    "record(p.get_tracer('x'), gen_ai__operation__name='invoke_agent', "
    "marketplace__tenant__id='t-1')",
}


def page(program: Program) -> list[str]:
    """Return the lines of the page."""
    with urllib.request.urlopen(
        f"http://127.0.0.1:{program.port}/-/findings", timeout=patience()
    ) as found:
        return str(found.read().decode()).splitlines()


def code(case: str, instrument: str = "None") -> str:
    """Return a program that waits until the first minute is over."""
    wait = """
import time
until = time.monotonic() + 1.5
while time.monotonic() < until:
    time.sleep(0.1)
"""
    return START.replace("INSTRUMENT", instrument) + case + wait + TELL


@pytest.mark.parametrize("case", slow_but(CASES, "another-provider", "no-agent"))
def test_what_is_named(case: str) -> None:
    """Provider and instrumentations are named on a line, on the page and by doctor, once each."""
    what, sentences = CASES[case]
    with running(code(what), QUICK, command=PLAIN) as program:
        program.told()
        found = page(program)
        doctor = subprocess.run(
            [sys.executable, "-c", DOCTOR, f"http://127.0.0.1:{program.port}/metrics"],
            capture_output=True, text=True, timeout=patience(), check=False,
        ).stdout.lower()  # fmt: skip
        said = [x for x in program.finish().splitlines() if x.startswith("agent-analytics: spans")]
    assert len(said) == len(found) == 1
    assert said[0] == f"agent-analytics: {found[0]}"
    for sentence in sentences:
        assert sentence in found[0]
        assert sentence.lower() in doctor


DOCTOR = """
import sys
from agent_analytics.cli._doctor import examine
for problem in examine(sys.argv[1], "none").problems:
    print(f"{problem.wrong[:-1]}: {problem.remedy}")
"""


@pytest.mark.parametrize("case", slow_but(WELL, "an-agent"))
def test_what_is_well(case: str) -> None:
    """A program whose agents are counted, and one that does nothing yet, are told nothing."""
    with running(code(WELL[case]), QUICK, command=PLAIN) as program:
        program.told()
        assert page(program) == []
        assert "agent-analytics: spans" not in program.finish()


def test_a_program_that_ends_within_the_minute() -> None:
    """It is told at its end."""
    case = START.replace("INSTRUMENT", "None").replace("0.5", "60") + CASES["no-dialect"][0] + TELL
    with running(case, QUICK, command=PLAIN) as program:
        program.told()
        said = program.finish()
    assert said.count("spans of letta say of no agent") == 1


def test_a_provider_that_comes_late() -> None:
    """While nothing is seen of any agent, it is looked again, each time after twice as long."""
    late = "import time\ntime.sleep(0.8)\n" + CASES["another-provider"][0]
    with running(code(late), QUICK, command=PLAIN) as program:
        program.told()
        said = program.finish()
    assert said.count("spans of some.framework go to a tracer provider that is not counted") == 1


def test_once_in_a_tree() -> None:
    """Of forked workers that all see the same, one speaks."""
    case = """
import time
for _ in range(3):
    if (child := os.fork()) == 0:
        record(trace.get_tracer('letta'), letta__step=1)
        time.sleep(2.5)
        os._exit(0)
for _ in range(3):
    os.wait()
"""
    program = START.replace("INSTRUMENT", "None") + case + TELL
    with running(program, QUICK, command=PLAIN) as started:
        started.told()
        said = started.finish()
    assert said.count("spans of letta say of no agent") == 1


@pytest.mark.slow
def test_advice_fits_the_case(tmp_path: Path) -> None:
    """What to install is said of a library in use that nothing records, and of no other."""
    for name in ("crewai", "agno"):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (tmp_path / f"{name}.py").write_text("")
    # agno is installed and not in use; openai is in use below pydantic-ai, which is recorded.
    case = code("import crewai, pydantic_ai, openai", "True")
    with running(case, QUICK, command=PLAIN, first=tmp_path) as program:
        program.told()
        assert page(program) == [
            (
                "crewai is in use and nothing records its calls: install "
                "openinference-instrumentation-crewai"
            )
        ]
        program.finish()


@pytest.mark.slow
def test_a_proxy_that_is_given_another_provider() -> None:
    """What stands behind a global proxy may be exchanged at any time: the new one is counted."""
    case = """
from tests.exporters.vendors import logfire
import time
"""
    root = Path(__file__).parents[2]
    whole = (
        f"import sys; sys.path.insert(0, {str(root)!r})\n"
        "from tests.exporters.vendors import logfire\nlogfire()\n"
        + START.replace("INSTRUMENT", "None")
        + case
        + """
logfire()
time.sleep(1.5)
record(trace.get_tracer("x"), gen_ai__operation__name="invoke_agent", gen_ai__agent__name="finder")
"""
        + TELL
    )
    with running(whole, ACME, command=PLAIN) as program:
        program.told()
        assert program.counts()["invocations_total", "acme", "finder", "success"] == 1
