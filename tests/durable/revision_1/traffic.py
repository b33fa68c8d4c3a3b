"""Traffic that means the same to every revision of the rules of counting, over a state directory.

``traffic.py count DIRECTORY`` lets two workers count it once into a state directory, and
``traffic.py show DIRECTORY`` only opens the directory; both then print what a scrape shows.

``state.tar.gz`` and ``metrics.txt`` beside this file were written by release c2f417d, the last one
of revision 1: ``git archive c2f417d`` unpacked into ``$OLD``, then in this directory::

    PYTHONPATH=$OLD/instrumentation:$OLD/processor:$OLD/exporters \
        python traffic.py count state >metrics.txt
    tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -czf state.tar.gz state
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor

Attributes = Mapping[str, Any]

NOW = 1_700_000_000.0
START = int(NOW) * 10**9
OWNER = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
INVOCATION: Attributes = {
    v.OPERATION_NAME: v.INVOKE_AGENT,
    v.AGENT_NAME: "Finder",
    v.AGENT_VERSION: "1.0",
    v.TENANT_ID: "t-1",
    v.CONVERSATION_ID: "c-1",
    v.TIME_TO_FIRST_CHUNK: 0.2,
    v.REVENUE_USD: "0.05",
    v.REFUND_USD: "0.01",
    **OWNER,
}
MODEL: Attributes = {
    v.OPERATION_NAME: v.CHAT,
    v.REQUEST_MODEL: "m-1",
    v.INPUT_TOKENS: 100,
    v.OUTPUT_TOKENS: 20,
    v.CACHED_INPUT_TOKENS: 60,
    v.REASONING_TOKENS: 5,
}
TOOL: Attributes = {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "search"}


def worker(directory: Path) -> tuple[AgentMetricsProcessor, Tracer]:
    """Return the processor of a worker with a clock that stands still, and what starts spans."""
    processor = AgentMetricsProcessor(
        0.0, directory, tenant_key="key", wall_clock=lambda: NOW, clock=lambda: NOW
    )
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return processor, provider.get_tracer("traffic")


def run(
    tracer: Tracer,
    attributes: Attributes,
    milliseconds: int,
    parent: Span | None = None,
    error: str = "",
) -> None:
    """Run a span that ends so long after it started."""
    context = None if parent is None else set_span_in_context(parent)
    span = tracer.start_span("span", context, attributes=attributes, start_time=START)
    end(span, milliseconds, error)


def end(span: Span, milliseconds: int, error: str = "") -> None:
    """End a span so long after it started, with an error where one is named."""
    if error:
        span.set_attribute(v.ERROR_TYPE, error)
        span.set_status(Status(StatusCode.ERROR))
    span.end(START + milliseconds * 10**6)


def count(tracer: Tracer, event_ids: str) -> None:
    """Let everything happen once that makes a series, with ids of events of one's own."""
    for milliseconds, error in ((250, ""), (10_000, ""), (10_001, "ValueError")):
        span = tracer.start_span("span", attributes=INVOCATION, start_time=START)
        run(tracer, TOOL, 30, span, error)
        run(tracer, {**MODEL, v.COST_USD: "0.002"}, 40, span)
        run(tracer, MODEL, 40, span)
        end(span, milliseconds, error)
    run(tracer, {v.EVENT: v.EVENT_INSTALL, v.EVENT_ID: event_ids, **OWNER}, 0)
    run(tracer, {v.EVENT: v.EVENT_INSTALL, v.EVENT_ID: event_ids, **OWNER}, 0)
    run(tracer, {v.EVENT: v.EVENT_INSTALL, **OWNER}, 0)
    run(tracer, {v.EVENT: v.EVENT_UNINSTALL, **OWNER}, 0)
    run(tracer, {v.EVENT: v.EVENT_FEEDBACK, v.FEEDBACK_RATING: 4, **OWNER}, 0)
    run(tracer, {v.EVENT: v.EVENT_FEEDBACK, v.FEEDBACK_RATING: 9, **OWNER}, 0)
    score = {v.EVALUATION_NAME: "helpful", v.EVALUATION_SCORE: 0.35}
    run(tracer, {v.EVENT: v.EVENT_EVALUATION, **score, **OWNER}, 0)
    run(tracer, {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "nobody's"}, 0)


def main() -> None:
    """Count into a state directory, or only open it, and print what a scrape shows."""
    verb, directory = sys.argv[1], Path(sys.argv[2])
    processor, tracer = worker(directory)
    if verb == "count":
        count(tracer, "first")
        _, of_another = worker(directory)
        count(of_another, "second")
    for part in ("metrics", "sketches"):
        sys.stdout.write(exposition(processor, part=part)[0].decode())


if __name__ == "__main__":
    main()
