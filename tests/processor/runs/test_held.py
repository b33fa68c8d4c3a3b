"""Rule: what waits for an undecided span is handed on to the one above it, and counts as before."""

import pytest
from tests.processor.runs.long_runs import CALL, NAMED, Host

INVOCATIONS = "marketplace_agent_invocations_total"


@pytest.mark.parametrize("levels", [1, 2, 40])
def test_what_ended_at_each_level_waits_for_the_topmost(levels: int) -> None:
    """Agents below undecided spans in each other count when the last of these ends, once each."""
    host = Host()
    spans = [host.start({}, scope="app")]
    for _ in range(levels):
        spans.append(host.start({}, spans[-1], "app"))
        host.end([host.start(NAMED, spans[-1])])
    for span in reversed(spans[1:]):
        host.end([span])
        assert host.total(INVOCATIONS) == 0
    host.end(spans[:1])
    assert host.total(INVOCATIONS) == levels


def test_a_topmost_span_that_turns_out_to_be_an_agent() -> None:
    """What was handed on belongs to the span above that says at its end that it is an agent."""
    host = Host()
    spans = [host.start({}, scope="app")]
    for _ in range(10):
        spans.append(host.start({}, spans[-1], "app"))
        host.end([host.start(NAMED, spans[-1])])
    spans[0].set_attributes(NAMED)
    host.end(reversed(spans))
    assert host.total(INVOCATIONS) == 1


def test_what_goes_on_again_is_not_handed_on_twice() -> None:
    """An agent with a call that outlives two undecided spans counts with the call's end."""
    host = Host()
    spans = [host.start({}, scope="app")]
    spans += [host.start({}, spans[0], "app")]
    spans += [host.start({}, spans[1], "app")]
    agent = host.start(NAMED, spans[2])
    host.end([agent])
    call = host.start(CALL, agent)
    host.end([spans[2], spans[1], call])
    assert host.total(INVOCATIONS) == 1
    host.end(spans[:1])
    assert host.total(INVOCATIONS) == 1


def test_levels_without_end_in_a_span_that_goes_on_are_not_kept() -> None:
    """What was counted is let go where it was handed on, too."""
    host = Host()
    with_all = host.start({}, scope="app")
    for _ in range(1_200):
        inner = host.start({}, with_all, "app")
        host.end([host.start(NAMED, inner), inner])
    spans = host.processor._runs.undecided.spans  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
    assert max(len(one.held.parts) for one in spans.values() if one.held is not None) <= 1_100
    host.end([with_all])
    assert host.total(INVOCATIONS) == 1_200
