"""Recorded runs of real frameworks are counted exactly, with and without a decorator round them."""

import pytest
from opentelemetry.context import Context
from opentelemetry.trace import set_span_in_context
from tests.dialects import recordings as r
from tests.dialects.counted import comparable, expected, made_up
from tests.dialects.recordings import Case, cases
from tests.dialects.replay import IDENTITY, LISTING, PUBLISHER, Player, counts

from agent_analytics.instrumentation import health
from agent_analytics.instrumentation import vocabulary as v

pytestmark = pytest.mark.wide

ALL = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])


@ALL
def test_a_recorded_run_is_exact(case: Case) -> None:
    """Invocations, outcomes, tool calls, model calls and tokens are what the driver counted."""
    errors = health.internal_errors()
    player = Player()
    player.play(case.recording)
    told = counts(player.processor)
    assert comparable(told, case.untold) == comparable(expected(case.truth), case.untold)
    assert told.health["in_progress"] == 0
    assert told.health["unattributed"] == 0
    assert health.internal_errors() == errors


@ALL
def test_what_is_not_told_is_not_made_up(case: Case) -> None:
    """No count is above the truth, but for a figure that a framework itself gets wrong."""
    player = Player()
    player.play(case.recording)
    assert made_up(counts(player.processor), expected(case.truth), case.mistold) == []


@ALL
def test_the_same_under_a_decorator(case: Case) -> None:
    """A decorator round the run makes one invocation of it, with the same calls and tokens."""
    if not case.recording["spans"]:
        pytest.skip("the instrumentation records nothing of this run")
    bare = Player()
    bare.play(case.recording)
    alone = counts(bare.processor)
    player = Player(resource={})
    bare.ids.trace_id = player.ids.trace_id = 7
    player.ids.span_id = 7
    start = {v.OPERATION_NAME: v.INVOKE_AGENT, **IDENTITY}
    tracer = player.provider.get_tracer("agent_analytics.instrumentation")
    first = min(span["start_time_unix_nano"] for span in case.recording["spans"])
    last = max(span["end_time_unix_nano"] for span in case.recording["spans"])
    outer = tracer.start_span("invoke_agent finder", Context(), attributes=start, start_time=first)
    player.play(case.recording, set_span_in_context(outer, Context()))
    outer.set_attribute(v.OUTCOME, v.SUCCESS)
    outer.end(end_time=last + 1)
    told = counts(player.processor)
    assert dict(told.invocations) == {"success": 1}
    assert told.tools == alone.tools
    assert told.model_calls == alone.model_calls
    assert told.tokens == alone.tokens


@ALL
def test_listings_are_named_by_their_agents(case: Case) -> None:
    """With only the publisher known the outermost agent's name is the listing, without ids."""
    player = Player(resource={v.PUBLISHER_ID: PUBLISHER})
    player.play(case.recording)
    told = counts(player.processor)
    names = {agent["name"] for agent in case.truth["agents"] if agent["role"] == "top"}
    if r.INVOCATIONS not in case.untold and names:
        assert told.agents.total() == expected(case.truth).invocations.total()
    for name in told.agents:
        assert name != LISTING
        assert not any(part.isalnum() and len(part) > 20 for part in name.split("-")), name


@ALL
def test_the_same_by_the_publisher_alone(case: Case) -> None:
    """Without a listing's id its calls and tokens are the same, as long as an agent is told of."""
    player = Player(resource={v.PUBLISHER_ID: PUBLISHER})
    player.play(case.recording)
    told = counts(player.processor)
    if r.INVOCATIONS in case.untold or not told.invocations:
        return  # no agent: the calls are nobody's, and nobody is guessed
    assert comparable(told, case.untold) == comparable(expected(case.truth), case.untold)
    assert told.health["unattributed"] == 0


def test_what_is_recorded() -> None:
    """The recordings cover at least ten frameworks, and two instrumentations at once."""
    assert len({case.truth["framework"] for case in cases()}) >= 10
    assert len([case for case in cases() if "+" in case.variant]) >= 10
