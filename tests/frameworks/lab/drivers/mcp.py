"""MCP: client and server in one process or in two, with each instrumentation."""

import asyncio

PACKAGES = ["mcp", "openinference-instrumentation-mcp", "opentelemetry-instrumentation-mcp"]


def native(lab):
    pass


def _oi(lab):
    from openinference.instrumentation.mcp import MCPInstrumentor

    MCPInstrumentor().instrument(tracer_provider=lab.provider)


def _tl(lab):
    from opentelemetry.instrumentation.mcp import McpInstrumentor

    McpInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "traceloop": _tl}


def run(lab):
    tracer = lab.provider.get_tracer("lab.agent")

    async def go():
        try:
            from mcp.shared.memory import create_connected_server_and_client_session as connect
        except ImportError:
            connect = None
        try:
            from mcp.server.fastmcp import FastMCP
        except ImportError:
            from mcp.server.mcpserver import MCPServer as FastMCP
        server = FastMCP("lab")
        server.tool(name="search")(lab.search)
        server.tool(name="calculator")(lab.calculator)
        with tracer.start_as_current_span(
            "invoke_agent research_agent",
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "research_agent",
            },
        ):
            if connect is not None:
                async with connect(getattr(server, "_mcp_server", server)) as session:
                    await session.call_tool("search", {"query": "q"})
                    await session.call_tool("calculator", {"expression": "2+2"})
            else:
                from mcp.client import Client

                async with Client(server) as session:
                    await session.call_tool("search", {"query": "q"})
                    await session.call_tool("calculator", {"expression": "2+2"})

    lab.api.plans = {}
    lab.attempt("research_agent", lambda: asyncio.run(go()))
