"""Fixtures for what publishers are told: series of two months, run through promtool."""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agent_analytics.insights import write_rules
from agent_analytics.insights._definitions import OF_PUBLISHERS, field
from agent_analytics.insights._promql.recorded import WORTH_AFTER

if TYPE_CHECKING:
    import subprocess

Run = Callable[..., "subprocess.CompletedProcess[str]"]
#: A name, the series, and the measured number of what is raised by its ``traffic`` and ``tool``.
Case = tuple[str, Mapping[str, str], Mapping[tuple[str, ...], float]]

#: The order in which a Prometheus has evaluated the groups that read one another.
GROUPS = [
    f"agent-analytics-{name}"
    for name in ("levels", "releases", "unions", "hours", "tenants", "weeks", "publisher", "causes")
]
LABELS = {"publisher_id": "acme", "agent_id": "finder"}
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

#: Where an insight that can be worth something is not worth anything a day yet.
NOT_YET = "not yet"


class Listing:
    """Writes the series of a listing in promtool's notation: what they grow by, phase by phase."""

    def __call__(self, name: str, *phases: tuple[int, float], **labels: str) -> dict[str, str]:
        """Return a counter that grows by so much a step, for so many steps each."""
        level, values = 0.0, ["0"]
        for steps, growth in phases:
            for _ in range(steps):
                level += growth
                values.append(repr(round(level, 6)))
        return self.values(name, " ".join(values), **labels)

    def values(self, name: str, values: str, **labels: str) -> dict[str, str]:
        """Return a series with values of its own."""
        every = {**LABELS, "job": "agent-analytics", "instance": "demo:9464", **labels}
        text = ", ".join(f'{key}="{value}"' for key, value in every.items())
        return {f"marketplace_agent_{name}{{{text}}}": values}

    def invocations(
        self, *phases: tuple[int, float], failing: Sequence[tuple[int, float]] = ()
    ) -> dict[str, str]:
        """Return invocations that succeed, and those that fail."""
        steps = sum(count for count, _ in phases)
        return {
            **self("invocations_total", *phases, outcome="success"),
            **self("invocations_total", *(failing or [(steps, 0)]), outcome="error"),
        }


@pytest.fixture(scope="session")
def listing() -> Listing:
    """Write series of the listing ``finder`` of ``acme``."""
    return Listing()


def slice_rules(
    directory: Path, insight: str, given: Collection[str] = (), also: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the rules that an insight's alerts need, as they are, in their groups.

    promtool evaluates every rule at every step: all of them over two months take minutes. What is
    given is left out, with what only it needs; what is recorded under further names is there, too.
    """
    groups: list[dict[str, Any]] = []
    for path in write_rules(directory):
        if path.name != "oncall.yml":
            groups += yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    # What a fixed insight is worth is read by no alert, and reads what became of all insights.
    wanted = [
        rule
        for rule in rules
        if rule.get("labels", {}).get("insight") == insight and rule.get("record") != WORTH_AFTER
    ]
    wanted += [
        rule
        for rule in rules
        if rule.get("record") in also and "insight" not in rule.get("labels", {})
    ]
    texts = [str(rule) for rule in wanted]
    while texts:
        text = texts.pop()
        words = set(_WORD.findall(text)) - set(given)
        for rule in rules:
            other = rule.get("labels", {}).get("insight")
            read = other is None or f'insight="{other}"' in text
            if rule.get("record", "") in words and read and rule not in wanted:
                wanted.append(rule)
                texts.append(rule["expr"])
    sliced = [
        {**group, "rules": [rule for rule in group["rules"] if rule in wanted]} for group in groups
    ]
    return [group for group in sliced if group["rules"]]


@pytest.fixture
def slice_of() -> Callable[..., list[dict[str, Any]]]:
    """Return the rules that an insight needs (:func:`slice_rules`)."""
    return slice_rules


@pytest.fixture
def check_insight(promtool: Run, tmp_path: Path) -> Callable[..., None]:
    """Run cases of one insight through promtool, against the rules that it needs.

    Takes the insight's name, cases, the time between samples, when to look, the time between
    evaluations where it is another, names of recorded series that the cases give themselves, and
    by a case's name the description that it tells and what it is worth a day.
    """

    def check(
        insight: str,
        cases: Sequence[Case],
        *,
        interval: str = "12h",
        at: str = "1440h",
        every: str = "",
        given: Collection[str] = (),
        texts: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        groups = slice_rules(tmp_path / "rules", insight, given)
        rules = tmp_path / "slice.json"
        # JSON is YAML.
        rules.write_text(json.dumps({"groups": groups}), encoding="utf-8")
        assert (texts or {}).keys() <= {name for name, _, _ in cases}
        names = [group["name"] for group in groups]
        document = {
            "rule_files": [str(rules)],
            "evaluation_interval": every or interval,
            "group_eval_order": [name for name in GROUPS if name in names],
            "tests": [
                _test(insight, case, interval, at, (texts or {}).get(case[0])) for case in cases
            ],
        }
        file = tmp_path / "cases.json"
        file.write_text(json.dumps(document, indent=1), encoding="utf-8")
        done = promtool("test", "rules", file)
        assert done.returncode == 0, done.stdout + done.stderr

    return check


def _test(
    insight: str, case: Case, interval: str, at: str, told: tuple[str, str] | None
) -> dict[str, object]:
    name, series, raised = case
    samples = [
        {"labels": _series({"insight": insight, **_told_apart(key)}), "value": value}
        for key, value in raised.items()
    ]
    firing = f'count(ALERTS{{insight="{insight}", alertstate="firing"}})'
    test: dict[str, object] = {
        "name": name,
        "interval": interval,
        "input_series": [
            {"series": selector, "values": values} for selector, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": f'round(marketplace_insight_measure{{insight="{insight}"}}, 0.001)',
                "eval_time": at,
                "exp_samples": samples,
            },
            {
                "expr": firing,
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": len(raised)}] if raised else [],
            },
        ],
    }
    if told:
        test["alert_rule_test"] = [_alert(insight, next(iter(raised)), at, told)]
    return test


def _alert(insight: str, key: tuple[str, ...], at: str, told: tuple[str, str]) -> dict[str, object]:
    finding = next(finding for finding in OF_PUBLISHERS if finding.slug == insight)
    description, worth = told
    # Those of the field show the bound, here the usual one.
    titles = {definition.slug: definition.usual_title for definition in field.SPECS}
    notes = {
        "title": titles.get(insight, finding.title),
        "description": description,
        "recommendation": finding.recommendation,
        "runbook_url": f"docs/runbooks/{insight}.md",
    }
    if worth == NOT_YET:
        notes["worth_usd_day"] = ""
    elif worth:
        notes["worth_usd_day"] = worth
    labels = {
        "audience": "publisher",
        "severity": finding.severity,
        "category": finding.category,
        "insight": insight,
    }
    firing = {"exp_labels": {**LABELS, **labels, **_told_apart(key)}, "exp_annotations": notes}
    return {"eval_time": at, "alertname": finding.alert, "exp_alerts": [firing]}


def _told_apart(key: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(("traffic", "tool"), key, strict=False))


def _series(labels: Mapping[str, str]) -> str:
    inside = ", ".join(f'{key}="{value}"' for key, value in {**LABELS, **labels}.items())
    return f"{{{inside}}}"
