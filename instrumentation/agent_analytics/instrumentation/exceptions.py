"""What exceptions mean, by the qualified names of their classes: nothing is imported for it.

One table for exceptions that are met themselves, whose classes and bases are all looked up, and
for foreign spans, which carry one name. What stands in no table is judged by how it is called:
libraries call their timeouts alike.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeGuard, cast

from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation.vocabulary import CANCELLED, STEERED, TIMEOUT

#: Exceptions by which frameworks steer: a person is asked, work is handed over, put off or tried
#: again later, an iterator is at its end. Names by module; where a class has moved, each module.
_STEERING: Final[Mapping[str, tuple[str, ...]]] = {
    "builtins": ("StopAsyncIteration", "StopIteration"),
    # Agents.
    "langgraph.errors": (
        "GraphBubbleUp", "GraphDelegate", "GraphDrained", "GraphInterrupt", "NodeInterrupt",
        "ParentCommand",
    ),
    "pydantic_ai.exceptions": (
        "ApprovalRequired", "CallDeferred", "RetryModelRequest", "SkipModelRequest",
        "SkipToolExecution", "SkipToolValidation",
    ),
    "agent_framework._middleware": ("MiddlewareTermination",),
    "agent_framework._workflows._functional": ("WorkflowInterrupted",),
    "agent_framework.exceptions": ("UserInputRequiredException",),
    "agno.exceptions": ("StopAgentRun",),
    "crewai.flow.async_feedback.types": ("HumanFeedbackPending",),
    "google.adk.workflow._errors": ("NodeInterruptedError",),
    "haystack.core.errors": ("BreakpointException",),
    "livekit.agents.llm.tool_context": ("StopResponse",),
    "mcp.shared.exceptions": ("UrlElicitationRequiredError",),
    "strands.interrupt": ("InterruptException",),
    "strands.types.interrupt": ("InterruptException",),
    "llama_index.core.workflow.errors": ("WorkflowDone",),
    "workflows.errors": ("WorkflowDone",),
    "workflows.runtime.types.results": ("WaitingForEvent",),
    # Tasks and workflows.
    "airflow.exceptions": (
        "AirflowRescheduleException", "AirflowSkipException", "DagRunTriggerException",
        "DownstreamTasksSkipped", "TaskAwaitingInput", "TaskDeferred",
    ),
    "airflow.sdk.exceptions": (
        "AirflowRescheduleException", "AirflowSkipException", "DagRunTriggerException",
        "DownstreamTasksSkipped", "TaskAwaitingInput", "TaskDeferred",
    ),
    "arq.worker": ("Retry", "RetryJob"),
    "celery.exceptions": ("Ignore", "Reject", "Retry", "RetryTaskError", "TaskPredicate"),
    "dagster._core.definitions.events": ("RetryRequested",),
    "distributed.exceptions": ("Reschedule",),
    "dramatiq.errors": ("Retry",),
    "dramatiq.middleware.middleware": ("SkipMessage",),
    "flytekit.core.base_task": ("IgnoreOutputs",),
    "hatchet_sdk.exceptions": ("RetryAfterException",),
    "huey.exceptions": ("RateLimitExceeded", "RetryTask"),
    "inngest._internal.errors": ("RetryAfterError",),
    "inngest._internal.step_lib.base": (
        "NestedStepInterrupt", "ResponseInterrupt", "SkipInterrupt",
    ),
    "prefect.exceptions": ("Pause", "PausedRun"),
    "procrastinate.exceptions": ("JobRetry",),
    "ray.exceptions": ("AsyncioActorExit",),
    "restate.exceptions": (
        "RetryableError", "SdkInternalBaseException", "SdkInternalException", "SuspendedException",
    ),
    "restate.server_context": ("SuspendedException",),
    "restate.vm": ("SuspendedException",),
    "taskiq.exceptions": ("NoResultError", "TaskRejectedError"),
    "temporalio.activity": ("_CompleteAsyncError",),
    "temporalio.worker._workflow_instance": ("_ContinueAsNewError", "_WorkflowBeingEvictedError"),
    "temporalio.workflow": ("ContinueAsNewError",),
    "temporalio.workflow._workflow_ops": ("ContinueAsNewError",),
    "tenacity": ("TryAgain",),
    # Handlers of chats, pages that are fetched, tests.
    "_pytest.outcomes": ("Skipped",),
    "aiogram.dispatcher.event.bases": ("CancelHandler", "SkipHandler"),
    "channels.exceptions": ("StopConsumer",),
    "scrapy.exceptions": (
        "CloseSpider", "DontCloseSpider", "DropItem", "IgnoreRequest", "StopDownload",
    ),
    "telegram.ext._application": ("ApplicationHandlerStop",),
    "telethon.events": ("StopPropagation",),
    "unittest.case": ("SkipTest",),
    # Event loops and pages.
    "anyio": ("EndOfStream",),
    "anyio._core._exceptions": ("EndOfStream",),
    "asyncio.queues": ("QueueShutDown",),
    "queue": ("ShutDown",),
    "streamlit.runtime.scriptrunner.exceptions": ("RerunException", "StopException"),
    "streamlit.runtime.scriptrunner.script_runner": ("RerunException", "StopException"),
    "streamlit.runtime.scriptrunner_utils.exceptions": ("RerunException", "StopException"),
    "tornado.gen": ("Return",),
    "tornado.web": ("Finish",),
    "trio": ("EndOfChannel",),
    "trio._abc": ("EndOfChannel",),
    "trio._channel": ("EndOfChannel",),
    "twisted.internet.defer": ("_DefGen_Return",),
}  # fmt: skip
#: Of these it is iterators, queues and pages that steer.
_LOOPS: Final = frozenset(
    {
        "StopAsyncIteration", "StopIteration", "anyio", "asyncio", "queue", "tornado", "trio",
        "twisted",
    }
)  # fmt: skip
#: Exceptions that end work which nobody wants any more.
_CANCELLING: Final[Mapping[str, tuple[str, ...]]] = {
    "builtins": ("GeneratorExit", "KeyboardInterrupt"),
    "agents.exceptions": ("MCPToolCancellationError",),
    "agents.tool": ("_FunctionToolCancelledError",),
    "agno.exceptions": ("RunCancelledException",),
    "agentscope.exception._tool": ("ToolInterruptedError",),
    "airflow.exceptions": ("AirflowTaskTerminated",),
    "airflow.sdk.exceptions": ("AirflowTaskTerminated",),
    "asyncio.exceptions": ("CancelledError",),
    "bdb": ("BdbQuit",),
    "billiard.exceptions": ("Terminated",),
    "celery.exceptions": ("TaskRevokedError",),
    "click.exceptions": ("Abort",),
    "concurrent.futures._base": ("CancelledError",),
    "concurrent.futures": ("CancelledError",),
    "dagster._core.errors": ("DagsterExecutionInterruptedError",),
    "dbos._error": ("DBOSAwaitedWorkflowCancelledError", "DBOSWorkflowCancelledError"),
    "distributed.client": ("FutureCancelledError", "FuturesCancelledError"),
    "dramatiq.middleware.shutdown": ("Shutdown",),
    "dramatiq.middleware.threading": ("Interrupt",),
    "dramatiq.threading": ("Interrupt",),
    "gevent": ("GreenletExit",),
    "google.api_core.exceptions": ("Cancelled",),
    "greenlet": ("GreenletExit",),
    "grpc": ("FutureCancelledError",),
    "huey.exceptions": ("CancelExecution",),
    "langgraph.errors": ("NodeCancelledError",),
    "llama_index.core.workflow.errors": ("WorkflowCancelledByUser",),
    "modal.exception": ("InputCancellation",),
    "prefect.exceptions": ("Abort", "CancelledRun", "TerminationSignal"),
    "procrastinate.exceptions": ("JobAborted",),
    "pydantic_ai.exceptions": ("RunCancelled",),
    "ray.exceptions": ("TaskCancelledError",),
    "ray.serve.exceptions": ("RequestCancelledError",),
    "rq.exceptions": ("StopRequested",),
    "semantic_kernel.exceptions.kernel_exceptions": ("OperationCancelledException",),
    "strands.tools.mcp.mcp_client": ("_MCPCallCancelledError",),
    "taskiq.exceptions": ("ScheduledTaskCancelledError",),
    "temporalio.client": ("AsyncActivityCancelledError",),
    "temporalio.client._exceptions": ("AsyncActivityCancelledError",),
    "temporalio.exceptions": ("CancelledError", "TerminatedError"),
    "trio": ("Cancelled",),
    "trio._core._exceptions": ("Cancelled",),
    "typer.exceptions": ("Abort",),
    "workflows.errors": ("WorkflowCancelledByUser",),
    # The client of a web server that has gone away.
    "blacksheep.exceptions": ("MessageAborted",),
    "blacksheep.server.websocket": ("WebSocketDisconnectError",),
    "channels.exceptions": ("RequestAborted",),
    "django.core.exceptions": ("RequestAborted",),
    "django.http.request": ("UnreadablePostError",),
    "litestar.exceptions": ("WebSocketDisconnect",),
    "litestar.exceptions.websocket_exceptions": ("WebSocketDisconnect",),
    "sanic.exceptions": ("WebsocketClosed",),
    "starlette.requests": ("ClientDisconnect",),
    "starlette.websockets": ("WebSocketDisconnect",),
    "tornado.websocket": ("WebSocketClosedError",),
    "uvicorn.protocols.utils": ("ClientDisconnected",),
    "websockets.exceptions": ("ConnectionClosedOK",),
    "werkzeug.exceptions": ("ClientDisconnected",),
}
#: Timeouts whose names do not end as those of others do.
_TIMING_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "curio.errors": ("TimeoutCancellationError",),
    "pydantic_ai.exceptions": ("RunTimedOut",),
    "rq.timeouts": ("BaseTimeoutException",),
    "trio": ("TooSlowError",),
    "trio._timeouts": ("TooSlowError",),
}

#: How the names of timeouts end.
_TIMEOUT_ENDINGS: Final = (
    "Timeout",
    "TimeoutError",
    "TimeoutException",
    "TimeoutExpired",
    "TimedOut",
    "TimedOutError",
    "DeadlineExceeded",
    "DeadlineExceededError",
    "TimeLimitExceeded",
)
#: Names that mean a cancellation in whatever module.
_CANCELLED_NAMES: Final = frozenset({"CancelledError"})
#: Names of a cancellation where a span gives no module.
_CANCELLED_BARE: Final = frozenset({"Cancelled", "GreenletExit"})
#: Beginnings of the parts of instrumentation scopes that speak of a package's exceptions, beside
#: its own name.
_SCOPES: Final[Mapping[str, tuple[str, ...]]] = {
    "langgraph": ("langchain", "langsmith", "deepagents"),
    "billiard": ("celery",),
    "workflows": ("llamaindex",),
    "agent_framework": ("agentframework",),
    "google": ("googleadk", "gcp.vertex.agent"),
}


def _by_name() -> dict[str, str]:
    found: dict[str, str] = {}
    for outcome, table in (
        (TIMEOUT, _TIMING_OUT),
        (CANCELLED, _CANCELLING),
        (STEERED, _STEERING),
    ):
        for module, names in table.items():
            for name in names:
                found[qualified(module, name)] = outcome
    return found


def qualified(module: str, name: str) -> str:
    """Return the name of a class as OpenTelemetry writes it: builtins without a module."""
    return name if module in {"builtins", ""} else f"{module}.{name}"


#: Outcomes by the qualified name of a class.
MEANINGS: Final[Mapping[str, str]] = _by_name()
#: Packages with a steering exception, by its bare name.
_BARE: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(
        module.partition(".")[0]
        for module, names in _STEERING.items()
        if name in names and module != "builtins"
    )
    for names in _STEERING.values()
    for name in names
}


def called_like(name: str) -> str | None:
    """Return the outcome that the name of a class suggests, with a module or bare, or ``None``."""
    bare = name.rpartition(".")[2]
    if bare.endswith(_TIMEOUT_ENDINGS):
        return TIMEOUT
    if bare in _CANCELLED_NAMES or name in _CANCELLED_BARE:
        return CANCELLED
    return None


def is_of_framework(name: str) -> bool:
    """Tell whether a framework raises what is called so, and not an iterator or a queue."""
    return MEANINGS.get(name) == STEERED and name.partition(".")[0] not in _LOOPS


def steers_bare(name: str, scope: str) -> bool:
    """Tell whether a bare name is that of a steering exception in a scope of its framework.

    Args:
        name: The name of a class, without its module.
        scope: Name of the instrumentation scope that the span comes from.
    """
    packages = _BARE.get(name)
    if not packages:
        return False
    lowered = scope.lower()
    parts = lowered.replace("_", "").replace("-", "").replace(" ", ".").split(".")
    for package in packages:
        for word in (package.replace("_", ""), *_SCOPES.get(package, ())):
            if "." in word:
                if lowered.startswith(word):
                    return True
            elif any(part.startswith(word) for part in parts):
                return True
    return False


class NotErrors:
    """Exceptions that a user says are no errors: classes, with those derived from them, or names.

    A name with its module is that of one class; one without is that of any class called so.
    """

    __slots__ = ("names",)

    def __init__(self, names: Iterable[str]) -> None:
        self.names: Final = frozenset(names)

    def of_class(self, name: str) -> bool:
        """Tell whether the class of this qualified name is meant."""
        names = self.names
        return bool(names) and (name in names or name.rpartition(".")[2] in names)

    def of_span(self, name: str) -> bool:
        """Tell whether the name on a span, with its module or bare, is that of a class meant."""
        if self.of_class(name):
            return True
        return "." not in name and any(one.rpartition(".")[2] == name for one in self.names)


NOTHING: Final = NotErrors(())
_everywhere = NOTHING


def everywhere() -> NotErrors:
    """Return the exceptions that are no errors in any call, beside those of the tables."""
    return _everywhere


def _is_exception(each: object) -> TypeGuard[type[BaseException]]:
    return isinstance(each, type) and issubclass(each, BaseException)


def given(not_errors: object, argument: str = "not_errors") -> NotErrors:
    """Return the exceptions that an argument lists.

    Args:
        not_errors: Classes of exceptions, or names of such.
        argument: What to call it in an error.

    Raises:
        ValueError: It lists something else.
    """
    whole: Any = not_errors
    if isinstance(whole, str) or not isinstance(whole, Iterable):
        checks.refuse(argument, "classes of exceptions, or names of such", whole)
    names: list[str] = []
    for each in cast("Iterable[object]", not_errors):
        if _is_exception(each):
            names.append(qualified(each.__module__, each.__qualname__))
        else:
            names.append(checks.text(each, argument).strip())
    return NotErrors(names) if names else NOTHING


def use_not_errors(chosen: NotErrors) -> NotErrors:
    """Take these exceptions for no errors from now on; return those that were so before."""
    global _everywhere  # noqa: PLW0603 - one setting per process, as the provider
    before = _everywhere
    _everywhere = chosen
    return before
