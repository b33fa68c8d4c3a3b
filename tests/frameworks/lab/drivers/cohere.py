"""Cohere's client, with each of its instrumentations."""

from clients import QUESTION, found, functions, plans_for, switch, talk

PACKAGES = [
    "cohere",
    "openinference-instrumentation-cohere",
    "opentelemetry-instrumentation-cohere",
]
MODEL = "command-r-plus-08-2024"


INSTRUMENT = {
    "openinference": switch("openinference.instrumentation.cohere", "CohereInstrumentor"),
    "traceloop": switch("opentelemetry.instrumentation.cohere", "CohereInstrumentor"),
}


def run(lab):
    import cohere

    plans_for(lab, MODEL)
    options = {"api_key": "x", "base_url": lab.api.root}
    client, aclient = cohere.ClientV2(**options), cohere.AsyncClientV2(**options)
    messages = [{"role": "user", "content": QUESTION}]
    asked = {
        "model": MODEL,
        "messages": messages,
        "tools": functions(),
        "request_options": {"max_retries": 0},
    }

    def answered(calls):
        messages.append({"role": "assistant", "tool_calls": calls, "tool_plan": "I will."})
        messages.extend(found(calls))
        return bool(calls)

    def calls_of(message):
        return [call.model_dump() for call in message.tool_calls or []]

    def sync():
        return answered(calls_of(client.chat(**asked).message))

    async def later():
        return answered(calls_of((await aclient.chat(**asked)).message))

    def call_in(event):
        one = event.type == "tool-call-start"
        return [event.delta.message.tool_calls.model_dump()] if one else []

    def streamed():
        return answered([one for event in client.chat_stream(**asked) for one in call_in(event)])

    async def streamed_later():
        events = aclient.chat_stream(**asked)
        return answered([one async for event in events for one in call_in(event)])

    ways = {"async": later, "async_streaming": streamed_later, "streaming": streamed}
    talk(lab, ways.get(lab.scenario, sync))
