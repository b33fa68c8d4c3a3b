"""The rule files: insights for on-call and for publishers, and what they are read from.

The insights of the field are asked more than once from one spec: by on-call over minutes
(``dense`` traffic, and ``sparse`` traffic over a longer window), and by the publisher over 30
days, a week and a day. All of it is made of the specs of :mod:`._definitions`, by category.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent_analytics.insights._definitions import OF_PUBLISHERS, SPECS
from agent_analytics.insights._definitions.spec.model import RUNBOOKS, Audience
from agent_analytics.insights._definitions.telemetry import ABSENCE, TELEMETRY, telemetry
from agent_analytics.insights._entries import Recording, Rule
from agent_analytics.insights._promql import accounting, closed, counting, releases, rollups
from agent_analytics.insights._rules import causes, lifecycle, measures, of_specs
from agent_analytics.insights._rules.not_known import not_known
from agent_analytics.insights._rules.runbooks import runbook_url
from agent_analytics.insights._rules.tenants import tenants
from agent_analytics.insights._yaml import Yaml, dump
from agent_analytics.processor.catalogue import SAMPLES_OF_EXPOSITION

#: How often the rules for on-call are evaluated.
ONCALL_INTERVAL: Final = "5s"
#: How often the rules for on-call that read five minutes or more are evaluated.
SLOW_INTERVAL: Final = "30s"
#: How often the insights are evaluated: no sooner than there are new levels.
INSIGHT_INTERVAL: Final = rollups.LEVEL_INTERVAL
#: How often distinct tenants are recorded for them.
TENANT_INTERVAL: Final = rollups.HOUR_INTERVAL
#: Expositions that one evaluator is meant for, each as large as `Limits` admits by default.
_EXPOSITIONS: Final = 10
#: Most series that a rule may record: one above what there may be. A rule beyond it fails, and
#: pages the operator. A group with alerts has none: all of them would be silent.
MOST_SERIES: Final = _EXPOSITIONS * SAMPLES_OF_EXPOSITION + 1


def rules_for(audience: Audience, *, absence: str = ABSENCE) -> list[Rule]:
    """Return every alert for an audience.

    Args:
        audience: Who is told.
        absence: For how long a service has to be gone before on-call is paged.
    """
    if audience == "publisher":
        return [rule for spec in OF_PUBLISHERS for rule in of_specs.insights(spec)]
    return [rule for fast in (True, False) for rule in _pages(absence, fast=fast)]


def _pages(absence: str, *, fast: bool) -> list[Rule]:
    """Return the alerts for on-call, those of every few seconds or those that can wait longer."""
    specs = (telemetry(absence) if spec is TELEMETRY else spec for spec in SPECS)
    return [rule for spec in specs for rule in of_specs.pages(spec, fast=fast)]


def _looked_up(*, fast: bool) -> list[Recording]:
    """Return what is recorded for the alerts of on-call, in front of them in their group."""
    found = [rule for spec in SPECS for rule in of_specs.looked_up(spec, fast=fast)]
    return list({rule.record: rule for rule in found}.values())


def seldom() -> list[Recording]:
    """Return what is recorded for insights every quarter of an hour, in order."""
    return [*measures.growths(seldom=True), *measures.same_hours()]


def recordings() -> list[Recording]:
    """Return what is recorded for insights at each of their evaluations, in order."""
    return [
        *measures.growths(seldom=False),
        *releases.figures(),
        *(rule for spec in OF_PUBLISHERS for rule in of_specs.measures(spec)),
        *(rule for spec in OF_PUBLISHERS for rule in of_specs.worths(spec)),
        *causes.contributors(),
        *lifecycle.rules(),
        *(of_specs.info(spec) for spec in OF_PUBLISHERS),
    ]


def rule_groups(
    *,
    oncall_interval: str = ONCALL_INTERVAL,
    slow_interval: str = SLOW_INTERVAL,
    insight_interval: str = INSIGHT_INTERVAL,
    level_interval: str = rollups.LEVEL_INTERVAL,
    hour_interval: str = rollups.HOUR_INTERVAL,
    cause_interval: str = causes.CAUSE_INTERVAL,
    absence: str = ABSENCE,
    runbooks: str = RUNBOOKS,
    most_series: int = MOST_SERIES,
) -> dict[str, list[Yaml]]:
    """Return the groups of each rule file by its name, as :func:`render_rules` writes them."""
    fast: list[Rule | Recording] = [*_looked_up(fast=True), *_pages(absence, fast=True)]
    slow: list[Rule | Recording] = [*_looked_up(fast=False), *_pages(absence, fast=False)]
    oncall = [
        _group("oncall", oncall_interval, fast, runbooks),
        _group("oncall-slow", slow_interval, slow, runbooks),
    ]
    hourly = _group(
        "tenants",
        hour_interval,
        [*tenants(), *not_known([*tenants(), *seldom(), *recordings()])],
        limit=most_series,
    )
    ahead = _group("causes", cause_interval, causes.ahead(), limit=most_series)
    weeks = _group("weeks", cause_interval, seldom(), limit=most_series)
    publisher = _group(
        "publisher", insight_interval, [*recordings(), *rules_for("publisher")], runbooks
    )
    rolled = rollups.groups(
        level_interval=level_interval,
        hour_interval=hour_interval,
        # An insight that sees the first levels says since when they are.
        before=[counting.since().yaml()],
        levels=[rule.yaml() for rule in (measures.last_seen(), *accounting.rules())],
        hours=[rule.yaml() for rule in measures.hours()],
        releases=[rule.yaml() for rule in releases.current()],
        closed=[rule.yaml() for rule in closed.rules()],
        limit=most_series,
    )
    return {
        "oncall.yml": oncall,
        "insights.yml": [hourly, ahead, weeks, publisher],
        "rollups.yml": rolled,
    }


def render_rules(
    *,
    oncall_interval: str = ONCALL_INTERVAL,
    slow_interval: str = SLOW_INTERVAL,
    insight_interval: str = INSIGHT_INTERVAL,
    level_interval: str = rollups.LEVEL_INTERVAL,
    hour_interval: str = rollups.HOUR_INTERVAL,
    cause_interval: str = causes.CAUSE_INTERVAL,
    absence: str = ABSENCE,
    runbooks: str = RUNBOOKS,
    most_series: int = MOST_SERIES,
) -> dict[str, str]:
    """Return the rule files by name.

    Of the recording rules, those in ``rollups.yml`` are the ones that need a past: windows are
    read from what they recorded at the time. Those in ``insights.yml`` are read as they are.

    Args:
        oncall_interval: How often Prometheus evaluates the rules for on-call.
        slow_interval: How often it evaluates those of them that read five minutes or more.
        insight_interval: How often it evaluates the insights, which read a whole period.
        level_interval: How often it records the levels of counters.
        hour_interval: How often it records hours, and distinct tenants.
        cause_interval: How often it records the most frequent error types and models, and what
            insights ask of windows longer than a day and of the same hours of other weeks.
        absence: For how long a service has to be gone before on-call is paged, such as ``2m``.
        runbooks: Where the pages of ``docs/runbooks`` are served, as the base of the alerts' links.
        most_series: Most series that a rule of a group without alerts may record; 0 for any number.

    Raises:
        ValueError: ``absence`` is no duration of Prometheus.
    """
    made = rule_groups(
        oncall_interval=oncall_interval,
        slow_interval=slow_interval,
        insight_interval=insight_interval,
        level_interval=level_interval,
        hour_interval=hour_interval,
        cause_interval=cause_interval,
        absence=absence,
        runbooks=runbooks,
        most_series=most_series,
    )
    return {name: _file(groups) for name, groups in made.items()}


def _group(
    name: str,
    interval: str,
    rules: Sequence[Rule | Recording],
    runbooks: str = RUNBOOKS,
    *,
    limit: int = 0,
) -> Yaml:
    return {
        "name": f"agent-analytics-{name}",
        "interval": interval,
        **({"limit": limit} if limit else {}),
        "rules": [_linked(rule, runbooks).yaml() for rule in rules],
    }


def _linked(rule: Rule | Recording, runbooks: str) -> Rule | Recording:
    """Return a rule whose alert links its runbook below a base URL."""
    if isinstance(rule, Recording):
        return rule
    url = runbook_url(runbooks, rule.labels["insight"])
    return replace(rule, annotations={**rule.annotations, "runbook_url": url})


def _file(groups: Sequence[Yaml]) -> str:
    return dump(
        {"groups": groups},
        comment="Generated by `python -m agent_analytics.insights.generate`; do not edit.",
    )
