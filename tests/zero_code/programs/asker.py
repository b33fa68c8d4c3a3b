"""Asks a model through OpenAI's client, once plainly and once streamed; no agent anywhere."""

import json
import sys

from openai import OpenAI
from openai.types.chat import ChatCompletionUserMessageParam

client = OpenAI()
MODEL = "gpt-4o-mini"
question: ChatCompletionUserMessageParam = {"role": "user", "content": "Where is the station?"}
client.chat.completions.create(model=MODEL, messages=[question])
for _ in client.chat.completions.create(
    model=MODEL, messages=[question], stream=True, stream_options={"include_usage": True}
):
    pass

sys.stdout.write(json.dumps({"calls": 2}) + "\n")
sys.stdout.flush()
sys.stdin.read()
