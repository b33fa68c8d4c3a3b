"""Mistakes of those who use agent-analytics: each is said once for each agent.

A mistake is no error of agent-analytics itself, which :mod:`.health` counts. It is noted where it
is met anyway, never by a look at every span. What was said can be asked for.
"""

import functools
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, Final

logger: Final = logging.getLogger("agent_analytics")

#: Agents that are named one by one for each kind of mistake.
MOST: Final = 20
#: In the sentence on an agent that is called for no tenant, which some mean to do.
FOR_NO_TENANT: Final = "was called for no tenant"
#: Longest name that is shown.
_SHOWN: Final = 100
#: Folders of this project, whose lines are none of the user's.
_OURS: Final = tuple(
    f"{os.sep}agent_analytics{os.sep}{part}{os.sep}"
    for part in ("instrumentation", "processor", "exporters")
)
_OF_TENANT: Final = ("tenant=", "tenant= refused")
_TENANT_REMEDY: Final = (
    'give the decorator tenant=, or call the agent inside `with tenant("…"):` of '
    "agent_analytics.instrumentation"
)

#: A finaliser may come here while this very thread holds the lock, so it is re-entrant.
_lock = threading.RLock()
#: By kind: whom it was said of, with the sentence.
_said: Final[dict[str, dict[str, str]]] = {}


def said() -> list[str]:
    """Return every mistake that was made in this process, a sentence each."""
    return [sentence for by_agent in list(_said.values()) for sentence in list(by_agent.values())]


def forget() -> None:
    """Forget what was said, as a new process has: the next time is the first again."""
    with _lock:
        _said.clear()


def no_publisher(name: object, scope: str = "") -> None:
    """Say that an agent's invocations are nobody's.

    Args:
        name: The agent's name, as its span has it.
        scope: The instrumentation that recorded the span, where the agent is not decorated.
    """
    whom = f"agent {_shown(name)}"
    recorded = f", which {scope} records," if scope else ""
    _note(
        "no_publisher",
        whom,
        lambda: (
            f"{whom}{recorded} names no publisher that it belongs to, so its invocations are in no "
            "publisher's figures: give the decorator publisher_id=, or set "
            "AGENT_ANALYTICS_PUBLISHER_ID for the whole process"
        ),
    )


def no_tenant(publisher: str, agent: str) -> None:
    """Say that nobody is named who uses an agent.

    Args:
        publisher: Whose the listing is.
        agent: The listing.
    """
    if any(f"agent {_shown(agent)}" in _said.get(kind, ()) for kind in _OF_TENANT):
        return  # the function that is to name it fails, which was said
    whom = f"agent {_shown(agent)} of publisher {_shown(publisher)}"
    _note(
        "no_tenant",
        whom,
        lambda: (
            f"{whom} {FOR_NO_TENANT}, and such a call counts for nobody who uses it: "
            f"{_TENANT_REMEDY}"
        ),
    )


def not_set_up(span_name: str) -> None:
    """Say that an agent is called and nothing records it.

    Args:
        span_name: Of the invocation.
    """
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return  # it was switched off on purpose
    whom = f"agent {_shown(span_name.partition(' ')[2])}"
    _note(
        "not_set_up",
        whom,
        lambda: (
            f"{whom} is called and nothing counts it, because no OpenTelemetry SDK is set up: call "
            "agent_analytics.exporters.configure() first, or start the program with "
            "opentelemetry-instrument"
        ),
    )


def raised(what: str, whom: str, function: object, consequence: str) -> None:
    """Say that a function of the user's has failed, with its line; called where it is handled.

    The exception's type is named and nothing else of it: its text may hold content.

    Args:
        what: Name of the argument that gave the function, such as ``tenant=``.
        whom: Whose it is, such as ``agent 'finder'``; empty where it is the process's.
        function: The function.
        consequence: What is unknown now, as the end of a sentence.
    """

    def sentence() -> str:
        exception = sys.exception()
        place = _raised_at(exception) or _defined_at(function)
        of = f" of {whom}" if whom else ""
        arguments = (
            "; it is called with the arguments of the call"
            if isinstance(exception, TypeError) and not _raised_at(exception) and "tenant" in what
            else ""
        )
        return (
            f"the function {what}{of} raised {type(exception).__name__}"
            f"{f' at {place}' if place else ''}, so {consequence}{arguments}"
        )

    _note(what, whom, sentence)


def refused(what: str, whom: str, function: object, expected: str, answer: object) -> None:
    """Say that a function of the user's has returned what cannot be used, with its line.

    Args:
        what: Name of the argument that gave the function.
        whom: Whose it is.
        function: The function.
        expected: What it is to return.
        answer: What it returned; only its type is named.
    """
    place = _defined_at(function)
    _note(
        f"{what} refused",
        whom,
        lambda: (
            f"the function {what} of {whom}{f', {place},' if place else ''} is to return {expected}"
            f" and returned {_kind(answer)}"
        ),
    )


def _note(kind: str, whom: str, sentence: Callable[[], str]) -> None:
    known = _said.get(kind)
    if known is not None and (whom in known or len(known) > MOST):
        return
    try:
        text = sentence()
    except Exception as error:  # noqa: BLE001 - what is looked at is of any make
        text = f"{kind} of {whom} is not as it should be ({type(error).__name__})"
    with _lock:
        known = _said.setdefault(kind, {})
        if whom in known or len(known) > MOST:
            return
        if len(known) == MOST:
            text = f"what was said of {MOST} agents is so of more, which are not named: {text}"
        known[whom] = text
    logger.warning("agent-analytics: %s", text)


def _shown(name: object) -> str:
    text = name if isinstance(name, str) else "without a name"
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _kind(answer: object) -> str:
    if isinstance(answer, str):
        return f"a text of {len(answer)} characters that is no id" if answer.strip() else "blanks"
    return f"a value of type {type(answer).__name__}"


def _raised_at(exception: BaseException | None) -> str:
    """Return the line of the user's that an exception came through first."""
    step = exception.__traceback__ if exception is not None else None
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not any(part in file for part in _OURS):
            return f"{file}:{step.tb_lineno}"
        step = step.tb_next
    return ""


def _defined_at(function: Any) -> str:  # noqa: ANN401 - whatever can be called
    """Return where a function is written; empty where it is not written in Python."""
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):  # an object that can be called
        callee: object = function
        code = getattr(vars(type(callee)).get("__call__"), "__code__", None)
    if not isinstance(code, CodeType) or not Path(code.co_filename).name:
        return ""
    return f"{code.co_filename}:{code.co_firstlineno}"


def _after_fork() -> None:
    """Give the child a lock that nobody holds."""
    global _lock  # noqa: PLW0603 - the parent's lock may be held by a thread the child lacks
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
