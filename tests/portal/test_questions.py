"""Only committed expressions reach Prometheus, and only while somebody waits for the answer."""

import json
import socket
from typing import Any

import pytest
from tests.patience import patience
from tests.portal.asking import ask, question
from tests.portal.conftest import Recorder

from agent_analytics.portal import make_portal_app, served
from agent_analytics.portal._committed import dashboards


def test_a_target_is_asked_as_it_is_committed(prometheus: Recorder) -> None:
    """The server puts the variables and the interval in, and picks the step."""
    answer = ask(make_portal_app(prometheus.url), "/api/query", question())
    assert answer.json() == {
        "start": 1_795_500_000,
        "end": 1_795_521_600,
        "step": 30,
        "result": [],
        "warnings": [],
    }
    ((path, form),) = prometheus.asked
    assert path == "/api/v1/query_range"
    (query,) = form["query"]
    assert query == (
        "sum by (le) (increase(marketplace_agent_invocation_duration_seconds_bucket"
        '{outcome="success", publisher_id="acme", agent_id="finder"}[35s]))'
    )
    assert (form["start"], form["end"], form["step"]) == (["1795500000"], ["1795521600"], ["30"])


def test_every_query_of_every_dashboard_can_be_asked(prometheus: Recorder) -> None:
    """Each target and each annotation is asked, and each question reaches Prometheus."""
    app = make_portal_app(prometheus.url)
    count = 0
    for uid, board in dashboards().items():
        chosen = {
            name: [*variable.options[:1]] or ["acme"] for name, variable in board.variables.items()
        }
        for panel, target in board.targets:
            asked = question(dashboard=uid, panel=panel, target=target, variables=chosen)
            assert ask(app, "/api/query", asked).status_code == 200
            count += 1
        for name in board.annotations:
            asked = question(dashboard=uid, name=name, variables=chosen)
            assert ask(app, "/api/annotation", asked).status_code == 200
            count += 1
    assert len(prometheus.queries) == count > 130


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"dashboard": "other"}, 404),
        ({"panel": 999}, 404),
        ({"target": "Z"}, 404),
        ({"target": "up"}, 404),
        ({"panel": "18"}, 400),
        ({"panel": True}, 400),
        ({"variables": {"publisher": ["acme"], "agent": ["finder"], "nobody": ["x"]}}, 400),
        ({"variables": {"publisher": ["acme", "globex"], "agent": ["finder"]}}, 400),
        ({"variables": {"publisher": ["$__all"], "agent": ["finder"]}}, 400),
        ({"variables": {"publisher": "acme"}}, 400),
        ({"variables": {"publisher": ["a\u0000b"], "agent": ["x"]}}, 400),
        ({"variables": {"publisher": ["a" * 1_001], "agent": ["x"]}}, 400),
        ({"variables": {"publisher": ["acme"]}}, 400),
        ({"from": 1_795_521_600}, 400),
        ({"to": 1e300}, 400),
        ({"from": "now-6h"}, 400),
        ({"points": 0}, 400),
        ({"points": 10**9}, 400),
    ],
)
def test_nothing_else_is_asked(changes: dict[str, Any], status: int, prometheus: Recorder) -> None:
    """What no dashboard has, and values that a variable does not admit, are refused in words."""
    answer = ask(make_portal_app(prometheus.url), "/api/query", question(**changes))
    assert answer.status_code == status
    assert answer.json()["error"]
    assert prometheus.asked == []


def test_a_period_is_one_of_the_committed(prometheus: Recorder) -> None:
    """A custom variable stands outside of strings, so that it has its committed choices alone."""
    app = make_portal_app(prometheus.url)
    board = dashboards()["agent-analytics-agent"]
    panel, target = next(key for key, value in board.targets.items() if "${period}" in value.expr)
    chosen = {"publisher": ["acme"], "agent": ["finder"], "period": ["29d] or up[1d"]}
    asked = question(panel=panel, target=target, variables=chosen)
    assert ask(app, "/api/query", asked).status_code == 400
    assert prometheus.asked == []


def test_values_of_a_variable_are_those_of_its_label(prometheus: Recorder) -> None:
    """Agents are listed of the publisher that is chosen, sorted."""
    prometheus.answer = {"status": "success", "data": ["writer", "<b>finder</b>"]}
    asked = question(variable="agent", variables={"publisher": ['ac"me']})
    answer = ask(make_portal_app(prometheus.url), "/api/values", asked)
    assert answer.json() == {"values": ["<b>finder</b>", "writer"]}
    ((path, form),) = prometheus.asked
    assert path == "/api/v1/label/agent_id/values"
    assert form["match[]"] == [r'marketplace_agent_invocations_total{publisher_id="ac\"me"}']


def test_what_prometheus_says_against_a_query_is_told(prometheus: Recorder) -> None:
    """A refusal comes with Prometheus' own words."""
    prometheus.answer = {"status": "error", "error": "query timed out"}
    answer = ask(make_portal_app(prometheus.url), "/api/query", question())
    assert answer.status_code == 502
    assert "query timed out" in answer.json()["error"]


def test_a_prometheus_that_is_down_is_said_to_be() -> None:
    """Nothing answers: that is another error than a refusal, and no password is shown."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    app = make_portal_app(f"http://me:secret@127.0.0.1:{port}")
    answer = ask(app, "/api/query", question())
    assert answer.status_code == 504
    assert f"no answer from Prometheus at http://127.0.0.1:{port}" in answer.json()["error"]
    assert "secret" not in answer.text


def test_warnings_come_along(prometheus: Recorder) -> None:
    """Where a part of the data was out of reach, the page can say so."""
    prometheus.answer = {**prometheus.answer, "warnings": ["a store is out of reach"]}
    answer = ask(make_portal_app(prometheus.url), "/api/query", question())
    assert answer.json()["warnings"] == ["a store is out of reach"]


def test_a_query_ends_when_nobody_waits_for_it(prometheus: Recorder) -> None:
    """The page goes elsewhere, and the connection to Prometheus is closed, which ends the query."""
    prometheus.hold.clear()
    with served(make_portal_app(prometheus.url)) as address:
        port = int(address.rpartition(":")[2])
        body = json.dumps(question()).encode()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                b"POST /api/query HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            assert prometheus.came.wait(patience())
        assert prometheus.left.wait(patience())
