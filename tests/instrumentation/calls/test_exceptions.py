"""What exceptions mean: those of real libraries, groups of them, and classes that lie or raise."""

import asyncio
import importlib
import urllib.error
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

from agent_analytics.instrumentation._calls import outcomes

#: Untyped, both.
CELERY: Any = importlib.import_module("celery.exceptions")
BILLIARD: Any = importlib.import_module("billiard.exceptions")
REQUEST: Any = httpx.Request("GET", "http://model.invalid")


def outcome(exception: BaseException) -> str:
    """Return what an exception means."""
    return outcomes.classify(exception)[0]


def aio(code: grpc.StatusCode) -> BaseException:
    """Return an exception of ``grpc.aio``."""
    made: Any = grpc.aio.AioRpcError
    error: BaseException = made(code, None, None)
    return error


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
    (aio(grpc.StatusCode.DEADLINE_EXCEEDED), "timeout"),
    (aio(grpc.StatusCode.CANCELLED), "cancelled"),
    (aio(grpc.StatusCode.UNAVAILABLE), "error"),
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


def made(name: str, *bases: type[BaseException], **body: object) -> type[BaseException]:
    """Return a class of this qualified name, as of a library that is not installed here."""
    module, _, bare = name.rpartition(".")
    body = {"__module__": module, "__qualname__": bare, **body}
    kind: type[BaseException] = type(bare, bases or (Exception,), body)
    return kind


#: From the sources of trio 0.19 and 0.35, greenlet (gevent 24.11, eventlet 0.41), dramatiq 2.2,
#: huey 3.5, rq 3.0, arq 0.28, procrastinate 3.10, prefect 3.9, airflow 3.3, temporalio 1.35,
#: dagster 1.13, inngest 0.5, restate 1.3, streamlit 1.67, tornado 6.6, crewai 1.15, agno 3.1,
#: haystack 3.4, livekit 1.8, langgraph 0.3, botocore 1.44, google-api-core 2.44, pydantic-ai 2.68,
#: typer 0.29, mcp 1.23, distributed 2026.8, ray 2.60, modal 1.6, openai-agents 0.24, taskiq 0.13,
#: tenacity 9, python-telegram-bot 22.8, scrapy 2.19.
UNINSTALLED = [
    ("trio.Cancelled", "cancelled"),
    ("trio._core._exceptions.Cancelled", "cancelled"),
    ("trio.TooSlowError", "timeout"),
    ("trio.EndOfChannel", "steered"),
    ("trio.BrokenResourceError", "error"),
    ("greenlet.GreenletExit", "cancelled"),
    ("gevent.timeout.Timeout", "timeout"),
    ("gevent.exceptions.LoopExit", "error"),
    ("eventlet.timeout.Timeout", "timeout"),
    ("dramatiq.errors.Retry", "steered"),
    ("dramatiq.middleware.time_limit.TimeLimitExceeded", "timeout"),
    ("dramatiq.middleware.shutdown.Shutdown", "cancelled"),
    ("dramatiq.errors.RateLimitExceeded", "error"),
    ("huey.exceptions.RetryTask", "steered"),
    ("huey.exceptions.CancelExecution", "cancelled"),
    ("rq.timeouts.JobTimeoutException", "timeout"),
    ("arq.worker.Retry", "steered"),
    ("procrastinate.exceptions.JobAborted", "cancelled"),
    ("prefect.exceptions.Pause", "steered"),
    ("prefect.exceptions.TerminationSignal", "cancelled"),
    ("prefect.task_engine.TaskRunTimeoutError", "timeout"),
    ("airflow.sdk.exceptions.AirflowSkipException", "steered"),
    ("airflow.sdk.exceptions.AirflowTaskTimeout", "timeout"),
    ("airflow.sdk.exceptions.AirflowFailException", "error"),
    ("temporalio.exceptions.CancelledError", "cancelled"),
    ("temporalio.exceptions.TimeoutError", "timeout"),
    ("temporalio.exceptions.ApplicationError", "error"),
    ("dagster._core.definitions.events.RetryRequested", "steered"),
    ("inngest._internal.step_lib.base.SkipInterrupt", "steered"),
    ("restate.exceptions.SuspendedException", "steered"),
    ("streamlit.runtime.scriptrunner_utils.exceptions.RerunException", "steered"),
    ("tornado.web.Finish", "steered"),
    ("tornado.simple_httpclient.HTTPTimeoutError", "timeout"),
    ("crewai.flow.async_feedback.types.HumanFeedbackPending", "steered"),
    ("agno.exceptions.StopAgentRun", "steered"),
    ("agno.exceptions.RetryAgentRun", "error"),
    ("agno.exceptions.RunCancelledException", "cancelled"),
    ("haystack.core.errors.BreakpointException", "steered"),
    ("livekit.agents.llm.tool_context.StopResponse", "steered"),
    ("langgraph.errors.GraphDelegate", "steered"),
    ("langgraph.errors.NodeTimeoutError", "timeout"),
    ("langgraph.errors.NodeCancelledError", "cancelled"),
    ("botocore.exceptions.ConnectTimeoutError", "timeout"),
    ("google.api_core.exceptions.DeadlineExceeded", "timeout"),
    ("google.api_core.exceptions.Cancelled", "cancelled"),
    ("pydantic_ai.exceptions.RunTimedOut", "timeout"),
    ("pydantic_ai.exceptions.ToolFailed", "error"),
    ("typer.exceptions.Abort", "cancelled"),
    ("mcp.shared.exceptions.UrlElicitationRequiredError", "steered"),
    ("distributed.exceptions.Reschedule", "steered"),
    ("huey.exceptions.RateLimitExceeded", "steered"),
    ("ray.exceptions.TaskCancelledError", "cancelled"),
    ("modal.exception.InputCancellation", "cancelled"),
    ("agents.exceptions.MCPToolCancellationError", "cancelled"),
    ("restate.exceptions.RetryableError", "steered"),
    ("restate.exceptions.TerminalError", "error"),
    ("taskiq.exceptions.NoResultError", "steered"),
    ("taskiq.exceptions.TaskRejectedError", "steered"),
    ("temporalio.worker._workflow_instance._WorkflowBeingEvictedError", "steered"),
    ("tenacity.TryAgain", "steered"),
    ("tenacity.RetryError", "error"),
    ("telegram.ext._application.ApplicationHandlerStop", "steered"),
    ("scrapy.exceptions.IgnoreRequest", "steered"),
    ("unittest.case.SkipTest", "steered"),
    ("bdb.BdbQuit", "cancelled"),
    ("pydantic_ai.exceptions.ModelRetry", "error"),
    ("agno.exceptions.RetryAgentRun", "error"),
    ("shop.errors.Cancelled", "error"),
    ("shop.errors.GraphInterrupt", "error"),
    ("shop.errors.Retry", "error"),
]


