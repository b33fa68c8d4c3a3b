"""Serves a history, ready to be asked."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent_analytics.demo._history.build import History
from agent_analytics.demo._run.prometheus import Prometheus
from agent_analytics.insights.past import prometheus_over


@contextmanager
def serve(history: History, rules: Path | None = None) -> Generator[Prometheus, None, None]:
    """Run a Prometheus over a history; ask it at ``history.clock.end``.

    Args:
        history: What to serve.
        rules: Directory of rule files to load.

    Raises:
        ServerError: Prometheus is not installed, or did not start.
    """
    with prometheus_over(history.directory, rules=rules) as url:
        yield Prometheus(url)
