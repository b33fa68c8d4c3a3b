"""Ollama's client, with each of its instrumentations."""

from clients import FOUND, QUESTION, functions, plans_for, switch, talk

PACKAGES = [
    "ollama",
    "openinference-instrumentation-ollama",
    "opentelemetry-instrumentation-ollama",
]
MODEL = "llama3.2"


INSTRUMENT = {
    "openinference": switch("openinference.instrumentation.ollama", "OllamaInstrumentor"),
    "traceloop": switch("opentelemetry.instrumentation.ollama", "OllamaInstrumentor"),
}


def run(lab):
    import ollama

    plans_for(lab, MODEL)
    client, aclient = ollama.Client(host=lab.api.root), ollama.AsyncClient(host=lab.api.root)
    messages = [{"role": "user", "content": QUESTION}]
    asked = {"model": MODEL, "messages": messages, "tools": functions()}

    def answered(calls):
        messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        messages.extend(
            {"role": "tool", "tool_name": call["function"]["name"], "content": FOUND}
            for call in calls
        )
        return bool(calls)

    def calls_of(response):
        return [call.model_dump() for call in response.message.tool_calls or []]

    def sync():
        return answered(calls_of(client.chat(**asked)))

    async def later():
        return answered(calls_of(await aclient.chat(**asked)))

    def streamed():
        chunks = client.chat(**asked, stream=True)
        return answered([call for chunk in chunks for call in calls_of(chunk)])

    async def streamed_later():
        chunks = await aclient.chat(**asked, stream=True)
        return answered([call async for chunk in chunks for call in calls_of(chunk)])

    ways = {"async": later, "async_streaming": streamed_later, "streaming": streamed}
    talk(lab, ways.get(lab.scenario, sync))
