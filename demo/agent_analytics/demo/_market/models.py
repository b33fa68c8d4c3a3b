"""A model client that emits GenAI spans by itself, as instrumented client libraries do.

Listings of the framework style call it; nothing in it knows of the marketplace, except that it
puts the price of a call on its span where it knows one.
"""

import asyncio
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from agent_analytics.demo._market.market import Usage
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.money import usd_text

_tracer: Final = trace.get_tracer("demo-model-client")


async def chat(usage: Usage, seconds: float) -> str:
    """Call a model: wait ``seconds``, spend ``usage``, answer.

    Raises:
        asyncio.CancelledError: The caller went away; the span says so.
    """
    with _tracer.start_as_current_span(
        f"{v.CHAT} {usage.model}",
        kind=SpanKind.CLIENT,
        attributes={v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: usage.model},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            span.set_attribute(v.ERROR_TYPE, "asyncio.CancelledError")
            span.set_status(Status(StatusCode.ERROR))
            raise
        span.set_attributes(
            {
                v.RESPONSE_MODEL: usage.model,
                v.INPUT_TOKENS: usage.input,
                v.OUTPUT_TOKENS: usage.output,
            }
        )
        if usage.cached:
            span.set_attribute(v.CACHED_INPUT_TOKENS, usage.cached)
        if usage.reasoning:
            span.set_attribute(v.REASONING_TOKENS, usage.reasoning)
        if usage.cost is not None:
            span.set_attribute(v.COST_USD, usd_text(usage.cost))
    return "…"
