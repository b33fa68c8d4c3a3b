"""What every provider's server has in common."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model_answers import CACHED, REASONING, Answer


@dataclass(frozen=True)
class Asked:
    """One request, in words that all providers share.

    Attributes:
        model: What was asked for.
        called: The tools that the conversation shows as called.
        offered: The tools that the model may call.
        streamed: Whether the answer is to come in pieces.
        also: What else the answer depends on.
    """

    model: str
    called: list[str]
    offered: Sequence[str | None] = ()
    streamed: bool = False
    also: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Reply:
    """What goes back.

    Attributes:
        pieces: The body, in the order in which it is sent.
        content_type: What it is.
        status: The HTTP status.
        headers: Headers of the provider's own.
    """

    pieces: Sequence[bytes]
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Wire:
    """A provider's server.

    Attributes:
        cached: Tokens that were read from a cache, of each call's input.
        written: Tokens that were written to a cache, of each call's input.
        reasoning: Tokens of each call's output that went into thinking.
    """

    cached = CACHED
    written = 0
    reasoning = REASONING

    def takes(self, path: str) -> bool:
        """Return whether this is the server of a path."""
        raise NotImplementedError

    def asked(self, path: str, body: Mapping[str, Any]) -> Asked | Reply:
        """Return what a request asks of a model, or what answers it where no model does."""
        raise NotImplementedError

    def reply(self, asked: Asked, answer: Answer) -> Reply:
        """Return an answer as this provider sends it."""
        raise NotImplementedError

    def failure(self) -> Reply:
        """Return what a server that fails says."""
        raise NotImplementedError


def whole(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer in one piece."""
    return Reply([json.dumps(data).encode()], status=status, headers=headers or {})


def events(data: Iterable[Mapping[str, Any]], *, named: bool, last: bytes = b"") -> Reply:
    """Return server-sent events, with or without their names."""
    pieces = [
        (f"event: {one['type']}\n".encode() if named else b"")
        + b"data: "
        + json.dumps(one).encode()
        + b"\n\n"
        for one in data
    ]
    return Reply([*pieces, last] if last else pieces, "text/event-stream")
