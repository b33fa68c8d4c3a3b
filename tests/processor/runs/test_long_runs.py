"""Rule: what a run costs to count grows with its spans, whatever they are and however they lie."""

import pytest
from tests.processor.runs.long_runs import SHAPES, Host, Shape, counted_lines

from agent_analytics.instrumentation import health
from agent_analytics.processor import Limits

#: Shapes of which each span is compared with as many others: these need more spans to show it.
BESIDE = ("two instrumentations", "views of one", "tools side by side", "at the end of steps")
#: Twice the spans take twice the lines, and what is asked once for each run of a processor less.
MOST = 2.3


def lines(shape: Shape, number: int, limits: Limits | None) -> int:
    """Return how many lines of the processor run for a shape of so many spans."""
    found: list[int] = []
    host = Host(limits)
    with counted_lines(found):
        shape(host, number)()
    return found[0]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if any(one in name for one in BESIDE) else ())
        for name in SHAPES
    ],
)
def test_twice_the_spans_are_twice_the_work(name: str) -> None:
    """A run with twice the spans runs little more than twice the lines, at every run as many."""
    number = 300 if any(one in name for one in BESIDE) else 100
    limits = Limits(open_spans=10) if "cap" in name else None
    SHAPES[name](Host(), 10)()  # what is remembered of names is remembered from here on
    errors = health.internal_errors()
    once, twice = (lines(SHAPES[name], count, limits) for count in (number, 2 * number))
    assert twice / once < MOST
    assert health.internal_errors() == errors
