"""Where the generated files are, and rule files for a server of one's own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from agent_analytics.insights._definitions.spec.model import RUNBOOKS
from agent_analytics.insights._prometheus.provisioning import dashboard_provider, datasources
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._rules.causes import CAUSE_INTERVAL
from agent_analytics.insights._rules.rule_files import (
    INSIGHT_INTERVAL,
    MOST_SERIES,
    ONCALL_INTERVAL,
    SLOW_INTERVAL,
    render_rules,
)

#: Directory of the files that are generated from this package and committed with it:
#: ``rules/``, ``dashboards/``, ``provisioning/``, ``prometheus.yml`` and ``alertmanager.yml``.
GENERATED: Final = Path(__file__).parent / "generated"


def write_rules(
    directory: Path,
    *,
    oncall_interval: str = ONCALL_INTERVAL,
    slow_interval: str = SLOW_INTERVAL,
    insight_interval: str = INSIGHT_INTERVAL,
    level_interval: str = rollups.LEVEL_INTERVAL,
    hour_interval: str = rollups.HOUR_INTERVAL,
    cause_interval: str = CAUSE_INTERVAL,
    runbooks: str = RUNBOOKS,
    most_series: int = MOST_SERIES,
) -> list[Path]:
    """Write the rule files into a directory, which is made, and return their paths.

    Args:
        directory: Where to; what ``prometheus_config`` calls ``rules_dir``.
        oncall_interval: How often Prometheus evaluates the rules for on-call.
        slow_interval: How often it evaluates those of them that read five minutes or more.
        insight_interval: How often it evaluates the insights.
        level_interval: How often it records the levels of counters, from which insights are read.
        hour_interval: How often it records hours and distinct tenants.
        cause_interval: How often it records the most frequent error types and models, and what
            insights ask of windows longer than a day and of the same hours of other weeks.
        runbooks: Where the pages of ``docs/runbooks`` are served, as the base of the alerts' links.
        most_series: Most series that a rule of a group without alerts may record, beyond which it
            fails and the operator is paged; 0 for any number.
    """
    files = render_rules(
        oncall_interval=oncall_interval,
        slow_interval=slow_interval,
        insight_interval=insight_interval,
        level_interval=level_interval,
        hour_interval=hour_interval,
        cause_interval=cause_interval,
        runbooks=runbooks,
        most_series=most_series,
    )
    return write_files(directory, files)


def grafana_files(
    *,
    path: str,
    prometheus_url: str,
    scrape_interval: str = "5s",
    traces_url: str | None = None,
    runbooks: str = RUNBOOKS,
) -> dict[str, str]:
    """Return what Grafana reads, by path: ``dashboards/`` and ``provisioning/``.

    Args:
        path: Directory of the dashboards, as Grafana's server sees it.
        prometheus_url: Where Grafana's server reaches Prometheus.
        scrape_interval: How often Prometheus scrapes ``/metrics``.
        traces_url: Where Grafana's server reaches Tempo, if there is one.
        runbooks: Where the pages of ``docs/runbooks`` are served, as the base of the pages' links.
    """
    dashboards = sorted((GENERATED / "dashboards").glob("*.json"))
    return {
        **{
            f"dashboards/{each.name}": _linked(each.read_text(encoding="utf-8"), runbooks)
            for each in dashboards
        },
        "provisioning/datasources/agent-analytics.yml": datasources(
            url=prometheus_url, scrape_interval=scrape_interval, traces_url=traces_url
        ),
        "provisioning/dashboards/agent-analytics.yml": dashboard_provider(path=path),
    }


def _linked(dashboard: str, runbooks: str) -> str:
    """Return a dashboard whose text box for runbooks has an address; others as they are."""
    if runbooks == RUNBOOKS:
        return dashboard
    document: dict[str, Any] = json.loads(dashboard)
    boxes = [each for each in document["templating"]["list"] if each["name"] == "runbooks"]
    if not boxes:
        return dashboard
    for box in boxes:
        box["query"] = runbooks.rstrip("/")
        box["current"] = {"text": box["query"], "value": box["query"]}
    return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"


def write_files(directory: Path, files: Mapping[str, str]) -> list[Path]:
    """Write texts below a directory, which is made, and return their paths."""
    written: list[Path] = []
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
