"""Mistral's client, with each of its instrumentations."""

from clients import QUESTION, found, functions, plans_for, switch, talk

PACKAGES = [
    "mistralai",
    "openinference-instrumentation-mistralai",
    "opentelemetry-instrumentation-mistralai",
]
MODEL = "mistral-small-latest"


INSTRUMENT = {
    "openinference": switch("openinference.instrumentation.mistralai", "MistralAIInstrumentor"),
    "traceloop": switch("opentelemetry.instrumentation.mistralai", "MistralAiInstrumentor"),
}


def run(lab):
    try:
        from mistralai.client import Mistral
    except ImportError:
        from mistralai import Mistral

    plans_for(lab, MODEL)
    client = Mistral(api_key="x", server_url=lab.api.root + "/mistral")
    messages = [{"role": "user", "content": QUESTION}]
    asked = {"model": MODEL, "messages": messages, "tools": functions()}

    def answered(calls):
        messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        messages.extend(found(calls))
        return bool(calls)

    def calls_of(message):
        return [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }
            for call in message.tool_calls or []
        ]

    def sync():
        return answered(calls_of(client.chat.complete(**asked).choices[0].message))

    async def later():
        completion = await client.chat.complete_async(**asked)
        return answered(calls_of(completion.choices[0].message))

    def streamed():
        calls = []
        for event in client.chat.stream(**asked):
            calls += calls_of(event.data.choices[0].delta)
        return answered(calls)

    async def streamed_later():
        calls = []
        async for event in await client.chat.stream_async(**asked):
            calls += calls_of(event.data.choices[0].delta)
        return answered(calls)

    ways = {"async": later, "async_streaming": streamed_later, "streaming": streamed}
    talk(lab, ways.get(lab.scenario, sync))
