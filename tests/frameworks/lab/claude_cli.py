"""Stands in for the program that claude-agent-sdk starts: it speaks its stream of JSON lines.

It asks the model as Anthropic's client would, has the SDK's tools called over the control protocol,
calls the hooks that the SDK registered, and says what was used, as the real one does.
"""

# messages are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from itertools import count
from typing import Any

MODEL = "claude-haiku-4-5"
VERSION = "2.9.0"
SESSION = "00000000-0000-4000-8000-000000000001"
#: What a tool's name begins with, by the server that the SDK serves it from.
SERVER = "lab"
PREFIX = f"mcp__{SERVER}__"


def say(message: Mapping[str, Any]) -> None:
    """Write a line to the SDK."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Session:
    """One conversation."""

    def __init__(self) -> None:
        self.hooks: dict[str, list[str]] = {}
        self.numbers = count()
        self.connected = False

    def request(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the SDK for something, and return its answer."""
        number = f"cli-{next(self.numbers)}"
        say({"type": "control_request", "request_id": number, "request": request})
        for line in sys.stdin:
            message = json.loads(line)
            if message.get("type") == "control_response":
                response = message["response"]
                if response["request_id"] == number:
                    return dict(response.get("response") or {})
        return {}

    def served(self, method: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Send a message to the tools' server, and return its result."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": parameters}
        if not method.startswith("notifications/"):
            message["id"] = next(self.numbers)
        about = {"subtype": "mcp_message", "server_name": SERVER, "message": message}
        return dict(self.request(about)["mcp_response"].get("result") or {})

    def connect(self) -> None:
        """Greet the tools' server, as its protocol asks."""
        about = {"name": "claude-code", "version": VERSION}
        self.served(
            "initialize",
            {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about},
        )
        self.served("notifications/initialized", {})
        self.connected = True

    def hook(self, event: str, tool_use_id: str, about: Mapping[str, Any]) -> None:
        """Call every hook of an event."""
        for callback in self.hooks.get(event, ()):
            self.request(
                {
                    "subtype": "hook_callback",
                    "callback_id": callback,
                    "tool_use_id": tool_use_id,
                    "input": {"hook_event_name": event, "session_id": SESSION, **about},
                }
            )

    def call(self, block: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool of the SDK's, with the hooks round it; return what goes to the model."""
        about = {"tool_name": block["name"], "tool_input": block["input"]}
        self.hook("PreToolUse", block["id"], about)
        name = block["name"].removeprefix(PREFIX)
        result = self.served("tools/call", {"name": name, "arguments": block["input"]})
        failed = bool(result.get("isError"))
        text = json.dumps(result.get("content"))
        if failed:
            self.hook("PostToolUseFailure", block["id"], {**about, "error": text})
        else:
            self.hook("PostToolUse", block["id"], {**about, "tool_response": text})
        return {
            "type": "tool_result",
            "tool_use_id": block["id"],
            "content": text,
            "is_error": failed,
        }

    def turn(self, prompt: object) -> None:
        """Answer a prompt."""
        if not self.connected:
            self.connect()
        about = {"session_id": SESSION, "model": MODEL, "claude_code_version": VERSION}
        say({"type": "system", "subtype": "init", **about})
        messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
        used: dict[str, int] = {}
        while True:
            try:
                message = ask(messages)
            except urllib.error.HTTPError as error:
                say(_result(used, len(messages), f"API Error: {error.code}", failed=True))
                return
            for key, n in message["usage"].items():
                if isinstance(n, int):
                    used[key] = used.get(key, 0) + n
            say(_said("assistant", message))
            messages.append({"role": "assistant", "content": message["content"]})
            results = [self.call(one) for one in message["content"] if one["type"] == "tool_use"]
            if not results:
                say(_result(used, len(messages), "The answer is 4.", failed=False))
                return
            messages.append({"role": "user", "content": results})
            say(_said("user", messages[-1]))


def _said(kind: str, message: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": kind, "message": message, "parent_tool_use_id": None, "session_id": SESSION}


def _result(used: Mapping[str, int], turns: int, text: str, *, failed: bool) -> dict[str, Any]:
    return {
        "type": "result",
        "subtype": "error_during_execution" if failed else "success",
        "is_error": failed,
        "duration_ms": 9,
        "duration_api_ms": 7,
        "num_turns": turns // 2 + 1,
        "session_id": SESSION,
        "total_cost_usd": 0.001,
        "usage": dict(used),
        "modelUsage": {MODEL: {"outputTokens": used.get("output_tokens", 0)}},
        "result": text,
    }


def ask(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Send a conversation to the model."""
    body = {"model": MODEL, "max_tokens": 100, "messages": messages}
    request = urllib.request.Request(
        os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        message: dict[str, Any] = json.load(answer)
        return message


def main() -> None:
    """Run the program."""
    if sys.argv[1:] in (["-v"], ["--version"]):
        sys.stdout.write(f"{VERSION} (Claude Code)\n")
        return
    session = Session()
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("type") == "control_request":
            request = message["request"]
            for event, matchers in (request.get("hooks") or {}).items():
                session.hooks[event] = [
                    one for matcher in matchers for one in matcher["hookCallbackIds"]
                ]
            response = {"subtype": "success", "request_id": message["request_id"], "response": {}}
            say({"type": "control_response", "response": response})
        elif message.get("type") == "user":
            session.turn(message["message"]["content"])


if __name__ == "__main__":
    main()
