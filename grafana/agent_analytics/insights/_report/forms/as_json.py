"""The report as JSON: the fields of the dashboards under their own names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, TypeGuard

from agent_analytics.insights._report.answers.model import (
    Figures,
    MarketplaceDashboard,
    PublisherDashboard,
)
from agent_analytics.insights._report.pages.attention import ended_of, evaluated
from agent_analytics.insights._report.pages.text import begins_formula, is_unsafe
from agent_analytics.insights._rules.alerts import Insight

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Raised when a key goes or changes its meaning; new keys may come at any time.
SCHEMA: Final = 1
_DERIVED: Final = ("gmv", "tenant_churn")


def as_json(
    dashboard: PublisherDashboard | MarketplaceDashboard, insights: Sequence[Insight]
) -> str:
    """Return a report as JSON. What is not available is null."""
    kind = "publisher" if isinstance(dashboard, PublisherDashboard) else "marketplace"
    document = {
        "schema": SCHEMA,
        "kind": kind,
        "insights": [
            {**_each_field(insight), "query": insight.query, "first_look": list(insight.first_look)}
            for insight in insights
        ],
        **_fields(dashboard),
        "ended": [_each_field(each) for each in ended_of(dashboard, insights)],
        "evaluation": _plain(evaluated(dashboard, insights)),
        "observed": {
            **_each_field(dashboard.observed),
            "seconds": round(dashboard.observed.seconds),
        },
        "beyond_bounds": [
            {**_each_field(each), "insight_fires": each.told_by(insights)}
            for each in dashboard.beyond_bounds
        ],
    }
    # It holds the same insights.
    document.pop("in_trouble", None)
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    return "".join(map(_escaped, text)) + "\n"


def _escaped(char: str) -> str:
    """Return a character as a terminal, a diff or a spreadsheet may meet it; it says the same.

    Of what JSON leaves as it is, what steers or turns text round, and formulas in full width.
    """
    if char == "\n" or (char.isascii() and char.isprintable()):
        return char
    if not is_unsafe(char) and not begins_formula(char):
        return char
    return json.dumps(char)[1:-1] if char != "\x7f" else "\\u007f"


def _fields(value: Figures) -> dict[str, object]:
    return {
        **{field.name: _plain(getattr(value, field.name)) for field in fields(value)},
        **{name: _plain(getattr(value, name)) for name in _DERIVED},
    }


def _each_field(value: "DataclassInstance") -> dict[str, object]:
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: object) -> object:
    if isinstance(value, Figures):
        return _fields(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _each_field(value)
    if isinstance(value, date):  # or a time
        return _moment(value)
    if _is_mapping(value):
        return {str(key): _plain(item) for key, item in value.items()}
    if _is_sequence(value):
        return [_plain(item) for item in value]
    return value


def _moment(value: date) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat()


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, tuple | list)
