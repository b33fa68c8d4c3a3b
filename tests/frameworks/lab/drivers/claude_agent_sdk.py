"""claude-agent-sdk: the program that it starts is a stand-in (`claude_cli.py`)."""

import asyncio
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import claude_cli
from clients import plans_for, switch
from model_api import ARGUMENTS

PACKAGES = ["claude-agent-sdk", "openinference-instrumentation-claude-agent-sdk"]


INSTRUMENT = {
    "openinference": switch(
        "openinference.instrumentation.claude_agent_sdk", "ClaudeAgentSDKInstrumentor"
    ),
}


def _program():
    path = Path(tempfile.mkdtemp()) / "claude"
    start = f"import runpy; runpy.run_path({claude_cli.__file__!r}, run_name='__main__')"
    path.write_text(f"#!{sys.executable}\n{start}\n")
    path.chmod(0o755)
    return path


def run(lab):
    import claude_agent_sdk as sdk

    plans_for(lab, claude_cli.MODEL)
    lab.api.plans = {
        claude_cli.MODEL: [
            turn if turn == "error" else [claude_cli.PREFIX + name for name in turn]
            for turn in lab.api.plans[claude_cli.MODEL]
        ]
    }
    for name in ("search", "calculator"):
        ARGUMENTS[claude_cli.PREFIX + name] = ARGUMENTS[name]
    os.environ["ANTHROPIC_BASE_URL"] = lab.api.root

    @sdk.tool("search", "Search.", {"query": str})
    async def search(arguments):
        return {"content": [{"type": "text", "text": lab.search("x")}]}

    @sdk.tool("calculator", "Calculate.", {"expression": str})
    async def calculator(arguments):
        return {"content": [{"type": "text", "text": lab.calculator("x")}]}

    options = sdk.ClaudeAgentOptions(
        cli_path=_program(),
        mcp_servers={
            claude_cli.SERVER: sdk.create_sdk_mcp_server(
                claude_cli.SERVER, tools=[search, calculator]
            )
        },
    )

    async def query():
        failed = ""
        async for message in sdk.query(prompt="what is 2+2?", options=options):
            if isinstance(message, sdk.ResultMessage) and message.is_error:
                failed = message.result
        if failed:
            raise RuntimeError(failed)

    async def client():
        async with sdk.ClaudeSDKClient(options) as talking:
            await talking.query("what is 2+2?")
            async for _ in talking.receive_response():
                pass

    go = client if lab.scenario == "chat" else query
    lab.also_named.append("ClaudeAgentSDK.ClaudeSDKClient.receive_response")
    lab.attempt("ClaudeAgentSDK.query", lambda: asyncio.run(go()))
    lab.tools = Counter(
        {(claude_cli.PREFIX + name, outcome): n for (name, outcome), n in lab.tools.items()}
    )
