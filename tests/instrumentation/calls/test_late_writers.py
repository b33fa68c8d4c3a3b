"""Calls that library threads write late: whoever has most of them closes the oldest."""

from collections.abc import Iterator

import pytest
from opentelemetry.context import Context

from agent_analytics.instrumentation import written_calls
from agent_analytics.instrumentation.context import INVOCATION_KEY
from agent_analytics.instrumentation.written_calls import (
    _Call as Call,  # pyright: ignore[reportPrivateUsage]  # nothing else makes one late
)
from agent_analytics.instrumentation.written_calls import (
    _wait as wait,  # pyright: ignore[reportPrivateUsage]  # nothing else makes one late
)


class Invocation:
    """An invocation of a publisher's, as far as it is asked whose it is."""

    def __init__(self, publisher: str) -> None:
        self.publisher_id = publisher
        self.agent_id = "finder"
        self.ended = False


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Close what a test leaves."""
    yield
    written_calls.close_late(0)


def test_one_publisher_does_not_close_the_late_calls_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond the cap the publisher who has most loses the oldest; a neighbour's call stays open."""
    monkeypatch.setattr(written_calls, "_MOST_LATE", 16)
    calls: dict[str, list[Call]] = {"neighbour": [], "hostile": []}
    for publisher, number in (("neighbour", 3), ("hostile", 40)):
        context = Context({INVOCATION_KEY: Invocation(publisher)})
        for _ in range(number):
            call = Call(context, {})
            calls[publisher].append(call)
            wait(call)
    assert not any(call.closed for call in calls["neighbour"])
    assert [call.closed for call in calls["hostile"]].count(False) <= 13
    assert calls["hostile"][0].closed
    assert not calls["hostile"][-1].closed