@pytest.mark.parametrize(("name", "expected"), UNINSTALLED)
@pytest.mark.parametrize("base", [Exception, BaseException])
def test_exceptions_of_others(name: str, expected: str, base: type[BaseException]) -> None:
    """A class is known by its qualified name, and so is what is derived from it."""
    kind = made(name, base)
    assert outcome(kind()) == expected
    assert outcome(made("shop.errors.Own", kind)()) == expected


def test_what_steers_may_look_cancelled() -> None:
    """The most derived class of the table decides: agent-framework interrupts by a cancellation."""
    name = "agent_framework._workflows._functional.WorkflowInterrupted"
    assert outcome(made(name, asyncio.CancelledError)()) == "steered"
    assert outcome(made("shop.ApprovalTimeout", langgraph.errors.GraphInterrupt)()) == "steered"


def test_the_nearest_name_decides_where_nothing_steers() -> None:
    """Dramatiq's time limit is derived from what interrupts a thread: a timeout all the same."""
    interrupt = made("dramatiq.middleware.threading.Interrupt", BaseException)
    limit = made("dramatiq.middleware.time_limit.TimeLimitExceeded", interrupt)
    assert outcome(limit()) == "timeout"
    assert outcome(made("dramatiq.middleware.shutdown.Shutdown", interrupt)()) == "cancelled"
    assert outcome(made("curio.errors.TimeoutCancellationError", asyncio.CancelledError)()) == (
        "timeout"
    )


@pytest.mark.parametrize("code", [None, 0, False, 1, 2, -1, "stopped", 0.0, object()])
def test_an_exit_succeeds_as_the_interpreter_says(code: object) -> None:
    """An exit is a success where the process would end with status 0, and an error elsewhere."""
    succeeds = code is None or (isinstance(code, int) and code == 0)
    assert outcome(SystemExit(code)) == ("success" if succeeds else "error")
    assert outcome(made("typer.exceptions.Exit", exit_code=code)()) == (
        "success" if succeeds else "error"
    )


def test_what_stands_for_another_exception_is_that() -> None:
    """A connection that timed out and an activity that was cancelled are so: urllib, temporalio."""
    timed_out = urllib.error.URLError(TimeoutError("timed out"))
    assert outcome(timed_out) == "timeout"
    assert outcome(urllib.error.URLError(ConnectionRefusedError())) == "error"
    assert outcome(urllib.error.URLError("unknown host")) == "error"
    activity = made("temporalio.exceptions.ActivityError")()
    assert outcome(activity) == "error"
    activity.__cause__ = made("temporalio.exceptions.CancelledError")()
    assert outcome(activity) == "cancelled"
    activity.__cause__ = activity
    assert outcome(activity) == "error"
    given_up = made("tenacity.RetryError")()
    given_up.__cause__ = TimeoutError()
    assert outcome(given_up) == "timeout"
