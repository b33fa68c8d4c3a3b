"""Insights read from the JSON of Prometheus and Alertmanager."""

import json
from datetime import UTC, datetime

import pytest

import agent_analytics.insights as public
from agent_analytics.insights import Insight, parse_alerts

LABELS = {
    "alertname": "AgentToolFailing",
    "audience": "publisher",
    "severity": "warning",
    "category": "reliability",
    "insight": "tool-failures",
    "publisher_id": "acme",
    "agent_id": "finder",
    "tool": "mail",
}
NOTES = {
    "title": "A tool fails",
    "description": "26.09% of the calls failed.",
    "recommendation": "Check it.",
    "runbook_url": "docs/runbooks/tool-failures.md",
}
SINCE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
EXPECTED = Insight(
    severity="warning",
    category="reliability",
    title="A tool fails",
    description="26.09% of the calls failed.",
    recommendation="Check it.",
    publisher_id="acme",
    agent_id="finder",
    tool="mail",
    name="tool-failures",
    audience="publisher",
    state="firing",
    since=SINCE,
    runbook_url="docs/runbooks/tool-failures.md",
)
ALERT = {"labels": LABELS, "annotations": NOTES}
TIME = "2026-03-04T05:06:07Z"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            {"version": "4", "alerts": [{**ALERT, "status": "firing", "startsAt": TIME}]},
            id="webhook",
        ),
        pytest.param(
            [{**ALERT, "status": {"state": "active", "inhibitedBy": ["x"]}, "startsAt": TIME}],
            id="Alertmanager",
        ),
        pytest.param(
            {
                "status": "success",
                "data": {
                    "alerts": [{**ALERT, "state": "firing", "activeAt": TIME, "value": "2e-01"}]
                },
            },
            id="Prometheus",
        ),
    ],
)
def test_each_dialect_is_understood(document: object) -> None:
    """The same alert is the same insight in a webhook and in both servers' answers."""
    assert parse_alerts(json.dumps(document)) == [EXPECTED]
    assert parse_alerts(json.dumps(document).encode()) == [EXPECTED]


@pytest.mark.parametrize(
    ("alert", "state"),
    [
        ({"status": "resolved"}, "resolved"),
        ({"status": {"state": "suppressed"}}, "suppressed"),
        ({"state": "pending"}, "pending"),
    ],
)
def test_state(alert: dict[str, object], state: str) -> None:
    """An insight that is over, silenced or not sure yet says so."""
    (insight,) = parse_alerts(json.dumps([{**ALERT, **alert}]))
    assert (insight.state, insight.since) == (state, None)


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"alertname": "InstanceDown", "severity": "page"},
        {**LABELS, "category": "weather"},
        {**LABELS, "audience": "everybody"},
        {**LABELS, "severity": 3},
    ],
)
def test_alerts_of_others_are_left_out(labels: dict[str, object]) -> None:
    """Rules of other projects in the same Prometheus are no insights."""
    document = [{"labels": labels, "annotations": NOTES}, ALERT, "nonsense"]
    assert [insight.name for insight in parse_alerts(json.dumps(document))] == ["tool-failures"]


def test_order_is_kept() -> None:
    """Insights come in the order of the alerts."""
    alerts = [{**ALERT, "labels": {**LABELS, "tool": tool}} for tool in ("b", "c", "a")]
    assert [insight.tool for insight in parse_alerts(json.dumps(alerts))] == ["b", "c", "a"]


@pytest.mark.parametrize("text", ["", "{", "3", '"x"', "{}", '{"data": {}}', '{"alerts": 3}'])
def test_other_documents_are_refused(text: str) -> None:
    """What is none of the three documents raises, rather than being no insights."""
    with pytest.raises(ValueError, match=r"expected|Expecting"):
        parse_alerts(text)


def test_a_time_that_is_none_is_left_out() -> None:
    """A time that cannot be read does not hide the insight."""
    (insight,) = parse_alerts(json.dumps([{**ALERT, "startsAt": "soon"}]))
    assert insight.since is None


def test_exported_names() -> None:
    """What the package says it exports is there, each name once."""
    assert len(set(public.__all__)) == len(public.__all__)
    for name in public.__all__:
        assert getattr(public, name) is not None


@pytest.mark.parametrize(
    ("told", "worth"), [("12.34", 12.34), ("", None), (None, None), ("NaN", None), ("much", None)]
)
def test_what_is_at_stake(told: str | None, worth: float | None) -> None:
    """What an insight is worth a day is a number, or unknown; never 0 for unknown."""
    notes = NOTES if told is None else {**NOTES, "worth_usd_day": told}
    (insight,) = parse_alerts(json.dumps([{"labels": LABELS, "annotations": notes}]))
    assert insight.worth_usd_day == worth
