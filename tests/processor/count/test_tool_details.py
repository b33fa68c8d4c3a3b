"""What decorated tools tell beside their calls: sizes of results, and calls that repeat others."""

from collections.abc import Callable

import pytest
from tests.processor.rig import Rig, invoke, tool

from agent_analytics.instrumentation import agent, tracing
from agent_analytics.instrumentation import tool as decorate
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits

MakeRig = Callable[..., Rig]
SIZE = "tool_result_size_bytes"
REPEATED = "repeated_tool_calls_total"


def shown(rig: Rig) -> set[str]:
    """Return which of the two have a series at all."""
    found = {name.removeprefix("marketplace_agent_") for name, _ in rig.series()}
    return found & {f"{SIZE}_count", REPEATED}


def test_what_decorators_tell_is_counted(rig: Rig) -> None:
    """Bytes are added up by tool, and calls that repeat another are counted."""

    @decorate
    def fetch(size: int) -> str:
        return "x" * size

    @agent(publisher_id="acme", agent_id="finder")
    def run() -> None:
        for size in (1_000, 1_001, 1_001):
            fetch(size)

    tracing.use_provider(rig.provider)
    try:
        run()
    finally:
        tracing.use_provider(None)
    assert rig.value(f"{SIZE}_count", tool="fetch") == 3
    assert rig.value(f"{SIZE}_sum", tool="fetch") == 3_002
    assert rig.value(f"{SIZE}_bucket", tool="fetch", le="1000.0") == 1
    assert rig.value(f"{SIZE}_bucket", tool="fetch", le="4000.0") == 3
    assert rig.value(REPEATED, tool="fetch") == 1
    assert rig.value("tool_calls_total", tool="fetch", outcome="success") == 3


def test_what_is_not_told_has_no_series(rig: Rig) -> None:
    """A tool that tells neither has neither, and one that repeats nothing has no count of that."""
    with rig.span(invoke()):
        rig.run(tool())
    assert shown(rig) == set()
    with rig.span(invoke()):
        rig.run({**tool(), v.TOOL_REPEATED: False, v.TOOL_RESULT_BYTES: 0})
    assert shown(rig) == {f"{SIZE}_count"}


@pytest.mark.parametrize("timed", [True, False])
def test_by_hand_timed_or_not(rig: Rig, timed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A span by hand tells both, whether its duration is known or not."""
    told = {} if timed else {v.DURATION_UNKNOWN: True}
    with rig.span(invoke()):
        rig.run({**tool(), **told, v.TOOL_REPEATED: True, v.TOOL_RESULT_BYTES: 70_000})
    assert rig.value(REPEATED, tool="search") == 1
    assert rig.value(f"{SIZE}_sum", tool="search") == 70_000


@pytest.mark.parametrize(
    "told",
    [
        {v.TOOL_RESULT_BYTES: -1},
        {v.TOOL_RESULT_BYTES: 10**12 + 1},
        {v.TOOL_RESULT_BYTES: "12"},
        {v.TOOL_RESULT_BYTES: 1.5},
        {v.TOOL_RESULT_BYTES: True},
        {v.TOOL_REPEATED: "true"},
        {v.TOOL_REPEATED: 1},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(rig: Rig, told: dict[str, object]) -> None:
    """A size that is none and a boolean that is none are refused and counted; the call counts."""
    with rig.span(invoke()):
        rig.run({**tool(), **told})
    assert shown(rig) == set()
    assert rig.value("tool_calls_total", tool="search", outcome="success") == 1
    assert rig.refused("tool_detail") == 1


def test_in_a_run_of_a_framework(make_rig: MakeRig) -> None:
    """A decorated tool inside a framework's run tells the same."""
    rig = make_rig(resource={v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
    with rig.span({v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "x"}, scope="pydantic-ai"):
        rig.run({**tool(), v.TOOL_REPEATED: True, v.TOOL_RESULT_BYTES: 5})
    assert rig.value(REPEATED, publisher_id="acme", tool="search") == 1
    assert rig.value(f"{SIZE}_sum", publisher_id="acme", tool="search") == 5


def test_beyond_the_cap_of_tools(make_rig: MakeRig) -> None:
    """A tool that goes under ``_other`` does so with its sizes and repetitions."""
    rig = make_rig(limits=Limits(tools_per_listing=1))
    with rig.span(invoke()):
        for name in ("one", "two"):
            rig.run({**tool(name), v.TOOL_REPEATED: True, v.TOOL_RESULT_BYTES: 5})
    for name in ("one", "_other"):
        assert rig.value(REPEATED, tool=name) == 1
        assert rig.value(f"{SIZE}_count", tool=name) == 1
