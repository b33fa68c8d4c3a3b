"""Whether insights were evaluated, as Prometheus and the servers that stand for it say so."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from tests.patience import patience

from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.insights._report.known.evaluation import find_evaluation, judged
from agent_analytics.insights._rules.rule_files import render_rules
from agent_analytics.insights.analytics import Evaluation, PublisherAnalytics

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
RAN = "2026-03-31T11:58:00.123456789Z"
NEVER = "0001-01-01T00:00:00Z"
Rule = dict[str, Any]


def _groups(change: Callable[[str, Rule], Rule | None] = lambda _, rule: rule) -> list[Rule]:
    """Return what Prometheus says of the rules of this package, each changed or left out."""
    found: list[Rule] = []
    for text in render_rules().values():
        for group in yaml.safe_load(text)["groups"]:
            rules = [
                change(
                    group["name"],
                    {
                        "name": rule.get("record") or rule["alert"],
                        "query": rule["expr"],
                        "labels": rule.get("labels", {}),
                        "health": "ok",
                        "lastEvaluation": RAN,
                        "evaluationTime": 0.01,
                        "type": "recording" if "record" in rule else "alerting",
                    },
                )
                for rule in group["rules"]
            ]
            seconds = {"s": 1, "m": 60, "h": 3600}[group["interval"][-1]]
            found.append(
                {
                    "name": group["name"],
                    "interval": int(group["interval"][:-1]) * seconds,
                    "rules": [rule for rule in rules if rule],
                }
            )
    return found


def _judged(groups: list[Rule], after: timedelta = timedelta(0)) -> Evaluation:
    return judged(groups, now=(NOW + after).timestamp())


def _of(name: str, **changed: object) -> Callable[[str, Rule], Rule]:
    """Change the rules of one group, or of one name."""
    return lambda group, rule: {**rule, **changed} if name in {group, rule["name"]} else rule


def test_all_were_evaluated() -> None:
    """Every rule ran, and the time is that of the earliest."""
    found = _judged(_groups())
    assert (found.state, found.not_evaluated, found.reason) == ("evaluated", (), "")
    assert found.at == datetime(2026, 3, 31, 11, 58, 0, 123456, tzinfo=UTC)
    assert found.sentence(0) == "Insights were evaluated at 2026-03-31 11:58:00 UTC, none fires."


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        pytest.param({"health": "no match"}, "evaluated", id="vmalert: nothing matched"),
        pytest.param({"health": "nodata"}, "evaluated", id="Grafana: no data"),
        pytest.param(
            {"lastEvaluation": "2026-03-31T13:58:00.5+02:00"}, "evaluated", id="Thanos: a zone"
        ),
        pytest.param({"lastEvaluation": "2026-03-31T11:58:00Z"}, "evaluated", id="Mimir: seconds"),
        pytest.param({"health": "unknown", "lastEvaluation": NEVER}, "not_yet", id="after a start"),
        pytest.param({"health": "unknown"}, "not_yet", id="Prometheus: restored, not run"),
        pytest.param({"lastEvaluation": NEVER}, "not_yet", id="Mimir: ok from the first"),
        pytest.param({"lastEvaluation": ""}, "not_yet", id="no time"),
        pytest.param({"lastEvaluation": None}, "not_yet", id="null"),
        pytest.param({"lastEvaluation": "soon"}, "not_yet", id="no time at all"),
        pytest.param({"health": "err", "lastError": "boom"}, "failing", id="Prometheus: fails"),
        pytest.param({"health": "error"}, "failing", id="Grafana: fails"),
        pytest.param({"lastEvaluation": "2026-03-31T10:00:00Z"}, "stale", id="stuck"),
    ],
)
def test_what_servers_say_of_a_rule(changed: Rule, state: str) -> None:
    """Whatever answers, a rule has run, has not, fails or is stuck."""
    found = _judged(_groups(_of("agent-analytics-publisher", **changed)))
    assert found.state == state
    assert bool(found.not_evaluated) == (state != "evaluated")
    if state == "failing":
        assert " fails: " in found.reason


def test_rules_of_this_version_are_missing() -> None:
    """An older rule file lacks an insight: all others are evaluated, and that one is named."""
    found = _judged(_groups(lambda _, rule: None if rule["name"] == "AgentRatingFalling" else rule))
    assert found.state == "partly"
    assert found.not_evaluated == ("rating-falling",)
    assert "lacks rules of this version, such as AgentRatingFalling" in found.reason


@pytest.mark.parametrize(
    ("group", "state"),
    [
        # What is recorded each hour: before the first one, nothing is missing.
        ("agent-analytics-hours", "evaluated"),
        # Versions are counted in series of their own, with levels in a group of their own.
        ("agent-analytics-levels", "partly"),
        ("agent-analytics-releases", "partly"),
        ("agent-analytics-oncall", "evaluated"),
        ("agent-analytics-tenants", "partly"),
        # Windows of a week, which not all are about.
        ("agent-analytics-weeks", "partly"),
    ],
)
def test_groups_that_have_not_run(group: str, state: str) -> None:
    """An insight needs the groups that it is read from, and no other."""
    found = _judged(_groups(_of(group, health="unknown", lastEvaluation=NEVER)))
    assert found.state == state


def test_a_failing_level_concerns_what_is_read_from_it() -> None:
    """A rule that fails takes the insights with it that are read from what it records."""
    failing = _of("marketplace_agent_feedback_rating_sum:level", health="err", lastError="boom")
    found = _judged(_groups(failing))
    assert found.state == "partly"
    assert "satisfaction" in found.not_evaluated
    assert "error-rate" not in found.not_evaluated


def test_one_way_of_an_insight_is_missing() -> None:
    """An insight that is asked over a month and not over a day was not evaluated."""

    def without(_: str, rule: Rule) -> Rule | None:
        labels = rule["labels"]
        gone = (labels.get("insight"), labels.get("traffic")) == ("error-rate", "day")
        return None if gone and rule["type"] == "alerting" else rule

    assert "error-rate" in _judged(_groups(without)).not_evaluated


def test_pages_of_on_call_are_no_insights() -> None:
    """On-call's rule of the same name and traffic may be slow, fail or be gone: it is another."""

    def broken(group: str, rule: Rule) -> Rule:
        return {**rule, "health": "err"} if group == "agent-analytics-oncall" else rule

    assert _judged(_groups(broken)).state == "evaluated"


