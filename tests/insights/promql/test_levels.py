"""Which series have levels: what windows read, and nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from agent_analytics.insights._files import grafana_files
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._rules.rule_files import rule_groups


def _dashboards() -> Iterator[str]:
    """Yield what dashboards ask."""
    for name, text in grafana_files(path="/dashboards", prometheus_url="http://localhost").items():
        if name.endswith(".json"):
            for panel in json.loads(text)["panels"]:
                for target in panel.get("targets", ()):
                    yield target["expr"]


def _rules() -> list[Any]:
    groups: list[Any] = [group for file in rule_groups().values() for group in file]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("sample", rollups.ONLY)
def test_what_is_read_is_recorded(sample: str) -> None:
    """Of a sample of which some series have levels, rules and dashboards read these alone."""
    label, value = rollups.ONLY[sample]
    own = [name(sample) for name in (rollups.level, rollups.drop, rollups.fell, rollups.hourly)]
    own.append(rollups.day(sample))
    read = [rule["expr"] for rule in _rules() if rule.get("record") not in own]
    read += _dashboards()
    asked = re.compile(rf"{sample}:(?:level|drop|fell|hourly|day)\b(?:\{{([^}}]*)\}})?")
    selectors = [found for expr in read for found in asked.findall(expr)]
    assert len(selectors) > 10
    assert {selector for selector in selectors if f'{label}="{value}"' not in selector} == set()


def test_series_that_have_levels() -> None:
    """The buckets of answers have them, those of failures have none; counters have all."""
    buckets = "marketplace_agent_invocation_duration_seconds_bucket"
    assert rollups.has_levels(buckets, {"outcome": "success", "le": "1.0"})
    assert not rollups.has_levels(buckets, {"outcome": "error", "le": "1.0"})
    assert rollups.has_levels("marketplace_agent_invocations_total", {"outcome": "error"})
    assert not rollups.has_levels("marketplace_agent_invocations_in_progress", {})
    (level,) = (rule for rule in _rules() if rule.get("record") == rollups.level(buckets))
    assert level["expr"] == f'{buckets}{{outcome="success"}}'
