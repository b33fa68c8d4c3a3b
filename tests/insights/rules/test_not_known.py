"""Which insights are not known yet, and by when: from what rules have recorded, by promtool."""

import json
import re
from pathlib import Path

import pytest
from tests.tools import installed

from agent_analytics.insights._dashboards.parts.insights import not_known as row
from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._rules import rule_files
from agent_analytics.insights._rules.not_known import not_known
from agent_analytics.insights._rules.tenants import tenants

DAY = 24
WEEK = 7 * DAY
#: A rule that looks up what it recorded a week ago, and one that looks up what that had then; and
#: the insights that read them: one directly, one further, one that looks up nothing.
RULES = [
    Recording(record="packed", expr="count by (agent_id) (up)"),
    Recording(record="kept", expr="packed / last_over_time(packed[2h] offset 7d)"),
    Recording(record="kept_before", expr="last_over_time(kept[2h] offset 7d)"),
    Recording(record=recorded.MEASURE, expr="kept < 0.5", labels={"insight": "near"}),
    Recording(record=recorded.MEASURE, expr="kept_before - kept", labels={"insight": "far"}),
    Recording(record=recorded.MEASURE, expr="packed offset 1m > 3", labels={"insight": "now"}),
]
UP = 'up{agent_id="finder"}'
KEPT = 'kept{agent_id="finder"}'
PACKED = 'packed{agent_id="finder"}'


@pytest.mark.parametrize(
    ("series", "hour", "expected"),
    [
        pytest.param({}, 5, {}, id="nothing is recorded"),
        pytest.param(
            {UP: "1x1000"}, 0, {"near": WEEK, "far": 2 * WEEK}, id="rules have just begun"
        ),
        pytest.param({UP: "1x1000"}, 100, {"near": WEEK, "far": 2 * WEEK}, id="it is not put off"),
        pytest.param({UP: "1x1000"}, WEEK - 1, {"near": WEEK, "far": 2 * WEEK}, id="the last hour"),
        pytest.param({UP: "1x1000"}, WEEK, {"far": 2 * WEEK}, id="the nearer one is known"),
        pytest.param({UP: "1x1000"}, 2 * WEEK, {}, id="all are known"),
        pytest.param(
            # As after an upgrade that was filled: what is looked up has been there for weeks.
            {UP: "_x400 1x1000", PACKED: "1x399", KEPT: "1x399"},
            402,
            {},
            id="a past that was filled",
        ),
        pytest.param(
            {UP: "1x50 _x20 1x1000"}, 75, {"near": 71 + WEEK, "far": 71 + 2 * WEEK}, id="a gap"
        ),
        pytest.param(
            {UP: "1x50 _x1 1x1000"}, 75, {"near": WEEK, "far": 2 * WEEK}, id="an hour is no gap"
        ),
    ],
)
def test_by_when(
    series: dict[str, str], hour: int, expected: dict[str, int], tmp_path: Path
) -> None:
    """What is looked up has to be as old, what that looks up older, and then nothing is said."""
    rules = [*RULES[:3], *not_known(RULES)]
    group = {"name": "g", "interval": "1h", "rules": [rule.yaml() for rule in rules]}
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [group]}), encoding="utf-8")
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1h",
        "tests": [
            {
                "interval": "1h",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f"{recorded.KNOWN_BY} / 3600",
                        "eval_time": f"{hour}h",
                        "exp_samples": [
                            {"labels": f'{{insight="{slug}"}}', "value": value}
                            for slug, value in expected.items()
                        ],
                    },
                ],
            }
        ],
    }
    (tmp_path / "test.json").write_text(json.dumps(document), encoding="utf-8")
    done = installed("promtool")("test", "rules", tmp_path / "test.json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_of_this_version() -> None:
    """Every insight that looks up a past has a rule, and no other."""
    rules = rule_files.rule_groups()["insights.yml"]
    text = json.dumps(rules)
    assert recorded.KNOWN_BY in text
    found = {
        rule.labels["insight"]
        for rule in not_known([*tenants(), *rule_files.seldom(), *rule_files.recordings()])
        if rule.record == recorded.KNOWN_BY and rule.labels
    }
    assert {"retention-falling", "few-tenants"} <= found
    assert "error-rate" not in found


def test_what_stands_for_another_is_there_whenever_that_is() -> None:
    """Nothing but a sum of the series stands for it, recorded behind it in the same group."""
    rules = tenants()
    places = {rule.record: place for place, rule in enumerate(rules)}
    for name, cheap in recorded.STANDS_FOR.items():
        assert places[name] < places[cheap]
        expr = rules[places[cheap]].expr
        assert re.fullmatch(rf"sum by \([a-z_, ]+\) \(\d+ - {name}\)", expr), expr


def test_the_row_of_the_dashboards(tmp_path: Path) -> None:
    """An insight that is not known has a row with its title and the days until it is."""
    info = 'marketplace_insight_info{insight="far", title="Fewer", what="x", recommendation="y"}'
    document = {
        "rule_files": [],
        "tests": [
            {
                "interval": "1h",
                "input_series": [
                    {"series": f'{recorded.KNOWN_BY}{{insight="far"}}', "values": "172800x1"},
                    {"series": info, "values": "1x30"},
                ],
                "promql_expr_test": [
                    {
                        "expr": row(),
                        "eval_time": "2h",
                        "exp_samples": [
                            {
                                "labels": '{insight="far", rank="0", recommendation="not-known",'
                                ' title="Fewer", what="not-known"}',
                                "value": 46 / 24,
                            }
                        ],
                    },
                    {"expr": row(), "eval_time": "3h"},
                ],
            }
        ],
    }
    (tmp_path / "test.json").write_text(json.dumps(document), encoding="utf-8")
    done = installed("promtool")("test", "rules", tmp_path / "test.json")
    assert done.returncode == 0, done.stdout + done.stderr
