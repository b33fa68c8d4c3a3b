"""Tools that are called over a protocol: one call leaves spans of client, protocol and server."""

import re
from collections.abc import Mapping
from typing import Any, Final

CALL: Final = "tools/call"
METHODS: Final = ("mcp.method.name", "rpc.method")
SERVER: Final = "mcp.server"
_KIND: Final = "traceloop.span.kind"
#: Frameworks put something else in the place of what a model may not have in a tool's name.
_NO_NAME: Final = re.compile(r"[^0-9a-z]+")
_LONGEST: Final = 256
_NAMES: Final = ("gen_ai.tool.name", "mcp.tool.name", "mcp.request.argument.name")


def protocol_call(name: str, attributes: Mapping[str, Any]) -> str | None:
    """Return the tool that a span of MCP calls, ``""`` if it does not say which, else ``None``."""
    method = next((attributes[key] for key in METHODS if key in attributes), None)
    if method != CALL and not name.startswith(CALL):
        # OpenLLMetry's span round what a server runs names neither the method nor the tool.
        return "" if name == SERVER and attributes.get(_KIND) == "server" else None
    for key in _NAMES:
        tool = attributes.get(key)
        if type(tool) is str and tool:
            return tool
    rest = name.partition(CALL)[2].strip()  # a client's is "MCP send tools/call search"
    return "" if rest.startswith((".", "/")) else rest


def same_tool(one: object, other: object) -> bool:
    """Tell whether two names of tools may be of one: servers and frameworks add a prefix to it."""
    if type(one) is not str or type(other) is not str:
        return True  # one of them does not say
    short, long = sorted((_slug(one), _slug(other)), key=len)
    return not short or long == short or long.endswith(f"_{short}")


def _slug(name: str) -> str:
    return _NO_NAME.sub("_", name[:_LONGEST].lower()).strip("_")
