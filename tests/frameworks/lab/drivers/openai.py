"""OpenAI's client, with openlit and beside another instrumentation; no agent."""

from clients import QUESTION, found, functions, switch, talk
from lab import FAST

PACKAGES = ["openai", "openlit", "openinference-instrumentation-openai"]


def _openlit(lab):
    import openlit

    openlit.init(disable_metrics=True, disable_events=True, pricing_json="/nowhere.json")


INSTRUMENT = {
    "openlit": _openlit,
    "openinference": switch("openinference.instrumentation.openai", "OpenAIInstrumentor"),
}


def run(lab):
    from openai import AsyncOpenAI, OpenAI

    client, aclient = OpenAI(max_retries=0), AsyncOpenAI(max_retries=0)
    messages = [{"role": "user", "content": QUESTION}]
    asked = {"model": FAST, "messages": messages, "tools": functions()}
    usage = {"stream": True, "stream_options": {"include_usage": True}}

    def answered(calls):
        messages.append({"role": "assistant", "content": "", "tool_calls": calls})
        messages.extend(found(calls))
        return bool(calls)

    def calls_of(message):
        return [call.model_dump(exclude={"index"}) for call in message.tool_calls or []]

    def in_chunk(chunk):
        return [call for choice in chunk.choices for call in calls_of(choice.delta)]

    def sync():
        return answered(calls_of(client.chat.completions.create(**asked).choices[0].message))

    async def later():
        completion = await aclient.chat.completions.create(**asked)
        return answered(calls_of(completion.choices[0].message))

    def streamed():
        chunks = client.chat.completions.create(**asked, **usage)
        return answered([call for chunk in chunks for call in in_chunk(chunk)])

    async def streamed_later():
        chunks = await aclient.chat.completions.create(**asked, **usage)
        return answered([call async for chunk in chunks for call in in_chunk(chunk)])

    def responses():
        client.responses.create(model=FAST, input=QUESTION)
        return False

    ways = {
        "async": later,
        "async_streaming": streamed_later,
        "streaming": streamed,
        "responses": responses,
    }
    talk(lab, ways.get(lab.scenario, sync))
