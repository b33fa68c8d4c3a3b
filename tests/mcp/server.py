"""An MCP server in a process of its own, with metrics of its own.

Writes where they are, as JSON on one line, to the file that ``--ready`` names; and a line for each
call that has begun and will not end to the file that ``--begun`` names.
"""

import argparse
import asyncio
import json
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError

from agent_analytics.exporters import configure
from agent_analytics.instrumentation import agent, tool

if TYPE_CHECKING:
    from fastmcp import FastMCP


#: Where calls of `slow` are written down.
BEGUN: list[Path] = []


def search(query: str) -> str:
    """Answer."""
    return f"about {query}"


def broken(query: str) -> str:
    """Return a failure as data."""
    raise RuntimeError(query)


def refuse(query: str) -> str:
    """Fail in the protocol."""
    raise MCPError(code=-32050, message=query)


async def slow(query: str) -> str:
    """Say that the call has begun, and never answer."""
    with BEGUN[0].open("a", encoding="utf-8") as begun:
        begun.write(f"{query}\n")
    await asyncio.Event().wait()
    return query


async def relay(query: str) -> str:
    """Be a tool that uses another, here in the server."""
    return await tool(name="look_up")(_look_up)(query)


async def _look_up(query: str) -> str:
    await asyncio.sleep(0)
    return query


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Leave a function as it is."""
    return function


WRAPPERS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "plain": plain,
    "tool": tool,
    "agent": agent(publisher_id="globex", agent_id="atlas"),
    "nameless": agent,
}


def make(framework: str, wrapped: str) -> "MCPServer | FastMCP":
    """Return a server of a framework, with functions that are decorated or not."""
    server: MCPServer | FastMCP
    if framework == "sdk":
        server = MCPServer("atlas")
    else:
        import fastmcp  # noqa: PLC0415 - takes a second

        server = fastmcp.FastMCP("atlas")
    for function in (search, broken, refuse, slow, relay):
        server.tool(name=function.__name__)(WRAPPERS[wrapped](function))
    return server


async def serve(server: "MCPServer | FastMCP", ready: Path, metrics: int) -> None:
    """Serve over HTTP on a port of its own until killed."""
    app = server.streamable_http_app() if isinstance(server, MCPServer) else server.http_app()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        tell(ready, metrics, listening.getsockname()[1])
        await uvicorn.Server(uvicorn.Config(app, log_level="critical")).serve([listening])


def tell(ready: Path, metrics: int, port: int = 0) -> None:
    """Write where metrics and server are, in one step."""
    part = ready.with_suffix(".part")
    part.write_text(json.dumps({"metrics": metrics, "port": port}), encoding="utf-8")
    part.rename(ready)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready", type=Path, required=True)
    parser.add_argument("--begun", type=Path, required=True)
    parser.add_argument("--transport", choices=("stdio", "http"), default="stdio")
    parser.add_argument("--framework", choices=("sdk", "fastmcp"), default="sdk")
    parser.add_argument("--wrapped", choices=WRAPPERS, default="plain")
    parser.add_argument("--instrumented", action="store_true")
    options = parser.parse_args()
    BEGUN.append(options.begun)
    logging.disable(logging.CRITICAL)  # what goes wrong here goes wrong on purpose
    if options.instrumented:
        from openinference.instrumentation.mcp import MCPInstrumentor  # noqa: PLC0415 - may lack

        MCPInstrumentor().instrument()
    runtime = configure("server", metrics_port=0, hold_seconds=0, tenant_key="k")
    server = make(options.framework, options.wrapped)
    metrics = runtime.metrics_port or 0
    if options.transport == "stdio":
        tell(options.ready, metrics)
        server.run()
    else:
        asyncio.run(serve(server, options.ready, metrics))


if __name__ == "__main__":
    main()
