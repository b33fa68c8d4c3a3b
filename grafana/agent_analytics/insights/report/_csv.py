"""The report as CSV: one row per listing."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from agent_analytics.insights.analytics import MarketplaceDashboard, PublisherDashboard

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
_KEYS: Final = ("publisher_id", "agent_id")
#: With these, a spreadsheet takes a text for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(dashboard: PublisherDashboard | MarketplaceDashboard) -> str:
    """Return one row per listing. What is not available is empty."""
    if isinstance(dashboard, PublisherDashboard):
        keys, names = (*_KEYS, "agent_name"), _PUBLISHER
        rows = [
            (
                (dashboard.publisher_id, row.agent_id, row.agent_name or ""),
                [getattr(row, name) for name in names],
            )
            for row in dashboard.listings
        ]
        return _write((*keys, *names), rows)
    ranked = [
        ((row.publisher_id, row.agent_id), [getattr(row, name) for name in _MARKETPLACE])
        for row in dashboard.listings
    ]
    return _write((*_KEYS, *_MARKETPLACE), ranked)


def _write(
    columns: Sequence[str], rows: Sequence[tuple[Sequence[str], Sequence[float | None]]]
) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for names, numbers in rows:
        told = ["" if value is None else value for value in numbers]
        writer.writerow([*map(_inert, names), *told])
    return buffer.getvalue()


def _inert(name: str) -> str:
    return f"'{name}" if name.startswith(_FORMULA) else name
