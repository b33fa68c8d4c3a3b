"""An agent and an MCP server in one process; writes what was counted."""

import asyncio
import logging
import sys
from typing import Any

from mcp.client import Client
from mcp.server.mcpserver import MCPServer

from agent_analytics.exporters import configure, exposition
from agent_analytics.instrumentation import agent, tool
from tests.mcp.server import WRAPPERS, broken, search


async def talk(server: MCPServer, ask: Any) -> None:
    """Call over the client of MCP, from within a tool of another name prefix or from none."""
    async with Client(server) as client:

        async def call(name: str) -> Any:
            return await client.call_tool(name, {"query": "q"})

        @agent(publisher_id="acme", agent_id="finder")
        async def find() -> None:
            if ask == "tool":
                await asyncio.gather(
                    *[tool(name="atlas_search")(call)("search") for _ in range(20)]
                )
                await tool(name="atlas_broken")(call)("broken")
            else:
                await asyncio.gather(*[call("search") for _ in range(20)])
                await call("broken")

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
    for function in (search, broken):
        server.tool(name=function.__name__)(WRAPPERS[wrapped](function))
    asyncio.run(run_framework(server) if caller == "framework" else talk(server, caller))
    sys.stdout.write(exposition(runtime.processor)[0].decode())


if __name__ == "__main__":
    main()
