"""Spans written by hand as a library writes them, through a real provider, and what they count."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, Span, Status, StatusCode, use_span
from prometheus_client.parser import text_string_to_metric_families
from tests.dialects.counted import Counts
from tests.dialects.replay import PUBLISHER, counts

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, Limits

#: What a span with these attributes costs in tokens, in the words of the conventions.
USAGE: Mapping[str, Any] = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 4}


class Program:
    """A provider with the processor on it, of which the publisher alone is known.

    Args:
        scope: Name of the instrumentation scope.
        resource: What the resource says instead.
        clock: Seconds, for the processor.
        limits: For the processor.
    """

    def __init__(
        self,
        scope: str,
        resource: Mapping[str, str] | None = None,
        clock: Callable[[], float] | None = None,
        limits: Limits | None = None,
    ) -> None:
        more: dict[str, Any] = {} if clock is None else {"clock": clock}
        self.processor = AgentMetricsProcessor(hold_seconds=0, limits=limits, **more)
        self.provider = TracerProvider(
            resource=Resource({v.PUBLISHER_ID: PUBLISHER} if resource is None else dict(resource)),
            shutdown_on_exit=False,
        )
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer(scope)

    @contextmanager
    def span(
        self,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        *,
        late: Mapping[str, Any] | None = None,
        status: StatusCode | None = None,
        scope: str | None = None,
        root: bool = False,
        links: Sequence[Span] = (),
        raised: tuple[str, str] | None = None,
    ) -> Generator[Span]:
        """Start a span in the current one and end it afterwards.

        Args:
            name: Its name.
            attributes: Those that it starts with.
            late: Those that it is given before it ends.
            status: Its status.
            scope: Another scope.
            root: Whether it begins a trace of its own.
            links: Spans that it links to.
            raised: Type and message of an exception that is recorded.
        """
        tracer = self.tracer if scope is None else self.provider.get_tracer(scope)
        span = tracer.start_span(
            name,
            Context() if root else None,
            attributes=attributes,
            links=[Link(one.get_span_context()) for one in links],
        )
        with use_span(span, end_on_exit=False, record_exception=False):
            yield span
        span.set_attributes(late or {})
        if raised is not None:
            kind, message = raised
            span.add_event("exception", {"exception.type": kind, "exception.message": message})
        if status is not None:
            span.set_status(Status(status))
        span.end()

    @staticmethod
    @contextmanager
    def within(span: Span) -> Generator[None]:
        """Start what follows in another span than the current one."""
        with use_span(span, end_on_exit=False, record_exception=False):
            yield

    def one(
        self,
        name: str,
        attributes: Mapping[str, Any] | None = None,
        **more: Any,  # noqa: ANN401 - what span() takes
    ) -> None:
        """Start and end a span."""
        with self.span(name, attributes, **more):
            pass

    def counted(self) -> Counts:
        """Scrape."""
        return counts(self.processor)

    def errors(self) -> dict[str, int]:
        """Return the errors of invocations by type."""
        return {labels["error_type"]: n for labels, n in self._series("invocation_errors_total")}

    def models(self) -> dict[tuple[str, str], int]:
        """Return the model calls by model and outcome."""
        return {
            (labels["model"], labels["outcome"]): n
            for labels, n in self._series("inference_calls_total")
        }

    def _series(self, metric: str) -> Iterator[tuple[dict[str, str], int]]:
        for family in text_string_to_metric_families(exposition(self.processor)[0].decode()):
            for sample in family.samples:
                if sample.name == f"marketplace_agent_{metric}" and sample.value:
                    yield sample.labels, int(sample.value)


__all__ = ["USAGE", "Program"]
