"""An agent and an MCP server in one process; writes what was counted."""

import asyncio
import logging
import sys
from typing import Any

from mcp.client import Client
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from tests.mcp import server as functions

from agent_analytics.exporters import configure, exposition
from agent_analytics.instrumentation import agent, tool


async def talk(server: MCPServer, caller: str) -> None:
    """Call over the client of MCP, from within a tool with a longer name or from none."""
    async with Client(server) as client:

        async def search() -> CallToolResult:
            return await client.call_tool("search", {"query": "q"})

        async def broken() -> CallToolResult:
            return await client.call_tool("broken", {"query": "q"})

        if caller == "tool":
            search, broken = tool(name="atlas_search")(search), tool(name="atlas_broken")(broken)

        @agent(publisher_id="acme", agent_id="finder")
        async def find() -> None:
            await asyncio.gather(*[search() for _ in range(20)])
            await broken()

        await find()


async def run_framework(server: MCPServer) -> None:
    """Let a framework's agent call all of them at the same time."""
    from tests.mcp.framework import by_pydantic_ai  # noqa: PLC0415 - takes two seconds

    async def stay(_plan: dict[str, Any], _outcomes: list[str]) -> None:
        await asyncio.sleep(0)

    calls = ["search"] * 20 + ["broken"]
    await by_pydantic_ai({"url": server, "calls": calls, "together": True}, stay)


def main() -> None:
    """Run."""
    caller, wrapped = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    runtime = configure("alone", metrics_port=None, hold_seconds=0, tenant_key="k")
    server = MCPServer("atlas")
    for function in (functions.search, functions.broken):
        server.tool(name=function.__name__)(functions.WRAPPERS[wrapped](function))
    asyncio.run(run_framework(server) if caller == "framework" else talk(server, caller))
    sys.stdout.write(exposition(runtime.processor)[0].decode())


if __name__ == "__main__":
    main()
