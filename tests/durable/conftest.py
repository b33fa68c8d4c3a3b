"""A worker with a state directory: a real SDK, real files, clocks turned by hand."""

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import health
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor

Labels = tuple[tuple[str, str], ...]


class Clock:
    """Seconds that pass when a test lets them."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Worker:
    """One worker of a service, as its processor sees it.

    Attributes:
        wall: The clock of the day.
    """

    def __init__(
        self,
        state_dir: Path | None,
        hold_seconds: float = 0.0,
        wall: Clock | None = None,
        **more: Any,  # noqa: ANN401 - what a processor takes
    ) -> None:
        self.wall = wall or Clock(1_700_000_000.0)
        self.processor = AgentMetricsProcessor(
            hold_seconds, state_dir, wall_clock=self.wall, clock=self.wall, **more
        )
        self.provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("durable")

    def span(self, attributes: Mapping[str, Any]) -> None:
        """Run a span."""
        self.tracer.start_span("span", attributes=attributes).end()

    def invoke(self, agent: str = "finder", **more: object) -> None:
        """Run an invocation; underscores in names of attributes are dots."""
        self.span(
            {
                v.OPERATION_NAME: v.INVOKE_AGENT,
                v.PUBLISHER_ID: "acme",
                v.AGENT_ID: agent,
                v.AGENT_NAME: agent.title(),
                v.REVENUE_USD: "0.05",
                **{key.replace("_", "."): value for key, value in more.items()},
            }
        )

    def event(self, kind: str, event_id: str | None = None, agent: str = "finder") -> None:
        """Record an event."""
        attributes = {v.EVENT: kind, v.PUBLISHER_ID: "acme", v.AGENT_ID: agent}
        self.span(attributes | ({v.EVENT_ID: event_id} if event_id is not None else {}))

    def series(self, part: str = "metrics", only: str = "") -> dict[tuple[str, Labels], float]:
        """Scrape, and return every sample, or those of one name."""
        text = exposition(self.processor, part=part)[0].decode()
        if only:  # tens of thousands of others would take the parser seconds
            begins = ("#", f"{only} ", f"{only}{{")
            text = "".join(
                line for line in text.splitlines(keepends=True) if line.startswith(begins)
            )
        found: dict[tuple[str, Labels], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in found, f"a series is exposed twice: {key}"
                found[key] = sample.value
        return found

    def value(self, metric: str, **labels: str) -> float | None:
        """Scrape, and return the sum of a metric's samples, or ``None`` where there is none."""
        name = metric if metric.startswith("agent_analytics") else f"marketplace_agent_{metric}"
        wanted = set(labels.items())
        part = "sketches" if metric == "sketch_register" else "metrics"
        found = [value for (_, own), value in self.series(part, name).items() if wanted <= set(own)]
        return sum(found) if found else None

    def upkeep(self) -> None:
        """Do what a second's passing does."""
        processor: Any = self.processor  # a second has no public interface
        processor._upkeep(0)  # noqa: SLF001 - see above

    def still(self) -> None:
        """Let no second pass from now on."""
        processor: Any = self.processor
        processor._upkeep_from, processor._upkeep_at = 0, sys.maxsize  # noqa: SLF001 - see above

    def invocations(self) -> float | None:
        """Scrape, and return how many invocations there were."""
        return self.value("invocations_total")


@pytest.fixture
def worker(tmp_path: Path) -> Callable[..., Worker]:
    """Return what starts a worker on a state directory of the test's own."""

    def start(path: Path | None = None, **more: Any) -> Worker:  # noqa: ANN401 - the same
        return Worker(path or tmp_path / "state", **more)

    return start


@pytest.fixture(autouse=True)
def _no_internal_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test during which an error was kept from the host."""
    del request
    before = health.internal_errors()
    yield
    assert health.internal_errors() == before
