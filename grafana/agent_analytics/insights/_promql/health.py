"""Named PromQL about agent-analytics itself: whether it sees everything, and what it costs."""

from typing import Final

from agent_analytics.insights._promql import scopes
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

#: Everything there is.
ALL: Final = Scope(())
_TARGETS: Final = (f'job=~"{scopes.JOB}|{scopes.SKETCH_JOB}"',)


def rate(metric: Metric, window: str, scope: Scope = ALL) -> str:
    """How often a second something happened."""
    return f"{scope.aggregate('sum')} (rate({select(metric.name, scope)}[{window}]))"


def total(metric: Metric, window: str) -> str:
    """How often something happened in the window: 0 where it never did and spans were read."""
    seen = f"sum (increase({select(metric.name, ALL)}[{window}]))"
    if metric is catalogue.SPANS:
        return seen
    return f"({seen} or 0 * {total(catalogue.SPANS, window)})"


def spans(window: str) -> str:
    """Spans a second by what they were taken for."""
    return rate(catalogue.SPANS, window, Scope(("kind",)))


def unattributed_share(window: str) -> str:
    """Share of the agent, tool and model spans that no listing could be credited with."""
    nobody = total(catalogue.UNATTRIBUTED_SPANS, window)
    return f"({nobody} / ({total(catalogue.SPANS, window)} + {nobody} > 0))"


def open_spans() -> str:
    """Spans that have started and not ended, by instance."""
    return f"sum by (instance) ({catalogue.OPEN_SPANS.name})"


def revisions() -> str:
    """How many endpoints count by which revision of the rules of counting."""
    return f"count by (revision) ({select(catalogue.ACCOUNTING.name, ALL)})"


def targets_up() -> str:
    """Share of the endpoints that answered their last scrape."""
    return f"avg ({select('up', Scope(where=_TARGETS))})"


def scrape_seconds() -> str:
    """How long the last scrape took, by job and instance."""
    return f"max by (job, instance) ({select('scrape_duration_seconds', Scope(where=_TARGETS))})"


def scraped_samples() -> str:
    """Samples of the last scrape, by job and instance."""
    name = "scrape_samples_post_metric_relabeling"
    return f"sum by (job, instance) ({select(name, Scope(where=_TARGETS))})"


def filled() -> str:
    """Part that is taken of the samples and bytes that an exposition may have, by instance."""
    return f"max by (instance, of) ({catalogue.EXPOSITION_FILLED.name})"


def fullest() -> str:
    """Part of its share that the publisher has who has most of it, by instance."""
    return f"max by (instance) ({catalogue.FULLEST_PUBLISHER.name})"


def rule_seconds() -> str:
    """How long the last evaluation of each group of rules took."""
    name = "prometheus_rule_group_last_duration_seconds"
    return f'max by (rule_group) ({name}{{rule_group=~".*agent-analytics.*"}})'


def missed_evaluations(window: str) -> str:
    """Evaluations of groups of rules that were left out, because the one before took too long."""
    name = "prometheus_rule_group_iterations_missed_total"
    return f'sum (increase({name}{{rule_group=~".*agent-analytics.*"}}[{window}]))'
