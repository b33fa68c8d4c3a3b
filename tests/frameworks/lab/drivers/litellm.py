"""LiteLLM's SDK: its own callback, and each of its instrumentations; no agent."""

import threading
import time

from opentelemetry.sdk.trace import SpanProcessor

from clients import QUESTION, found, functions, switch, talk
from lab import FAST

PACKAGES = [
    "litellm",
    "openinference-instrumentation-litellm",
    "openinference-instrumentation-openai",
    "opentelemetry-instrumentation-litellm",
]


class Told(SpanProcessor):
    """Counts the spans of LiteLLM's own callback, which come from a thread of its own."""

    def __init__(self):
        self.count = 0
        self.more = threading.Condition()

    def on_end(self, span):
        """Count it."""
        if span.name == "litellm_request":
            with self.more:
                self.count += 1
                self.more.notify_all()


TOLD = Told()
CALLBACK = []


def native(lab):
    import litellm

    CALLBACK.append(True)
    lab.provider.add_span_processor(TOLD)
    litellm.callbacks = ["otel"]


INSTRUMENT = {
    "callback": native,
    "openinference": switch("openinference.instrumentation.litellm", "LiteLLMInstrumentor"),
    "oi-sdk": switch("openinference.instrumentation.openai", "OpenAIInstrumentor"),
    "traceloop": switch("opentelemetry.instrumentation.litellm", "LiteLLMInstrumentor"),
}


def run(lab):
    import litellm

    litellm.num_retries = 0
    before = TOLD.count
    messages = [{"role": "user", "content": QUESTION}]
    asked = {
        "model": "openai/" + FAST,
        "messages": messages,
        "tools": functions(),
        "api_base": lab.api.base_url,
        "api_key": "x",
        "max_retries": 0,
    }
    usage = {"stream": True, "stream_options": {"include_usage": True}}

    def answered(message):
        calls = [call.model_dump() for call in message.tool_calls or []]
        messages.append(
            {"role": "assistant", "content": message.content or "", "tool_calls": calls}
            if calls
            else {"role": "assistant", "content": message.content}
        )
        messages.extend(found(calls))
        return bool(calls)

    def sync():
        return answered(litellm.completion(**asked).choices[0].message)

    async def told():
        if CALLBACK:  # what is logged goes the way of the loop, which is about to close
            from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER

            await GLOBAL_LOGGING_WORKER.flush()

    async def later():
        message = (await litellm.acompletion(**asked)).choices[0].message
        await told()
        return answered(message)

    def streamed():
        chunks = list(litellm.completion(**asked, **usage))
        return answered(litellm.stream_chunk_builder(chunks).choices[0].message)

    async def streamed_later():
        chunks = [chunk async for chunk in await litellm.acompletion(**asked, **usage)]
        await told()
        return answered(litellm.stream_chunk_builder(chunks).choices[0].message)

    ways = {"async": later, "async_streaming": streamed_later, "streaming": streamed}
    talk(lab, ways.get(lab.scenario, sync))
    if CALLBACK:
        with TOLD.more:
            TOLD.more.wait_for(lambda: TOLD.count - before >= len(lab.api.calls), 5)
        time.sleep(0.2)  # what more it may say of the same call
