"""Whose a foreign run is, without a line of code: environment, resource, baggage, names."""

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector
from tests.dialects.recordings import Case, cases
from tests.dialects.replay import Player, counts

from agent_analytics.instrumentation import vocabulary as v

RUN = next(case for case in cases() if case.name == "pydantic-ai/native/ok")


def listings(player: Player, case: Case = RUN, context: Context | None = None) -> dict[str, int]:
    """Return the invocations of each listing after a run."""
    player.play(case.recording, context)
    return dict(counts(player.processor).agents)


def test_by_resource_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    """``OTEL_RESOURCE_ATTRIBUTES`` names publisher and listing."""
    value = "marketplace.publisher.id=acme,marketplace.agent.id=by-resource"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", value)
    resource = {k: str(x) for k, x in OTELResourceDetector().detect().attributes.items()}
    assert listings(Player(resource)) == {"by-resource": 1}


def test_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own variables do, too, and the agent's name stands in for the listing."""
    monkeypatch.setenv("AGENT_ANALYTICS_PUBLISHER_ID", "acme")
    assert listings(Player({})) == {"research_agent": 1}
    monkeypatch.setenv("AGENT_ANALYTICS_AGENT_ID", "by-environment")
    assert listings(Player({})) == {"by-environment": 1}


def test_by_baggage() -> None:
    """Baggage is believed before the resource."""
    context = Context()
    for key, value in ((v.PUBLISHER_ID, "zeta"), (v.AGENT_ID, "by-baggage")):
        context = baggage.set_baggage(key, value, context)
    assert listings(Player(), context=context) == {"by-baggage": 1}


def test_by_nobody() -> None:
    """Without any of these the run is counted as nobody's, and no listing is made up."""
    player = Player({})
    assert listings(player) == {}
    assert counts(player.processor).health["unattributed"] > 0


@pytest.mark.parametrize("name", ["crewai/openinference/ok", "autogen/native/team"])
def test_random_ids_are_no_labels(name: str) -> None:
    """A listing never carries the id that a framework draws for each object or run."""
    case = next(case for case in cases() if case.name == name)
    assert listings(Player({v.PUBLISHER_ID: "acme"}), case) == {"research_agent": 1}
