"""Other vendors' set-ups, before ours and after: all spans are counted, and nobody loses any."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests import forked
from tests.patience import patience

ROOT = Path(__file__).parents[3]
#: Spans of a tracer from before everything, of one between the two, of one made at the end, of
#: the vendor's own API, and of a decorated agent.
PROGRAM = """
import json, logging, sys
logging.basicConfig(format="%(message)s")
from opentelemetry import trace
from tests.exporters.vendors import VENDORS, exported
from agent_analytics.exporters import configure, exposition
from agent_analytics.instrumentation import agent

def us():
    global runtime
    runtime = configure(metrics_port=None, hold_seconds=0, tenant_key="k")

@agent(publisher_id="acme", agent_id="decorated", price_usd="1")
def decorated():
    return 1

def record(tracer, name):
    with tracer.start_as_current_span(name, attributes={
        "gen_ai.operation.name": "invoke_agent", "marketplace.publisher.id": "acme",
        "marketplace.agent.id": name, "marketplace.outcome": "success"}):
        pass

def counted(runtime):
    found = {}
    for line in exposition(runtime.processor)[0].decode().splitlines():
        if line.startswith("marketplace_agent_invocations_total") and '"success"' in line:
            found[line.split('agent_id="')[1].split('"')[0]] = int(line.split()[-1])
        if line.startswith("marketplace_agent_invocations_in_progress"):
            assert line.endswith(" 0"), line
    return found

tracers = {"first": trace.get_tracer("first")}
own = []
for step in sys.argv[1].split(","):
    if step == "us":
        us()
    elif step == "look":
        decorated()  # a decorator looks where spans go; what else does is in _watch
    else:
        own = [VENDORS[step]()]
    tracers.setdefault("between", trace.get_tracer("between"))
decorated()
tracers["last"] = trace.get_tracer("last")
for name, tracer in tracers.items():
    record(tracer, name)
for provider in own:
    record(provider.get_tracer("own"), "own")
trace.get_tracer_provider()
json.dump({"counted": counted(runtime), "exported": sorted(exported)}, sys.stdout)
before = len(exported)
runtime.shutdown()
record(trace.get_tracer("after"), "after")
assert "after" not in counted(runtime)
assert len(exported) == before + int(sys.argv[2])
"""
ALL = {"first": 1, "between": 1, "last": 1, "own": 1, "decorated": 1}
SPANS = sorted(["first", "between", "last", "own", "invoke_agent decorated"])


def run(steps: str, vendors: int = 1) -> tuple[Any, str]:
    """Return what a program counted and vendors got, and its log.

    Args:
        steps: What is set up in which order.
        vendors: How many vendors get a global span.
    """
    env = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    found = forked.run(
        [sys.executable, "-c", PROGRAM, steps, str(vendors)],
        capture_output=True, timeout=patience(), check=False, cwd=ROOT, env=env,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout), found.stderr


@pytest.mark.parametrize("order", ["{0},us", "us,{0}"])
@pytest.mark.parametrize("vendor", ["phoenix", "logfire", "azure", "langfuse", "sentry", "wrapped"])
def test_nobody_loses_an_export(vendor: str, order: str) -> None:
    """Whichever comes first, every span is counted once and reaches the vendor once."""
    told, said = run(order.format(vendor))
    assert told["counted"] == ALL
    assert told["exported"] == SPANS
    assert "Overriding" not in said


def test_a_provider_that_is_set_past_opentelemetry() -> None:
    """A global provider that is exchanged behind OpenTelemetry's back is followed, too."""
    told, _ = run("us,mlflow,look")
    assert told["counted"] == ALL | {"decorated": 2}
    # The first decorated call finds out: from then on every span is there.
    assert told["exported"] == sorted([*SPANS, "invoke_agent decorated"])


def test_three_vendors() -> None:
    """The first provider that a vendor brings is the global one, as without us; all have it all."""
    told, said = run("langfuse,us,azure")
    assert told["counted"] == {name: 1 for name in ALL if name != "own"}
    assert said.count("Overriding of current TracerProvider is not allowed") == 1
    told, _ = run("us,langfuse,phoenix", 2)
    assert told["counted"] == ALL
    # Both have every span.
    assert told["exported"] == sorted(SPANS * 2)


def test_makers_of_frameworks_get_nothing() -> None:
    """A framework's telemetry to its makers does not become where the program's spans go."""
    told, _ = run("us,crewai", 0)
    assert told["counted"] == {name: 1 for name in ALL if name != "own"}
    assert told["exported"] == ["own"]


def test_a_provider_without_processors_after_ours() -> None:
    """One that takes no processors does not become the global one, and a line names it."""
    told, said = run("us,ddtrace", 0)
    assert told["counted"] == {name: 1 for name in ALL if name != "own"}
    assert "tests.exporters.vendors.Datadog takes no span processor" in said


def test_a_provider_without_processors_before_ours() -> None:
    """Where it is there first, configure() is a RuntimeError that names it."""
    with pytest.raises(AssertionError, match=r"tests\.exporters\.vendors\.Datadog, takes no span"):
        run("ddtrace,us")
