"""Groups of exceptions are what is in them."""

# What grows from a tree of any shape has no type.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import langgraph.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.instrumentation.calls.test_exceptions import CELERY, made, outcome

from agent_analytics.instrumentation import agent
from agent_analytics.instrumentation._calls import outcomes

Said = Callable[[], dict[str, object]]
Task = Callable[[], Coroutine[Any, Any, None]]

CANCELLED, TIMEOUT, STEERED = asyncio.CancelledError, TimeoutError, langgraph.errors.GraphInterrupt


def group(*inside: BaseException) -> BaseException:
    """Return a group."""
    return BaseExceptionGroup("several", inside)


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        (group(CANCELLED(), CANCELLED()), ("cancelled", "asyncio.exceptions.CancelledError")),
        (group(CANCELLED(), GeneratorExit()), ("cancelled", "asyncio.exceptions.CancelledError")),
        (group(TIMEOUT(), TIMEOUT()), ("timeout", "TimeoutError")),
        (group(CANCELLED(), TIMEOUT()), ("timeout", "TimeoutError")),
        (group(ValueError(), ValueError()), ("error", "ValueError")),
        (group(CANCELLED(), ValueError(), TIMEOUT()), ("error", "ValueError")),
        (group(KeyError(), ValueError()), ("error", "KeyError")),
        (group(STEERED(), CANCELLED()), ("steered", "langgraph.errors.GraphInterrupt")),
        (group(STEERED(), ValueError()), ("error", "ValueError")),
        (group(STEERED(), TIMEOUT()), ("timeout", "TimeoutError")),
        (group(group(group(CANCELLED()), CANCELLED())), ("cancelled", None)),
        (group(group(TIMEOUT()), group(CANCELLED(), KeyError())), ("error", "KeyError")),
        (group(SystemExit(0), CANCELLED()), ("success", "SystemExit")),
        (group(SystemExit(3), CANCELLED()), ("error", "SystemExit")),
        (group(CELERY.SoftTimeLimitExceeded()), ("timeout", None)),
    ],
    ids=repr,
)
def test_a_group_is_what_is_in_it(
    exception: BaseException, expected: tuple[str, str | None]
) -> None:
    """A failure decides, then a timeout, then what steers; all cancelled is cancelled."""
    found = outcomes.classify(exception)
    assert found[0] == expected[0]
    assert expected[1] is None or found[1] == expected[1]


LEAVES = st.sampled_from([CANCELLED, TIMEOUT, STEERED, ValueError, KeyError])
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inside: st.lists(inside, min_size=1, max_size=4), max_leaves=12
)


def leaves_of(tree: object) -> list[type[BaseException]]:
    """Return what a tree holds, in order."""
    if isinstance(tree, list):
        return [leaf for each in tree for leaf in leaves_of(each)]
    assert isinstance(tree, type)
    return [tree]


def grown(tree: object) -> BaseException:
    """Return the exception, or group of such, that a tree describes."""
    if isinstance(tree, list):
        return group(*(grown(each) for each in tree))
    assert isinstance(tree, type)
    exception: BaseException = tree()
    return exception


@given(TREES)
def test_the_shape_of_a_group_does_not_matter(tree: object) -> None:
    """However groups are nested, their leaves alone decide, and the first failure names them."""
    inside = leaves_of(tree)
    failures = [each.__name__ for each in inside if each in {ValueError, KeyError}]
    found = outcomes.classify(grown(tree))
    if failures:
        assert found == ("error", failures[0])
    elif TIMEOUT in inside:
        assert found == ("timeout", "TimeoutError")
    else:
        assert found[0] == ("steered" if STEERED in inside else "cancelled")


def test_groups_that_are_no_groups_of_pythons() -> None:
    """Those of old trio and anyio, which keep a list, are read alike, round in a circle, too."""
    for name in ("trio.MultiError", "anyio._core._exceptions.ExceptionGroup"):
        exception: Any = made(name, BaseException)()
        exception.exceptions = [TIMEOUT(), exception, CANCELLED(), "no exception"]
        assert outcome(exception) == "timeout"
        exception.exceptions = []
        assert outcome(exception) == "error"
        exception.exceptions = [exception]
        assert outcome(exception) == "error"


def test_a_group_of_very_many() -> None:
    """A group of a hundred thousand, and one that is nested a thousand deep, are judged."""
    assert outcome(group(*(CANCELLED() for _ in range(100_000)))) == "cancelled"
    deep = group(TIMEOUT())
    for _ in range(1_000):
        deep = group(deep)
    assert outcome(deep) == "timeout"


async def _fail_in_groups(*tasks: Task) -> None:
    async with anyio.create_task_group() as outer, asyncio.TaskGroup() as inner:
        outer.start_soon(tasks[0])
        for each in tasks[1:]:
            inner.create_task(each())


async def _times_out() -> None:
    async with asyncio.timeout(0):
        await asyncio.sleep(60)


async def _fails_after() -> None:
    with anyio.fail_after(0):
        await anyio.sleep(60)


async def _is_interrupted() -> None:
    raise langgraph.errors.GraphInterrupt


async def _goes_wrong() -> None:
    raise KeyError


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ((_times_out, _fails_after), "timeout"),
        ((_is_interrupted, _is_interrupted), "steered"),
        ((_is_interrupted, _goes_wrong), "error"),
    ],
)
def test_real_task_groups(tasks: tuple[Task, ...], expected: str, said: Said) -> None:
    """A decorated coroutine whose task groups end so means what happened in them."""

    @agent
    async def work() -> None:
        await _fail_in_groups(*tasks)

    with pytest.raises(BaseExceptionGroup):
        asyncio.run(work())
    assert said()["marketplace.outcome"] == expected
