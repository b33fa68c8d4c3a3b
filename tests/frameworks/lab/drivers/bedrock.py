"""boto3's client of Bedrock's runtime, with each of its instrumentations."""

import json

from clients import FOUND, QUESTION, TOOLS, plans_for, switch, talk

PACKAGES = [
    "boto3",
    "openinference-instrumentation-bedrock",
    "opentelemetry-instrumentation-bedrock",
    "opentelemetry-instrumentation-botocore",
    "opentelemetry-instrumentation-genai-bedrock",
]
MODEL = "anthropic.claude-3-5-haiku-20241022-v1:0"


INSTRUMENT = {
    "openinference": switch("openinference.instrumentation.bedrock", "BedrockInstrumentor"),
    "traceloop": switch("opentelemetry.instrumentation.bedrock", "BedrockInstrumentor"),
    "otel-genai": switch("opentelemetry.instrumentation.genai.bedrock", "BedrockInstrumentor"),
    "botocore": switch("opentelemetry.instrumentation.botocore", "BotocoreInstrumentor"),
}


def run(lab):
    import boto3
    from botocore.config import Config

    plans_for(lab, MODEL)
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=lab.api.root,
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    specs = [
        {"toolSpec": {"name": name, "inputSchema": {"json": schema}}}
        for name, schema in TOOLS.items()
    ]
    messages = [{"role": "user", "content": [{"text": QUESTION}]}]
    asked = {"modelId": MODEL, "messages": messages, "toolConfig": {"tools": specs}}

    def answered(content):
        calls = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]
        results = [
            {"toolResult": {"toolUseId": one, "content": [{"text": FOUND}]}} for one in calls
        ]
        messages.append({"role": "assistant", "content": content})
        messages.append({"role": "user", "content": results})
        return bool(calls)

    def converse():
        return answered(client.converse(**asked)["output"]["message"]["content"])

    def converse_streamed():
        content = []
        for event in client.converse_stream(**asked)["stream"]:
            if "contentBlockStart" in event:
                started = event["contentBlockStart"]["start"]["toolUse"]
                # A copy: an instrumentation may hold the event too.
                content.append({"toolUse": {**started, "input": {}}})
        return answered(content or [{"text": "4"}])

    def body():
        tools = [{"name": name, "input_schema": schema} for name, schema in TOOLS.items()]
        return json.dumps(
            {
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 100,
                "messages": messages,
                "tools": tools,
            }
        )

    def invoked(blocks):
        calls = [block["id"] for block in blocks if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": one, "content": FOUND} for one in calls]
        messages.append({"role": "assistant", "content": blocks})
        messages.append({"role": "user", "content": results})
        return bool(calls)

    def invoke():
        answer = client.invoke_model(modelId=MODEL, body=body(), contentType="application/json")
        return invoked(json.loads(answer["body"].read())["content"])

    def invoke_streamed():
        answer = client.invoke_model_with_response_stream(modelId=MODEL, body=body())
        events = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
        starts = [one for one in events if one["type"] == "content_block_start"]
        return invoked([one["content_block"] for one in starts])

    if lab.scenario.startswith("invoke"):
        messages[0]["content"] = QUESTION
    ways = {
        "streaming": converse_streamed,
        "invoke": invoke,
        "invoke_streaming": invoke_streamed,
    }
    talk(lab, ways.get(lab.scenario, converse))
