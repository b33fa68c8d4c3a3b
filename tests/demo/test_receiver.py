"""The webhook receiver, over HTTP."""

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest
from tests.patience import patience

from agent_analytics.demo._run.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver that listens."""
    with Receiver() as receiver:
        yield receiver


def send(receiver: Receiver, *alerts: dict[str, object]) -> None:
    """Post a notification with alerts."""
    body = json.dumps({"receiver": "oncall", "alerts": alerts}).encode()
    with urllib.request.urlopen(receiver.url, data=body, timeout=patience()) as answer:
        assert answer.status == 200


def alert(agent: str, *, status: str = "firing", severity: str = "critical") -> dict[str, object]:
    """Return an alert about a listing of acme."""
    labels = {"publisher_id": "acme", "agent_id": agent, "severity": severity}
    return {"status": status, "labels": labels, "annotations": {"title": "t"}}


def test_every_alert_of_a_notification_is_a_page(receiver: Receiver) -> None:
    """Pages have the time at which they came, and their labels."""
    before = time.monotonic()
    send(receiver, alert("finder"), alert("writer"))
    first, second = receiver.pages
    assert (first.labels["agent_id"], second.labels["agent_id"]) == ("finder", "writer")
    assert before <= first.arrived == second.arrived <= time.monotonic()
    assert first.receiver == "oncall"


def test_only_a_critical_firing_page_about_the_listing_counts(receiver: Receiver) -> None:
    """Resolved pages, warnings and pages about others are not what is waited for."""
    send(receiver, alert("finder", status="resolved"), alert("finder", severity="warning"))
    send(receiver, alert("writer"))
    assert receiver.first_page("acme", "finder") is None
    send(receiver, alert("finder"))
    page = receiver.first_page("acme", "finder")
    assert page is not None
    assert receiver.first_page("acme", "finder", since=page.arrived + 1) is None
