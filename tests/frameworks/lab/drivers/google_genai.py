"""Google's genai client, with each of its instrumentations."""

from clients import FOUND, QUESTION, TOOLS, plans_for, switch, talk

PACKAGES = [
    "google-genai",
    "openinference-instrumentation-google-genai",
    "opentelemetry-instrumentation-google-genai",
    "opentelemetry-instrumentation-google-generativeai",
]
MODEL = "gemini-2.5-flash"


INSTRUMENT = {
    "openinference": switch(
        "openinference.instrumentation.google_genai", "GoogleGenAIInstrumentor"
    ),
    "traceloop": switch(
        "opentelemetry.instrumentation.google_generativeai", "GoogleGenerativeAiInstrumentor"
    ),
    "otel-genai": switch(
        "opentelemetry.instrumentation.google_genai", "GoogleGenAiSdkInstrumentor"
    ),
}


def run(lab):
    from google import genai
    from google.genai import types

    plans_for(lab, MODEL)
    client = genai.Client(
        api_key="x",
        http_options=types.HttpOptions(
            base_url=lab.api.root, retry_options=types.HttpRetryOptions(attempts=1)
        ),
    )
    declared = types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name=name, parameters_json_schema=schema)
            for name, schema in TOOLS.items()
        ]
    )
    tools = [declared]
    if lab.scenario == "server_tools":
        tools.append(types.Tool(google_search=types.GoogleSearch()))
    contents = [types.Content(role="user", parts=[types.Part(text=QUESTION)])]
    asked = {
        "model": MODEL,
        "contents": contents,
        "config": types.GenerateContentConfig(tools=tools),
    }

    def answered(parts):
        calls = [part.function_call.name for part in parts if part.function_call]
        contents.append(types.Content(role="model", parts=parts))
        results = [
            types.Part.from_function_response(name=name, response={"result": FOUND})
            for name in calls
        ]
        contents.append(types.Content(role="user", parts=results))
        return bool(calls)

    def parts_of(response):
        return response.candidates[0].content.parts

    def sync():
        return answered(parts_of(client.models.generate_content(**asked)))

    async def later():
        return answered(parts_of(await client.aio.models.generate_content(**asked)))

    def streamed():
        chunks = client.models.generate_content_stream(**asked)
        return answered([part for chunk in chunks for part in parts_of(chunk)])

    async def streamed_later():
        chunks = await client.aio.models.generate_content_stream(**asked)
        return answered([part async for chunk in chunks for part in parts_of(chunk)])

    def no_call():
        client.models.count_tokens(model=MODEL, contents=contents)
        return sync()

    def by_itself():
        config = types.GenerateContentConfig(tools=[lab.search, lab.calculator])
        client.models.generate_content(model=MODEL, contents=QUESTION, config=config)

    def chat():
        config = types.GenerateContentConfig(tools=[declared])
        talking = client.chats.create(model=MODEL, config=config)
        message = QUESTION
        while True:
            parts = parts_of(talking.send_message(message))
            calls = [part.function_call.name for part in parts if part.function_call]
            if not calls:
                return
            message = [
                types.Part.from_function_response(name=name, response={"result": FOUND})
                for name in calls
            ]

    ways = {
        "async": later,
        "async_streaming": streamed_later,
        "streaming": streamed,
        "no_call": no_call,
        "auto_tools": by_itself,
        "chat": chat,
    }
    talk(lab, ways.get(lab.scenario, sync))