def test_rules_stop_running() -> None:
    """What was evaluated an hour ago, where it is every five minutes, is no answer of now."""
    assert _judged(_groups(), timedelta(minutes=10)).state == "evaluated"
    found = _judged(_groups(), timedelta(hours=1))
    assert found.state == "stale"
    assert found.sentence(0).startswith("Insights are not evaluated: Rule ")


class Says(PrometheusClient):
    """A real Prometheus whose rules are said to be others."""

    def __init__(self, url: str, answer: bytes) -> None:
        super().__init__(url, timeout=patience())
        self._answer = answer

    def _request(self, path: str, body: bytes | None) -> bytes:
        return self._answer if path == "rules" else super()._request(path, body)


@pytest.mark.servers
@pytest.mark.parametrize(("ago", "state"), [(0.0, "evaluated"), (30 * 86_400.0, "not_yet")])
def test_rules_that_ran_before_anything_was_recorded(
    url: str, end: float, ago: float, state: str
) -> None:
    """Rules that ran over nothing say nothing of the publisher who came after."""
    ran = datetime.fromtimestamp(end - ago, UTC).isoformat()
    groups = _groups(lambda _, rule: {**rule, "lastEvaluation": ran})
    for group in groups:
        group["interval"] = 1e9
    answer = json.dumps({"status": "success", "data": {"groups": groups}}).encode()
    scope = Scope(("publisher_id",), ('publisher_id="acme"',))
    found = find_evaluation(Says(url, answer), scope)
    assert found.state == state
    if state == "not_yet":
        assert "before anything was recorded" in found.reason
    stranger = Scope(("publisher_id",), ('publisher_id="nobody"',))
    assert find_evaluation(Says(url, answer), stranger).state == "not_yet"


@pytest.mark.servers
@pytest.mark.parametrize(
    ("ago", "state"),
    [(0.0, "evaluated"), (30 * 86_400.0, "not_yet"), (None, "partly")],
    ids=["after", "before", "never"],
)
def test_when_long_windows_ran(url: str, end: float, ago: float | None, state: str) -> None:
    """Alerts say nothing yet where a week was read before there were levels; else they do.

    Where it was not read at all yet, as in the first minutes after a start, the others say theirs.
    """
    ran = datetime.fromtimestamp(end, UTC).isoformat()
    of_weeks = NEVER if ago is None else datetime.fromtimestamp(end - ago, UTC).isoformat()

    def said(group: str, rule: Rule) -> Rule:
        return {**rule, "lastEvaluation": of_weeks if group == "agent-analytics-weeks" else ran}

    groups = _groups(said)
    for group in groups:
        group["interval"] = 1e9
    answer = json.dumps({"status": "success", "data": {"groups": groups}}).encode()
    found = find_evaluation(Says(url, answer), Scope(("publisher_id",), ('publisher_id="acme"',)))
    assert found.state == state
    assert ("before anything was recorded" in found.reason) == (state == "not_yet")


@pytest.fixture
def whatever() -> Callable[[bytes], Evaluation]:
    """Return how to judge what an answer to the question for rules is."""

    def ask(answer: bytes) -> Evaluation:
        return find_evaluation(Says("http://127.0.0.1:9", answer), Scope(()))

    return ask


@pytest.mark.parametrize(
    "answer",
    [
        b'{"status": "success", "data": {"alerts": []}}',
        b'{"status": "error", "error": "not found"}',
        b'{"status": "success", "data": null}',
        b'{"status": "success", "data": []}',
        b"<html>sign in</html>",
        b"",
    ],
)
def test_rules_that_are_not_shown(whatever: Callable[[bytes], Evaluation], answer: bytes) -> None:
    """What stands in front of Prometheus and shows no rules leaves it open whether they ran."""
    found = whatever(answer)
    assert found.state == "unknown"
    assert found.sentence(0).startswith("It is not known whether insights were evaluated: ")
    assert not found.known


@pytest.mark.servers
def test_an_empty_list_is_no_all_clear(url: str) -> None:
    """From Python, an empty list of a Prometheus without rules says that it says nothing."""
    insights = PublisherAnalytics(url, timeout=patience()).insights("acme")
    assert insights == []
    assert not insights.all_clear
    assert insights.evaluation.state == "not_loaded"


def test_what_is_not_known_is_said() -> None:
    """An insight that looks up what was not recorded then is named, with when it is known."""
    found = Evaluation(
        state="evaluated",
        at=datetime(2026, 3, 31, 12, tzinfo=UTC),
        reason="",
        not_known=(("few-tenants", datetime(2026, 4, 30, 12, 5, tzinfo=UTC)),),
    )
    assert found.sentence(0) == (
        "Insights were evaluated at 2026-03-31 12:00:00 UTC, none fires."
        " Not known yet: few-tenants (by 2026-04-30 12:05 UTC)."
    )
