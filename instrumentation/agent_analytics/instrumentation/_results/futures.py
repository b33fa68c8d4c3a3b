"""Futures that a call lasts as long as, asked for nothing that a class of a stranger answers.

Those of asyncio keep what they know where C alone reads it, and are asked by asyncio's own
functions. Those of ``concurrent.futures`` are read, as plain data, where Python keeps it.
"""

# ruff: noqa: ANN401 - a future is of any class

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from functools import partial
from types import GetSetDescriptorType
from typing import Any, Final, cast

from agent_analytics.instrumentation._results.carried import Carried
from agent_analytics.instrumentation._strangers.plain_data import attribute, defined, own_fields
from agent_analytics.instrumentation.health import note_internal_error

_ASYNCIO: Final[Any] = asyncio.Future
_CONCURRENT: Final = concurrent.futures.Future
_CANCELLED: Final = ("CANCELLED", "CANCELLED_AND_NOTIFIED")
_OVER: Final = (*_CANCELLED, "FINISHED")
#: Of a lock that is held for the time of an assignment.
_LOCK_SECONDS: Final = 1.0
#: What asking for would keep asyncio from warning of.
_EXCEPTION: Final = defined(_ASYNCIO, "_exception")


def until_done(carried: Carried, result: Any) -> Any:
    """Let a call last until a future is done, and return the future."""
    if issubclass(_exact(result), _ASYNCIO):
        _ASYNCIO.add_done_callback(result, partial(_end, carried, way=_end_of_asyncio))
    else:
        _when_done(carried, result)
    return result


def _exact(result: object) -> type[object]:
    return type(result)


def _end(carried: Carried, future: object, way: Callable[[Carried, Any], None]) -> None:
    try:
        way(carried, future)
    except Exception:  # noqa: BLE001 - telemetry never hurts the host
        note_internal_error("the end of a future")
        carried.left()


def _end_of_asyncio(carried: Carried, future: Any) -> None:
    if _ASYNCIO.cancelled(future):
        carried.failed(asyncio.CancelledError())
        return
    exception: Any = (
        _EXCEPTION.__get__(future)
        if isinstance(_EXCEPTION, GetSetDescriptorType)
        else attribute(future, "_exception")
    )
    if exception is not None:
        carried.failed(exception)
    else:
        carried.over(_ASYNCIO.result(future))


def _when_done(carried: Carried, given: object) -> None:
    """Wait as ``Future.add_done_callback`` does, without a look at attributes of a class."""
    future = _kept(given)
    condition, callbacks = attribute(future, "_condition"), attribute(future, "_done_callbacks")
    lock: Any = attribute(condition, "_lock") if type(condition) is threading.Condition else None
    ours = type(lock) is type(threading.RLock()) and type(callbacks) is list
    if not ours or not lock.acquire(timeout=_LOCK_SECONDS):
        carried.over(given)
        return
    try:
        state = attribute(future, "_state")
        if not _is_one_of(state, _OVER):
            waiting = cast("list[Callable[[object], None]]", callbacks)
            waiting.append(lambda done: _end(carried, done, _end_of_concurrent))
            return
    finally:
        lock.release()
    _end(carried, future, _end_of_concurrent)


def _end_of_concurrent(carried: Carried, future: object) -> None:
    exception: Any = attribute(future, "_exception")
    if _is_one_of(attribute(future, "_state"), _CANCELLED):
        carried.failed(asyncio.CancelledError())
    elif exception is not None:
        carried.failed(exception)
    else:
        carried.over(attribute(future, "_result"))


def _is_one_of(state: object, states: tuple[str, ...]) -> bool:
    return type(state) is str and state in states


def _kept(future: object) -> object:
    """Return the future that another one hands on to, such as that of a job of Gradio."""
    fields = own_fields(future) or {}
    if "_condition" not in fields:
        kept = [each for each in fields.values() if issubclass(type(each), _CONCURRENT)]
        if len(kept) == 1:
            return kept[0]
    return future
