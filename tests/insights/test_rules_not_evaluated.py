"""On-call is paged where rules fail or are late, on both sides of each bound, run by promtool."""

from collections.abc import Callable

import pytest

ALERT = "RulesNotEvaluated"
Check = Callable[..., None]
GROUP = '{rule_group="/etc/prometheus/rules/rollups.yml;agent-analytics-levels"}'
OTHER = '{rule_group="/etc/prometheus/rules/node.yml;node"}'
FAILED = f"prometheus_rule_evaluation_failures_total{GROUP}"
MISSED = f"prometheus_rule_group_iterations_missed_total{GROUP}"
LAST = f"prometheus_rule_group_last_evaluation_timestamp_seconds{GROUP}"
INTERVAL = f"prometheus_rule_group_interval_seconds{GROUP}"


@pytest.mark.parametrize(
    ("series", "pages"),
    [
        pytest.param({FAILED: "0x80", MISSED: "0x80"}, 0, id="well"),
        pytest.param({FAILED: "0x40 1x40"}, 1, id="one evaluation failed"),
        pytest.param({FAILED: "0+1x80"}, 1, id="each one fails"),
        pytest.param({FAILED: "3x80"}, 0, id="failed long ago"),
        pytest.param({MISSED: "0x60 2x20"}, 0, id="a busy moment"),
        pytest.param({MISSED: "0x60 5x20"}, 1, id="five were left out"),
        pytest.param({MISSED: "0+2x80"}, 1, id="every other one is left out"),
        pytest.param({INTERVAL: "300x80", LAST: "3400x80"}, 0, id="it ran four minutes ago"),
        pytest.param({INTERVAL: "300x80", LAST: "3200x80"}, 1, id="it has stopped"),
        pytest.param({INTERVAL: "3600x80", LAST: "100x80"}, 0, id="it runs each hour"),
        pytest.param({FAILED: "0+1x80", MISSED: "0+2x80"}, 2, id="both"),
        pytest.param(
            {f"prometheus_rule_evaluation_failures_total{OTHER}": "0+1x80"}, 0, id="another's rules"
        ),
        pytest.param({"up": "1x80"}, 0, id="Prometheus does not scrape itself"),
    ],
)
def test_pages(check_rules: Check, series: dict[str, str], pages: int) -> None:
    """A page a group and cause, and none for a busy moment or for the rules of others."""
    at = ("70m", ALERT)
    check_rules(
        rules="oncall.yml",
        interval="1m",
        series=series,
        expect={} if pages else {at: []},
        count={at: pages} if pages else None,
    )
