"""Anthropic's client, with each of its instrumentations; no agent, no framework."""

from clients import FOUND, QUESTION, TOOLS, plans_for, switch, talk

PACKAGES = [
    "anthropic",
    "openinference-instrumentation-anthropic",
    "opentelemetry-instrumentation-anthropic",
    "opentelemetry-instrumentation-genai-anthropic",
]
MODEL = "claude-haiku-4-5"


def native(lab):
    pass


INSTRUMENT = {
    "openinference": switch("openinference.instrumentation.anthropic", "AnthropicInstrumentor"),
    "traceloop": switch("opentelemetry.instrumentation.anthropic", "AnthropicInstrumentor"),
    "otel-genai": switch("opentelemetry.instrumentation.genai.anthropic", "AnthropicInstrumentor"),
}


def run(lab):
    from anthropic import Anthropic, AsyncAnthropic

    plans_for(lab, MODEL)
    options = {"api_key": "x", "base_url": lab.api.root, "max_retries": 0}
    client, aclient = Anthropic(**options), AsyncAnthropic(**options)
    messages = [{"role": "user", "content": QUESTION}]
    asked = {
        "model": MODEL,
        "max_tokens": 100,
        "messages": messages,
        "tools": [{"name": name, "input_schema": schema} for name, schema in TOOLS.items()],
    }

    def answered(blocks):
        calls = [block for block in blocks if block["type"] == "tool_use"]
        messages.append({"role": "assistant", "content": blocks})
        messages.append(
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": call["id"], "content": FOUND}
                    for call in calls
                ],
            }
        )
        return bool(calls)

    def plain(message):
        kept = ("type", "id", "name", "input", "text")
        blocks = [block.model_dump() for block in message.content]
        return [{k: v for k, v in block.items() if k in kept and v is not None} for block in blocks]

    class Pieces:
        """Puts the events of a stream together."""

        def __init__(self):
            self.blocks = []

        def add(self, event):
            if event.type == "content_block_start":
                self.blocks += plain(type("Message", (), {"content": [event.content_block]}))
            elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                self.blocks[-1]["text"] += event.delta.text

    def sync():
        return answered(plain(client.messages.create(**asked)))

    async def later():
        return answered(plain(await aclient.messages.create(**asked)))

    def streamed():
        pieces = Pieces()
        for event in client.messages.create(**asked, stream=True):
            pieces.add(event)
        return answered(pieces.blocks)

    async def streamed_later():
        pieces = Pieces()
        async for event in await aclient.messages.create(**asked, stream=True):
            pieces.add(event)
        return answered(pieces.blocks)

    def helper():
        with client.messages.stream(**asked) as stream:
            for _ in stream.text_stream:
                pass
            return answered(plain(stream.get_final_message()))

    def beta():
        return answered(plain(client.beta.messages.create(**asked)))

    def raw():
        return answered(plain(client.messages.with_raw_response.create(**asked).parse()))

    def no_call():
        client.messages.count_tokens(**{k: v for k, v in asked.items() if k != "max_tokens"})
        return sync()

    ways = {
        "async": later,
        "async_streaming": streamed_later,
        "streaming": streamed,
        "stream_helper": helper,
        "beta": beta,
        "raw": raw,
        "no_call": no_call,
    }
    talk(lab, ways.get(lab.scenario, sync))
