"""An agent in a process of its own that calls tools of an MCP server.

Does what its argument, a plan in JSON, says; then writes one line of JSON (where its metrics are,
what came of each call) and stays until its input ends.
"""

import asyncio
import json
import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mcp.client import Client, session
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import REQUEST_TIMEOUT, CallToolResult
from tests.patience import patience, wait_for

from agent_analytics.exporters import configure
from agent_analytics.instrumentation import agent, tool


async def call(client: Client, name: str, plan: dict[str, Any]) -> str:
    """Call a tool by its name and say what came of it.

    A call that is cancelled has begun in the server by then: it writes that down. One that times
    out is given more time than a server needs that has already answered others.
    """
    name, _, ending = name.partition(":")
    wait = patience(1.0) if ending == "timeout" else None
    begun = Path(plan["begun"])
    before = lines(begun)

    async def ask() -> CallToolResult:
        return await client.call_tool(name, {"query": "q"}, read_timeout_seconds=wait)

    task = asyncio.create_task((tool(name=name)(ask) if plan.get("wrapped") else ask)())
    if ending == "cancelled":
        await asyncio.to_thread(wait_for, lambda: lines(begun) > before, "the call begins")
        task.cancel()
    try:
        result = await task
    except asyncio.CancelledError:
        return "cancelled"
    except MCPError as error:
        return "timeout" if error.error.code == REQUEST_TIMEOUT else "refused"
    return "is_error" if result.is_error else "ok"


def lines(file: Path) -> int:
    """Return how many lines a file has, which may not be there yet."""
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


async def call_all(client: Client, plan: dict[str, Any]) -> list[str]:
    """Call all tools of a plan, one after the other or at the same time."""
    calls = [call(client, name, plan) for name in plan["calls"]]
    if plan.get("together"):
        return list(await asyncio.gather(*calls))
    return [await each for each in calls]


@agent(publisher_id="acme", agent_id="finder")
async def find(client: Client, plan: dict[str, Any]) -> list[str]:
    """Be an agent by the decorator."""
    return await call_all(client, plan)


async def run(plan: dict[str, Any]) -> None:
    """Do what a plan says."""
    if plan["agent"] == "pydantic-ai":
        from tests.mcp.framework import by_pydantic_ai  # noqa: PLC0415 - takes two seconds

        await by_pydantic_ai(plan, stay)
        return
    if "url" in plan:
        transport: Any = streamable_http_client(plan["url"])
    else:
        command, *arguments = plan["command"]
        transport = stdio_client(
            StdioServerParameters(command=command, args=arguments, env=plan["env"])
        )
    async with Client(transport) as client:
        does = find if plan["agent"] == "decorated" else call_all
        await stay(plan, await does(client, plan))


async def stay(plan: dict[str, Any], outcomes: list[str]) -> None:
    """Say how it went and wait: a server over stdio lives no longer than its client."""
    sys.stdout.write(json.dumps({"metrics": plan["metrics"], "outcomes": outcomes}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


def main() -> None:
    """Run."""
    plan: dict[str, Any] = json.loads(sys.argv[1])
    logging.disable(logging.CRITICAL)
    # A server over stdio is started then; after this the client would take it for an older one.
    session.DISCOVER_TIMEOUT_SECONDS = patience()
    if plan.get("instrumented"):
        from openinference.instrumentation.mcp import MCPInstrumentor  # noqa: PLC0415 - may lack

        MCPInstrumentor().instrument()
    runtime: Any = nullcontext()
    if plan.get("counted", True):
        runtime = configure(
            "agent",
            metrics_port=0,
            hold_seconds=0,
            tenant_key="k",
            propagate_identity=plan.get("identity", False),
        )
    plan["metrics"] = getattr(runtime, "metrics_port", None)
    with runtime:
        asyncio.run(run(plan))


if __name__ == "__main__":
    main()
