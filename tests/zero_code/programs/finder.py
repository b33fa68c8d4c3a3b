"""An agent of pydantic-ai, with tools, that asks OpenAI's API, and counts what it does itself."""

import json
import os
import sys
from collections import Counter

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

done: Counter[str] = Counter()
finder = Agent(OpenAIChatModel("gpt-4o-mini"), name="finder")


@finder.tool_plain
def search(query: str) -> str:
    """Search."""
    done["search"] += 1
    return os.environ.get("SECRET_RESULT", f"found {query}")


@finder.tool_plain
def calculator(expression: str) -> str:
    """Calculate."""
    done["calculator"] += 1
    return str(len(expression))


for _ in range(int(os.environ.get("RUNS", "2"))):
    finder.run_sync(os.environ.get("SECRET_PROMPT", "Where is the station?"))
    done["runs"] += 1

sys.stdout.write(json.dumps(done) + "\n")
sys.stdout.flush()
sys.stdin.read()
