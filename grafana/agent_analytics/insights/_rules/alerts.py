"""Insights as objects, read from the JSON in which Prometheus and Alertmanager tell alerts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Final, TypeGuard, get_args

from agent_analytics.insights._definitions.spec.model import Audience, Category, Severity
from agent_analytics.insights._rules.contributors import Contributor
from agent_analytics.insights._rules.runbooks import first_look, shown_by

_SEVERITIES: Final = get_args(Severity)
_CATEGORIES: Final = get_args(Category)
_AUDIENCES: Final = get_args(Audience)


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """Something about a listing that is worth acting on.

    Attributes:
        severity: ``critical``, ``warning`` or ``info``.
        category: What it is about, such as ``reliability``.
        title: One short line.
        description: One sentence with the measured number.
        recommendation: What to do.
        publisher_id: Who built the listing; empty where no listing is concerned.
        agent_id: The listing; empty where none is concerned.
        tool: The tool concerned, or empty.
        name: The insight's short name, such as ``error-rate``.
        audience: Whom it is for, ``oncall`` or ``publisher``.
        state: ``firing``, ``pending`` (not for long enough yet), ``suppressed`` (silenced or
            inhibited) or ``resolved``.
        since: When it began (UTC), where that is known; of what is read from alerts alone, when
            this alert did.
        runbook_url: The page that says more.
        worth_usd_day: US dollars a day that are at stake; ``None`` where that is not known.
        traffic: Over which window it was asked, such as ``week``.
        trace_id: A trace that shows what is wrong, in hexadecimal digits, or empty.
        trace_url: Where that trace is shown, or empty.
        query_url: Where the course of its number is shown, or empty.
        reopened: Whether it was raised before, and then not for a day or longer.
        contributors: What it mostly comes from, the most telling first; empty where that is not
            recorded, and for what was read from alerts alone.
    """

    severity: Severity
    category: Category
    title: str
    description: str
    recommendation: str
    publisher_id: str
    agent_id: str
    tool: str = ""
    name: str = ""
    audience: Audience = "publisher"
    state: str = "firing"
    since: datetime | None = None
    runbook_url: str = ""
    worth_usd_day: float | None = None
    traffic: str = ""
    reopened: bool = False
    trace_id: str = ""
    trace_url: str = ""
    query_url: str = ""
    contributors: tuple[Contributor, ...] = ()

    @property
    def query(self) -> str:
        """The query of the number that it is raised by."""
        return shown_by(self.name, self.publisher_id, self.agent_id, self.tool)

    @property
    def first_look(self) -> tuple[str, ...]:
        """The queries of its runbook, with its own publisher, listing and tool."""
        return first_look(self.name, self.publisher_id, self.agent_id, self.tool)


def parse_alerts(payload: str | bytes) -> list[Insight]:
    """Return the insights among the alerts of a JSON document, in its order.

    Understood are the body of an Alertmanager webhook, the answer of Alertmanager's
    ``/api/v2/alerts``, and the answer of Prometheus' ``/api/v1/alerts``. Alerts of other rules
    (without a severity, category and audience of this package) are left out.

    Raises:
        ValueError: If the document is not JSON, or not one of the three.
    """
    return [
        insight
        for alert in _alerts(json.loads(payload))
        if (insight := _insight(alert)) is not None
    ]


def _alerts(document: object) -> list[Mapping[str, object]]:
    """Return the list of alerts in a document."""
    found = document
    if _is_mapping(found):
        data = found.get("data")
        found = (data if _is_mapping(data) else found).get("alerts")
    if not _is_list(found):
        message = "expected the alerts of a webhook, of Alertmanager or of Prometheus"
        raise ValueError(message)
    return [alert for alert in found if _is_mapping(alert)]


def _insight(alert: Mapping[str, object]) -> Insight | None:
    labels = _strings(alert.get("labels"))
    notes = _strings(alert.get("annotations"))
    severity = labels.get("severity", "")
    category = labels.get("category", "")
    audience = labels.get("audience", "")
    if not (_is_severity(severity) and _is_category(category) and _is_audience(audience)):
        return None
    return Insight(
        severity=severity,
        category=category,
        title=notes.get("title", labels.get("alertname", "")),
        description=notes.get("description", ""),
        recommendation=notes.get("recommendation", ""),
        publisher_id=labels.get("publisher_id", ""),
        agent_id=labels.get("agent_id", ""),
        tool=labels.get("tool", ""),
        name=labels.get("insight", ""),
        audience=audience,
        state=_state(alert),
        since=_time(alert.get("startsAt") or alert.get("activeAt")),
        runbook_url=notes.get("runbook_url", ""),
        worth_usd_day=_dollars(notes.get("worth_usd_day", "")),
        traffic=labels.get("traffic", ""),
    )


def _dollars(text: str) -> float | None:
    """Return the amount in an annotation such as ``1234.50``; ``None`` where there is none."""
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if isfinite(amount) else None


def _state(alert: Mapping[str, object]) -> str:
    """Return the state: Prometheus has ``state``, a webhook ``status``, the API an object."""
    state = alert.get("state", alert.get("status", "firing"))
    if _is_mapping(state):
        state = state.get("state")
    return "firing" if state in {"active", "unprocessed"} else str(state)


def _time(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _strings(value: object) -> dict[str, str]:
    if not _is_mapping(value):
        return {}
    return {key: text for key, text in value.items() if isinstance(text, str)}


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _is_severity(value: str) -> TypeGuard[Severity]:
    return value in _SEVERITIES


def _is_category(value: str) -> TypeGuard[Category]:
    return value in _CATEGORIES


def _is_audience(value: str) -> TypeGuard[Audience]:
    return value in _AUDIENCES
