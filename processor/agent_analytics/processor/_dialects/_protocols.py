"""Tools that are called over a protocol: one call leaves spans of client, protocol and server."""

from collections.abc import Mapping
from typing import Any, Final

CALL: Final = "tools/call"
METHODS: Final = ("mcp.method.name", "rpc.method")
_NAMES: Final = ("gen_ai.tool.name", "mcp.tool.name", "mcp.request.argument.name")


def protocol_call(name: str, attributes: Mapping[str, Any]) -> str | None:
    """Return the tool that a span of MCP calls, ``""`` if it does not say which, else ``None``."""
    method = next((attributes[key] for key in METHODS if key in attributes), None)
    if method != CALL and not name.startswith(CALL):
        return None
    for key in _NAMES:
        tool = attributes.get(key)
        if type(tool) is str and tool:
            return tool
    rest = name.removeprefix(CALL).strip()
    return "" if rest.startswith((".", "/")) else rest
