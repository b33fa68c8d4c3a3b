"""One small marketplace whose every number, id and time is fixed, and its scrapes."""

import re
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as official
from prometheus_client.openmetrics import parser as openmetrics

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor

Attributes = Mapping[str, Any]
#: What depends on the process and the time of day: the value is left out of comparisons.
MOVING = re.compile(
    r"^(agent_analytics_(?:last_span_timestamp_seconds|internal_errors_total"
    r"|unrecorded_invocations_total)) .*$",
    re.MULTILINE,
)
START = 1_700_000_000 * 10**9
MS = 1_000_000


class Counted(IdGenerator):
    """Ids one after the other."""

    def __init__(self) -> None:
        self._traces = count(0xA0)
        self._spans = count(0xB0)

    def generate_trace_id(self) -> int:
        """Return the next trace id."""
        return next(self._traces)

    def generate_span_id(self) -> int:
        """Return the next span id."""
        return next(self._spans)


class Market:
    """A processor that holds nothing back, and spans of fixed times."""

    def __init__(self) -> None:
        self.processor = AgentMetricsProcessor(
            0, take_rate="0.15", tenant_key="key", wall_clock=lambda: START / 10**9
        )
        provider = TracerProvider(
            id_generator=Counted(), resource=Resource({}), shutdown_on_exit=False
        )
        provider.add_span_processor(self.processor)
        self._tracer = provider.get_tracer("market")

    def begin(self, attributes: Attributes, parent: Span | None = None) -> Span:
        """Start a span."""
        context = None if parent is None else set_span_in_context(parent)
        return self._tracer.start_span("span", context, attributes=attributes, start_time=START)

    def end(self, span: Span, milliseconds: int, *, failed: bool = False) -> None:
        """End a span so long after it started."""
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(START + milliseconds * MS)

    def run(
        self,
        attributes: Attributes,
        milliseconds: int = 0,
        parent: Span | None = None,
        *,
        failed: bool = False,
    ) -> None:
        """Run a span with nothing in it."""
        self.end(self.begin(attributes, parent), milliseconds, failed=failed)

    def everything(self, publisher: str = "acme", agent: str = "finder") -> None:
        """Let everything happen that makes a series."""
        owner = {v.PUBLISHER_ID: publisher, v.AGENT_ID: agent}
        invocation: dict[str, Any] = {
            v.OPERATION_NAME: v.INVOKE_AGENT,
            v.AGENT_NAME: "Finder",
            v.AGENT_VERSION: "1.0",
            v.TENANT_ID: "t-1",
            v.CONVERSATION_ID: "c-1",
            v.TIME_TO_FIRST_CHUNK: 0.2,
            v.REVENUE_USD: "0.05",
            v.REFUND_USD: "0.01",
            **owner,
        }
        model: dict[str, Any] = {
            v.OPERATION_NAME: v.CHAT,
            v.REQUEST_MODEL: "m-1",
            v.INPUT_TOKENS: 100,
            v.OUTPUT_TOKENS: 20,
            v.CACHED_INPUT_TOKENS: 60,
            v.REASONING_TOKENS: 5,
        }
        tool = {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "search"}
        returned: list[dict[str, Any]] = [
            {v.TOOL_RESULT_BYTES: 1_000},
            {v.TOOL_RESULT_BYTES: 64_001, v.TOOL_REPEATED: True},
            {},
        ]
        for told, (milliseconds, failed) in zip(
            returned, ((250, False), (10_000, False), (10_001, True)), strict=True
        ):
            span = self.begin(invocation, None)
            self.run({**tool, **told}, 30, span, failed=failed)
            self.run({**model, v.COST_USD: "0.002"}, 40, span)
            self.run(model, 40, span)
            if failed:  # more was cached than sent, which cannot be
                self.run({**model, v.INPUT_TOKENS: 1, v.CACHED_INPUT_TOKENS: 2}, 40, span)
            self.end(span, milliseconds, failed=failed)
        self.run({v.EVENT: "install", v.EVENT_ID: "e-1", **owner})
        self.run({v.EVENT: "install", v.EVENT_ID: "e-1", **owner})
        self.run({v.EVENT: "uninstall", **owner})
        self.run({v.EVENT: "feedback", v.FEEDBACK_RATING: 4, **owner})
        score: dict[str, Any] = {v.EVALUATION_NAME: "helpful", v.EVALUATION_SCORE: 0.35}
        self.run({v.EVENT: "evaluation", **score, **owner})
        self.run({v.EVENT: "evaluation", v.EVALUATION_NAME: "x", v.EVALUATION_SCORE: 7, **owner})
        self.run({v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "nobody's"})

    def text(self, accept: str = "text/plain", part: str = "metrics") -> str:
        """Return a scrape."""
        return exposition(self.processor, accept, part)[0].decode()


def parse_openmetrics(text: str) -> list[Family]:
    """Parse OpenMetrics with the official parser, which has no annotations."""
    return list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]  # theirs


def of_registry(processor: AgentMetricsProcessor, *, form: str) -> str:
    """Return the text that a registry renders with the processor in it."""
    registry = CollectorRegistry()
    registry.register(processor)
    rendered = generate_latest(registry)
    if form == "openmetrics":
        untyped: Any = official
        rendered = untyped.generate_latest(registry)
    return rendered.decode()


def still(text: str) -> str:
    """Return a scrape without the values that differ between runs."""
    return MOVING.sub(r"\1 MOVING", text)


@pytest.fixture
def market() -> Market:
    """Return a market in which everything has happened once."""
    made = Market()
    made.everything()
    return made


@pytest.fixture
def make_market() -> Callable[[], Market]:
    """Return what makes a market in which nothing has happened."""
    return Market
