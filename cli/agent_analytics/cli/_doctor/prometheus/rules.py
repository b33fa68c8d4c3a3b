"""Whether Prometheus evaluates the rules, in time and without errors."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from agent_analytics.cli._doctor.examination import Examination
from agent_analytics.cli._doctor.http import Server
from agent_analytics.insights.rules import render_rules

_WRITE: Final = (
    "`agent-analytics rules --output DIR` writes the rules; name DIR/*.yml under rule_files in "
    "prometheus.yml and reload Prometheus"
)
_NAME: Final = re.compile(r'^\s+(?:- )?(?:alert|record): "?([\w:]+)"?$', re.MULTILINE)
#: What a file of rules is for, where it is not loaded.
_PURPOSES: Final = {
    "oncall.yml": "nobody is paged",
    "insights.yml": "publishers get no insights",
    "rollups.yml": "nothing older than the raw series is known, and no trend",
}
#: A group that has missed so many evaluations has stopped.
_MISSED: Final = 3.0
_SHOWN: Final = 3


def check_rules(examination: Examination, server: Server, now: float) -> None:
    """Check the rules that a Prometheus has loaded.

    Args:
        examination: Takes what is found.
        server: Prometheus.
        now: Its clock, in seconds since 1970.

    Raises:
        NoAnswerError: It does not answer what it is asked.
    """
    files = {file: set(_NAME.findall(text)) for file, text in render_rules().items()}
    known = set[str]().union(*files.values())
    groups = [
        group
        for group in server.ask("/api/v1/rules")["groups"]
        if any(rule["name"] in known for rule in group["rules"])
    ]
    loaded = {rule["name"] for group in groups for rule in group["rules"]}
    if not loaded:
        examination.find(
            f"{server.url} has none of the rules: without them there are no alerts, no insights "
            "and no roll-ups.",
            f"{_WRITE}.",
        )
        return
    for file, names in files.items():
        _check_file(examination, file, names, loaded)
    _failing(examination, groups)
    for group in groups:
        _check_times(examination, group, now)


def _check_file(examination: Examination, file: str, names: set[str], loaded: set[str]) -> None:
    missing = sorted(names - loaded)
    if len(missing) == len(names):
        examination.find(
            f"The rules of {file} are not loaded: {_PURPOSES.get(file, 'they are needed')}.",
            f"{_WRITE}.",
        )
    elif missing:
        examination.find(
            f"{len(missing)} of the {len(names)} rules of {file} are not loaded, {missing[0]} "
            "among them: the file is of another release.",
            f"{_WRITE}, after each upgrade.",
        )


def _failing(examination: Examination, groups: Iterable[Mapping[str, Any]]) -> None:
    errors: dict[str, list[str]] = {}
    for group in groups:
        for rule in group["rules"]:
            if rule.get("health") == "err":
                errors.setdefault(rule.get("lastError", ""), []).append(rule["name"])
    for error, names in errors.items():
        unique = list(dict.fromkeys(names))
        more = f" and {len(unique) - _SHOWN} more" if len(unique) > _SHOWN else ""
        examination.find(
            f"The evaluation of {', '.join(unique[:_SHOWN])}{more} fails: {error}.",
            "Find what is named there twice or too often, such as a target that two jobs scrape; "
            "limits of Prometheus' queries are options of its command line.",
        )


def _check_times(examination: Examination, group: Mapping[str, Any], now: float) -> None:
    name = group["name"]
    interval = float(group["interval"])
    took = float(group.get("evaluationTime", 0))
    last = _unix(str(group.get("lastEvaluation", "")))
    if last is None:
        examination.leave(
            f"the evaluation of the rules {name}, which Prometheus has not begun (yet): they are "
            f"evaluated every {interval:g} s"
        )
        return
    if took > interval:
        examination.find(
            f"The rules {name} take {took:.3g} s and are to be evaluated every {interval:g} s: "
            "evaluations are missed.",
            "Give Prometheus more processor time, or raise the group's interval; beyond some "
            "thousand listings, split publishers over several Prometheus servers.",
        )
    elif now - last > max(_MISSED * interval, 60.0):
        examination.find(
            f"The rules {name} were evaluated {now - last:.0f} s ago and are to be evaluated every "
            f"{interval:g} s.",
            "Look into the log of Prometheus, and whether it has processor time enough.",
        )


def _unix(text: str) -> float | None:
    """Return the time of an evaluation; None where there was none."""
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return None if found.year <= 1 else found.timestamp()
