"""Groq's client, with each of its instrumentations."""

from clients import QUESTION, found, functions, plans_for, switch, talk

PACKAGES = [
    "groq",
    "openinference-instrumentation-groq",
    "opentelemetry-instrumentation-groq",
]
MODEL = "openai/gpt-oss-20b"


INSTRUMENT = {
    "openinference": switch("openinference.instrumentation.groq", "GroqInstrumentor"),
    "traceloop": switch("opentelemetry.instrumentation.groq", "GroqInstrumentor"),
}


def run(lab):
    from groq import AsyncGroq, Groq

    plans_for(lab, MODEL)
    options = {"api_key": "x", "base_url": lab.api.root, "max_retries": 0}
    client, aclient = Groq(**options), AsyncGroq(**options)
    messages = [{"role": "user", "content": QUESTION}]
    asked = {"model": MODEL, "messages": messages, "tools": functions()}

    def answered(calls):
        messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        messages.extend(found(calls))
        return bool(calls)

    def calls_of(message):
        return [call.model_dump(exclude={"index"}) for call in message.tool_calls or []]

    def sync():
        completion = client.chat.completions.create(**asked)
        return answered(calls_of(completion.choices[0].message))

    async def later():
        completion = await aclient.chat.completions.create(**asked)
        return answered(calls_of(completion.choices[0].message))

    def streamed():
        calls = []
        for chunk in client.chat.completions.create(**asked, stream=True):
            calls += calls_of(chunk.choices[0].delta)
        return answered(calls)

    async def streamed_later():
        calls = []
        async for chunk in await aclient.chat.completions.create(**asked, stream=True):
            calls += calls_of(chunk.choices[0].delta)
        return answered(calls)

    ways = {"async": later, "async_streaming": streamed_later, "streaming": streamed}
    talk(lab, ways.get(lab.scenario, sync))
