"""Times, clocks and exemplars that are none: all else of the span is counted.

The SDK (1.39 to the newest) keeps what ``start_time`` and ``end`` are given, whatever it is.
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import inf, nan
from pathlib import Path
from typing import cast

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.processor.count.test_two_cores import COMPILED, Cores
from tests.processor.rig import invoke

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor
from agent_analytics.processor._durable.exemplars import Exemplars
from agent_analytics.processor._spans.sdk_access import moment

SPENT = {v.REVENUE_USD: "1", v.COST_USD: "0.5", v.INPUT_TOKENS: 100, v.OUTPUT_TOKENS: 10}
CALL = {**invoke(), **SPENT, v.OUTCOME: v.SUCCESS, v.TENANT_ID: "t1"}
TOOL = {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "search", v.OUTCOME: v.SUCCESS}
FOREIGN = {**invoke(agent="seeker"), v.REVENUE_USD: "1"}
CHAT = {v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "m", v.INPUT_TOKENS: 5, v.OUTPUT_TOKENS: 2}
RECORD = {v.EVENT: v.EVENT_USAGE, **invoke(), v.INPUT_TOKENS: 7}
del RECORD[v.OPERATION_NAME]

#: So many of each: the sampler of ``one_core`` samples some of them.
TIMES_OVER = 4
TRUTH = {
    'agent_invocations_total{publisher_id="acme",agent_id="finder",outcome="success"}': 4,
    'agent_invocations_total{publisher_id="acme",agent_id="seeker",outcome="success"}': 4,
    'agent_invocations_in_progress{publisher_id="acme",agent_id="finder"}': 0,
    'agent_invocations_in_progress{publisher_id="acme",agent_id="seeker"}': 0,
    'agent_revenue_usd_total{publisher_id="acme",agent_id="finder"}': 4,
    'agent_revenue_usd_total{publisher_id="acme",agent_id="seeker"}': 4,
    'agent_model_cost_usd_total{publisher_id="acme",agent_id="finder"}': 2,
    'agent_input_tokens_total{publisher_id="acme",agent_id="finder",model="unknown"}': 428,
    'agent_output_tokens_total{publisher_id="acme",agent_id="finder",model="unknown"}': 40,
    'agent_input_tokens_total{publisher_id="acme",agent_id="seeker",model="m"}': 20,
    'agent_tool_calls_total{publisher_id="acme",agent_id="finder",tool="search",'
    'outcome="success"}': 4,
    'spans_total{kind="invocation"}': 8,
    'spans_total{kind="tool"}': 4,
    'spans_total{kind="inference"}': 4,
    'spans_total{kind="event"}': 4,
}
SUM = (
    'agent_invocation_duration_seconds_sum{publisher_id="acme",agent_id="finder",outcome="success"}'
)


@pytest.fixture(scope="module")
def cores() -> Iterator[Cores]:
    """Both cores, ready to count."""
    if not COMPILED:
        pytest.skip("no compiled core here (hatch_build.py says why when it builds)")
    both = Cores()
    yield both
    both.stop()


def _figures(text: str) -> dict[str, float]:
    figures: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            sample, value = line.partition(" # ")[0].rsplit(" ", 1)
            name = sample.removeprefix("marketplace_").removeprefix("agent_analytics_")
            figures[name] = float(value)
    return figures


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        pytest.param(10**18, 10**18 + 2 * 10**9, 2, id="integers"),
        pytest.param(1.7e18, 1.7e18 + 2 * 10**9, 2, id="floats"),
        pytest.param(10**18, 1e18 + 2 * 10**9, 2, id="one float"),
        pytest.param([10**19, 10], [10**19 + 2 * 10**10, 10], 2, id="fractions"),
        pytest.param(2**70, 2**70 + 10**9, 0, id="beyond 64 bits"),
        pytest.param(-(10**19), 10**9, 0, id="before 64 bits"),
        pytest.param(0, 2**64, 0, id="end beyond 64 bits"),
        pytest.param(1e300, 1e301, 0, id="huge floats"),
        pytest.param(10**18, "1000000002000000000", 0, id="digits"),
        pytest.param("yesterday", "now", 0, id="text"),
        pytest.param({}, 10**9, 0, id="no number"),
    ],
)
def test_all_else_is_counted(
    cores: Cores, start: object, end: object, seconds: int, tmp_path: Path
) -> None:
    """Either core counts, in memory and in a state directory, all else that the span says."""
    once = [
        ["start", 0, None, CALL, start],
        ["start", 0, 0, TOOL, start],
        ["end", 0, end, False],
        ["end", 1, end, False],
        ["start", 1, None, FOREIGN, start],
        ["start", 1, 0, CHAT, start],
        ["end", 0, end, False],
        ["end", 1, end, False],
        ["start", 0, None, RECORD, start],
        ["end", 0, end, False],
    ]
    steps = [*(once * TIMES_OVER), ["scrape", 400.0], ["scrape", 400.0]]
    kept = (str(tmp_path / "one"), str(tmp_path / "two"))
    for states in ((None, None), kept):
        for shown in cores.count(steps, states):
            figures = _figures(shown[2])
            assert {name: figures.get(name) for name in TRUTH} == TRUTH
            assert figures[SUM] == TIMES_OVER * seconds


class _Whole:  # as NumPy's integers
    def __int__(self) -> int:
        return 7


class _Raises:
    def __int__(self) -> int:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (7, 7),
        (1.9, 1),
        (Fraction(7, 2), 3),
        (Decimal("1e18"), 10**18),
        (_Whole(), 7),
        (True, 1),
        (None, None),
        (nan, None),
        (-inf, None),
        (Decimal("NaN"), None),
        ("7", None),
        (b"7", None),
        (2**63 - 1, 2**63 - 1),
        (2**63, None),
        (-(2**64), None),
        (object(), None),
        (_Raises(), None),
    ],
)
def test_what_is_a_time(value: object, whole: int | None) -> None:
    """A number is a time, as a whole number of 64 bits; nothing else is."""
    read = moment(value)
    assert (type(read), read) == (type(whole), whole)


@pytest.mark.usefixtures("expects_internal_errors")
def test_exemplar_is_left_out() -> None:
    """An exemplar that the slot cannot hold, or for which there is none, is left out."""
    cells = [0] * 60

    class Room:
        def __getitem__(self, index: int) -> int:
            return cells[index]

        def __setitem__(self, index: int, value: int) -> None:
            cells[index] = value

        def tolist(self) -> list[int]:
            return cells

    kept = Exemplars(Room)
    kept[0] = (1, 2, 3, 10**18)
    kept[1] = (1, 2**64, 3, 10**18)
    kept[2] = (1, 2, 2**70, 10**18)

    def full() -> Room:
        raise OSError

    nowhere = Exemplars(full)
    nowhere[0] = (1, 2, 3, 10**18)
    assert (set(kept), set(nowhere)) == ({0}, set())


@pytest.mark.usefixtures("expects_internal_errors")
@pytest.mark.parametrize(
    "odd",
    [None, "noon", nan, inf, 10**400, OSError()],
    ids=["None", "text", "nan", "inf", "huge", "raises"],
)
def test_clock_without_a_number(odd: object) -> None:
    """A clock that fails for a while, or returns no number, loses no figure in either core."""
    broken = {"now": False}

    def clock() -> float:
        if not broken["now"]:
            return 1_000.0
        if isinstance(odd, Exception):
            raise odd
        return cast("float", odd)

    processor = AgentMetricsProcessor(0.0, clock=clock, wall_clock=clock)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("truth")
    for now in (False, True, True, False):
        broken["now"] = now
        with tracer.start_as_current_span("call", attributes=CALL):
            pass
    figures = _figures(exposition(processor)[0].decode())
    assert figures[next(iter(TRUTH))] == len("four")
    assert figures['agent_invocations_in_progress{publisher_id="acme",agent_id="finder"}'] == 0
