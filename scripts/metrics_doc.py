"""Write docs/metrics.md from the metric catalogue.

Run from the root of the repository: ``python scripts/metrics_doc.py [--check]``.
"""

import sys
from pathlib import Path

from agent_analytics.processor.catalogue import HEALTH_METRICS, LISTING_METRICS, Metric

TARGET = Path(__file__).parent.parent / "docs" / "metrics.md"
HEAD = """\
# Metrics

Written from `agent_analytics.processor.catalogue` by `make generate`; change it there.

Counters are exact integers inside (counts, nanoseconds, nano-dollars) and are shown in the
metric's unit. A histogram has `_bucket`, `_sum` and `_count`. No metric carries a tenant, a user,
a conversation, or text. The value `_other` of a label stands for all names beyond a cap
([limits](configuration.md#limits)).
"""


def table(metrics: tuple[Metric, ...]) -> str:
    """Return a Markdown table of ``metrics``."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
        text = metric.help
        if metric.buckets:
            text += " Edges: " + ", ".join(f"{edge:g}" for edge in metric.buckets) + "."
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {text} |")
    return "\n".join(rows)


def document() -> str:
    """Return the whole page."""
    return (
        f"{HEAD}\n## What listings do\n\n{table(LISTING_METRICS)}\n"
        f"\n## The health of agent-analytics itself\n\n{table(HEALTH_METRICS)}\n"
        "\nWhich publisher `agent_analytics_fullest_publisher_ratio` is about,\n"
        "[a query of Prometheus says](configuration.md#room-for-everybody).\n"
    )


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` tell whether it is as it would be written."""
    if "--check" in arguments:
        if TARGET.read_text() == document():
            return 0
        sys.stderr.write("docs/metrics.md differs from the catalogue: run make generate\n")
        return 1
    TARGET.write_text(document())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
