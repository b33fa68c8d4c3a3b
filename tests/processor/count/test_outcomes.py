"""Rule 5: the outcome of a call is explicit, and an exception's text is recorded nowhere."""

import asyncio

import pytest
from opentelemetry.trace import Status, StatusCode
from tests.processor.rig import Rig, chat, invoke, tool

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v

SECRET = "patient 4711 has gout"


@pytest.mark.parametrize("outcome", v.OUTCOMES)
def test_an_outcome_that_is_told_is_believed(rig: Rig, outcome: str) -> None:
    """What a span says of its outcome wins over its status."""
    with rig.span(invoke(), {v.OUTCOME: outcome}) as span:
        rig.run(tool(), {v.OUTCOME: outcome})
        rig.run(chat(), {v.OUTCOME: outcome})
        span.set_status(Status(StatusCode.ERROR))
    for metric in ("invocations_total", "tool_calls_total", "inference_calls_total"):
        assert rig.value(metric) == 1
        assert rig.value(metric, outcome=outcome) == 1


@pytest.mark.parametrize(
    ("outcome", "errors"), [("success", 0), ("error", 1), ("timeout", 1), ("cancelled", 0)]
)
def test_errors_and_timeouts_have_an_error_type(rig: Rig, outcome: str, errors: int) -> None:
    """Cancelled is no error: only errors and timeouts are counted by type."""
    rig.run(invoke(), {v.OUTCOME: outcome, v.ERROR_TYPE: "builtins.ValueError"})
    assert rig.value("invocation_errors_total") == errors
    assert rig.value("invocation_errors_total", error_type="ValueError") == errors


class APITimeoutError(Exception):
    """A timeout in the way of a vendor's library."""


@pytest.mark.parametrize(
    ("exception", "outcome", "error_type"),
    [
        (ValueError, "error", "ValueError"),
        (TimeoutError, "timeout", "TimeoutError"),
        (APITimeoutError, "timeout", "APITimeoutError"),
        (asyncio.CancelledError, "cancelled", None),
        (GeneratorExit, "cancelled", None),
    ],
)
def test_foreign_outcome_comes_from_the_exception(
    rig: Rig, exception: type[BaseException], outcome: str, error_type: str | None
) -> None:
    """A span that tells no outcome has the one of its exception event."""
    with rig.span(invoke()) as span:
        span.record_exception(exception(SECRET))
        span.set_status(Status(StatusCode.ERROR, SECRET))
    assert rig.value("invocations_total", outcome=outcome) == 1
    assert rig.value("invocations_total") == 1
    assert rig.value("invocation_errors_total") == (0 if error_type is None else 1)
    if error_type is not None:
        assert rig.value("invocation_errors_total", error_type=error_type) == 1


def test_the_last_exception_tells(rig: Rig) -> None:
    """Exceptions that were handled before the one that ended the span do not name it."""
    with rig.span(invoke()) as span:
        span.record_exception(ValueError())
        span.record_exception(TimeoutError())
        span.set_status(Status(StatusCode.ERROR))
    assert rig.value("invocation_errors_total", error_type="TimeoutError") == 1


def test_an_exception_without_error_status_is_no_error(rig: Rig) -> None:
    """An exception that was recorded and handled leaves a success."""
    with rig.span(invoke()) as span:
        span.record_exception(ValueError())
    assert rig.value("invocations_total", outcome="success") == 1
    assert rig.value("invocation_errors_total") == 0


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("ValueError", "ValueError"),
        ("openai.RateLimitError", "RateLimitError"),
        ("<class 'openai.RateLimitError'>", "RateLimitError"),
        ("a.b.<locals>.Broken", "Broken"),
        ("500", "500"),
        ("_OTHER", "KeyError"),
        ("", "KeyError"),
        (7, "KeyError"),
        (None, "KeyError"),
    ],
)
def test_forms_of_error_types(rig: Rig, told: object, shown: str) -> None:
    """Modules are stripped; where ``error.type`` tells nothing, the exception event does."""
    with rig.span(invoke(), {} if told is None else {v.ERROR_TYPE: told}) as span:
        span.record_exception(KeyError())
        span.set_status(Status(StatusCode.ERROR))
    assert rig.value("invocation_errors_total", error_type=shown) == 1


def test_an_error_without_any_type(rig: Rig) -> None:
    """An error that says nothing of itself is ``_OTHER``, the conventions' word."""
    with rig.span(invoke()) as span:
        span.set_status(Status(StatusCode.ERROR))
    assert rig.value("invocation_errors_total", error_type="_OTHER") == 1


def test_the_last_dot_may_end_the_name(rig: Rig) -> None:
    """A type that is empty once its module is stripped is ``_OTHER``."""
    rig.run(invoke(), {v.OUTCOME: "error", v.ERROR_TYPE: "module."})
    assert rig.value("invocation_errors_total", error_type="_OTHER") == 1


def test_an_unknown_outcome_is_not_believed(rig: Rig) -> None:
    """An outcome outside the vocabulary is as good as none."""
    with rig.span(invoke(), {v.OUTCOME: "great"}) as span:
        span.set_status(Status(StatusCode.ERROR))
    assert rig.value("invocations_total", outcome="error") == 1


def test_a_tool_that_says_it_failed_has_failed(rig: Rig) -> None:
    """A failure that came back as data counts as one although the status is UNSET."""
    with rig.span(invoke(), {v.OUTCOME: "success"}):
        rig.run(tool(), {v.OUTCOME: "error", v.ERROR_TYPE: "tool_error"})
    assert rig.value("tool_calls_total", tool="search", outcome="error") == 1
    assert rig.value("invocations_total", outcome="success") == 1


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text"])
def test_texts_of_exceptions_are_nowhere(rig: Rig, accept: str) -> None:
    """Neither a message, nor a status description, nor a stack trace is exposed."""
    with rig.span(invoke()) as span:
        for start in (tool(), chat(), {"http.request.method": "GET"}):
            with rig.span(start) as inner:
                inner.record_exception(ValueError(SECRET))
                inner.set_status(Status(StatusCode.ERROR, SECRET))
        span.add_event("exception", {"exception.type": "KeyError", "exception.message": SECRET})
        span.add_event("note", {"text": SECRET})
        span.set_status(Status(StatusCode.ERROR, SECRET))
    both = b"".join(exposition(rig.processor, accept, part)[0] for part in ("metrics", "sketches"))
    assert b"KeyError" in both
    assert b"gout" not in both
