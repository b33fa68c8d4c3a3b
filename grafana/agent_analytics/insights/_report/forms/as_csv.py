"""The report as CSV: one row per listing."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from agent_analytics.insights._report.answers.model import MarketplaceDashboard, PublisherDashboard
from agent_analytics.insights._report.known.bounds import Beyond
from agent_analytics.insights._report.pages.attention import evaluated
from agent_analytics.insights._report.pages.text import begins_formula, harmless
from agent_analytics.insights._rules.alerts import Insight

_PUBLISHER: Final = (
    "total_invocations", "invocations_trend", "unique_tenants", "tenants_trend", "retention",
    "conversations", "active_installs", "installs", "uninstalls", "install_churn",
    "avg_satisfaction", "ratings", "error_rate", "avg_response_time_ms", "p95_response_time_ms",
    "total_revenue", "revenue_trend", "avg_revenue_per_tenant", "refunds", "fees", "model_cost",
    "wasted_cost", "margin", "cost_per_success", "input_tokens", "output_tokens",
    "unpriced_tokens", "cached_share",
)  # fmt: skip
_MARKETPLACE: Final = (
    "invocations",
    "revenue",
    "refunds",
    "fees",
    "error_rate",
    "avg_satisfaction",
)
#: What is said of each row's insights, of figures beyond their bounds, and of the window.
_JUDGED: Final = (
    "insights_firing",
    "insights_state",
    "insights_evaluated_at",
    "beyond_bounds",
    "observed_since",
    "observed_until",
    "top_contributors",
    "insights_open_since",
)
_KEYS: Final = ("publisher_id", "agent_id")
#: Where a spreadsheet may begin a cell: some take a semicolon for what separates them.
_BEGINNING: Final = re.compile(r"(^|;)(\s*)(\S)")


def as_csv(
    dashboard: PublisherDashboard | MarketplaceDashboard, insights: Sequence[Insight]
) -> str:
    """Return one row per listing. What is not available is empty."""
    evaluation = evaluated(dashboard, insights)
    window = dashboard.observed

    def _tops(publisher_id: str, agent_id: str) -> str:
        return "; ".join(
            f"{insight.name}: {one.dimension} {one.name} {one.share:g}"
            for insight in insights
            for one in insight.contributors[:1]
            if insight.publisher_id == publisher_id and insight.agent_id == agent_id
        )

    def _opened(publisher_id: str, agent_id: str) -> str | None:
        known = [
            insight.since
            for insight in insights
            if insight.publisher_id == publisher_id and insight.agent_id == agent_id
            if insight.since is not None
        ]
        return _time(min(known)) if known else None

    def judged(
        publisher_id: str, agent_id: str, beyond: Iterable[Beyond]
    ) -> list[str | int | None]:
        firing = sum(
            insight.publisher_id == publisher_id and insight.agent_id == agent_id
            for insight in insights
        )
        at = evaluation.at if evaluation.known else None
        return [
            # No insight fires: without an evaluation, that is no number.
            firing if firing or evaluation.known else None,
            evaluation.state,
            _time(at) if at else None,
            " ".join(sorted({each.insight for each in beyond})),
            _time(window.since),
            _time(window.until),
            _inert(_tops(publisher_id, agent_id)),
            _opened(publisher_id, agent_id),
        ]

    if isinstance(dashboard, PublisherDashboard):
        publisher = dashboard.publisher_id
        return _write(
            (*_KEYS, "agent_name", *_PUBLISHER, *_JUDGED),
            [
                (
                    (publisher, row.agent_id, row.agent_name or ""),
                    [
                        *(getattr(row, name) for name in _PUBLISHER),
                        *judged(publisher, row.agent_id, row.beyond()),
                    ],
                )
                for row in dashboard.listings
            ],
        )
    return _write(
        (*_KEYS, *_MARKETPLACE, *_JUDGED),
        [
            (
                (row.publisher_id, row.agent_id),
                [
                    *(getattr(row, name) for name in _MARKETPLACE),
                    *judged(row.publisher_id, row.agent_id, row.beyond()),
                ],
            )
            for row in dashboard.listings
        ],
    )


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _write(
    columns: Sequence[str], rows: Sequence[tuple[Sequence[str], Sequence[float | str | None]]]
) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for names, numbers in rows:
        told = ["" if value is None else value for value in numbers]
        writer.writerow([*map(_inert, names), *told])
    return buffer.getvalue()


def _inert(name: str) -> str:
    """Return a name that no terminal and no spreadsheet takes for anything else."""
    shown = harmless(name).replace("\n", " ")
    return _BEGINNING.sub(_as_text, shown)


def _as_text(begin: re.Match[str]) -> str:
    separator, blanks, sign = begin.groups()
    quote = "'" if begins_formula(sign) else ""
    return f"{separator}{quote}{blanks}{sign}"
