"""What exceptions mean: those of real libraries, groups of them, and classes that lie or raise."""

import importlib
from typing import Any

import anyio
import click
import grpc
import httpx
import langgraph.errors
import openai
import pydantic_ai.exceptions
import pytest
import requests

from agent_analytics.instrumentation import _outcomes

#: Untyped, both.
CELERY: Any = importlib.import_module("celery.exceptions")
BILLIARD: Any = importlib.import_module("billiard.exceptions")
REQUEST: Any = httpx.Request("GET", "http://model.invalid")


def outcome(exception: BaseException) -> str:
    """Return what an exception means."""
    return _outcomes.classify(exception)[0]


class Status:
    """A code of gRPC's as its answers carry it."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code

    def code(self) -> grpc.StatusCode:
        """Return the code."""
        return self._code


class RpcError(Status, grpc.RpcError):
    """As ``grpc._channel._InactiveRpcError``."""


class OwnInterrupt(langgraph.errors.GraphInterrupt):
    """A user's own, derived from the framework's."""


class OwnTimeout(CELERY.SoftTimeLimitExceeded):  # type: ignore[misc]  # untyped
    """A user's own, derived from a time limit."""


#: Exceptions of what is installed: langgraph 1.2, pydantic-ai 2.68, celery 5.7, billiard 4.3,
#: anyio 4.16, grpcio 1.85, httpx 0.28, openai 3.57, requests 2.34, urllib3 2.8, click 8.5.
REAL = [
    (langgraph.errors.GraphInterrupt(), "steered"),
    (langgraph.errors.GraphBubbleUp(), "steered"),
    (langgraph.errors.GraphDrained(), "steered"),
    (langgraph.errors.ParentCommand(None), "steered"),  # type: ignore[arg-type]  # unread
    (OwnInterrupt(), "steered"),
    (langgraph.errors.GraphRecursionError(), "error"),
    (pydantic_ai.exceptions.ApprovalRequired(), "steered"),
    (pydantic_ai.exceptions.CallDeferred(), "steered"),
    (pydantic_ai.exceptions.ModelRetry("wrong"), "error"),
    (CELERY.Retry(), "steered"),
    (CELERY.Ignore(), "steered"),
    (CELERY.Reject(), "steered"),
    (CELERY.TaskRevokedError(), "cancelled"),
    (CELERY.TimeoutError(), "timeout"),
    (CELERY.SoftTimeLimitExceeded(), "timeout"),
    (CELERY.TimeLimitExceeded(), "timeout"),
    (CELERY.WorkerLostError(), "error"),
    (CELERY.MaxRetriesExceededError(), "error"),
    (BILLIARD.Terminated(), "cancelled"),
    (OwnTimeout(), "timeout"),
    (StopIteration(), "steered"),
    (StopAsyncIteration(), "steered"),
    (GeneratorExit(), "cancelled"),
    (anyio.EndOfStream(), "steered"),
    (anyio.ClosedResourceError(), "error"),
    (httpx.ReadTimeout("", request=REQUEST), "timeout"),
    (httpx.PoolTimeout("", request=REQUEST), "timeout"),
    (httpx.ConnectError("", request=REQUEST), "error"),
    (openai.APITimeoutError(REQUEST), "timeout"),
    (openai.APIConnectionError(request=REQUEST), "error"),
    (requests.exceptions.ConnectTimeout(), "timeout"),
    (requests.exceptions.ReadTimeout(), "timeout"),
    (RpcError(grpc.StatusCode.DEADLINE_EXCEEDED), "timeout"),
    (RpcError(grpc.StatusCode.CANCELLED), "cancelled"),
    (RpcError(grpc.StatusCode.UNAVAILABLE), "error"),
    (grpc.FutureTimeoutError(), "timeout"),
    (grpc.FutureCancelledError(), "cancelled"),
    (TimeoutError(), "timeout"),
    (SystemExit(), "success"),
    (SystemExit(0), "success"),
    (SystemExit(*[False]), "success"),
    (SystemExit(1), "error"),
    (SystemExit("a message"), "error"),
    (CELERY.WorkerShutdown(0), "success"),
    (click.exceptions.Exit(0), "success"),
    (click.exceptions.Exit(2), "error"),
    (click.exceptions.Abort(), "cancelled"),
    (KeyboardInterrupt(), "cancelled"),
]


@pytest.mark.parametrize(("exception", "expected"), REAL, ids=lambda each: repr(each)[:60])
def test_exceptions_of_real_libraries(exception: BaseException, expected: str) -> None:
    """What a library raises means what the library says that it does."""
    assert outcome(exception) == expected
