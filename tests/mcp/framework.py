"""The agent of a framework with spans of its own, that calls tools of an MCP server."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from tests.patience import patience


async def by_pydantic_ai(
    plan: dict[str, Any], stay: Callable[[dict[str, Any], list[str]], Awaitable[None]]
) -> None:
    """Let a framework's agent call them, as its model asks for them."""
    left = [ToolCallPart(name, {"query": "q"}) for name in plan["calls"]]

    def model(_messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
        asked = left[:] if plan.get("together") else left[:1]
        del left[: len(asked)]
        return ModelResponse(parts=[*asked] or [TextPart("done")])

    Agent.instrument_all()
    server: Any = plan.get("url")
    if server is None:
        command, *arguments = plan["command"]
        server = StdioTransport(command, arguments, env=plan["env"], keep_alive=False)
    # By itself it gives the server five seconds to start: too few on a busy machine.
    tools = MCPToolset(server, init_timeout=patience())
    helper = Agent(FunctionModel(model), name="helper", toolsets=[tools])
    async with helper:
        await helper.run("go")
        await stay(plan, [])
