"""Keeps prompts, answers, arguments and results out of spans, where nobody has asked for them.

The conventions have content off by default; some packages record it unless set otherwise, each
by a variable of its own. A variable that the user has set is left as it is.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from agent_analytics.processor.dialects import CONTENT_OFF

#: The one variable of the OpenTelemetry conventions.
CAPTURE_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_OFF: Final = frozenset({"", "0", "false", "no", "off", "no_content"})

#: Strands has its switch among the tokens of a variable that others read, too.
_STRANDS_DISTRIBUTION: Final = "strands-agents"
_STRANDS_VARIABLE: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
_STRANDS_TOKEN: Final = "gen_ai_unredacted_attributes="  # noqa: S105 - a word, not a secret


def capture_asked() -> bool:
    """Tell whether the user asks for content by the variable of the conventions."""
    return os.environ.get(CAPTURE_VARIABLE, "").strip().lower() not in _OFF


def content_wanted() -> bool:
    """Tell whether the user asks for content, by that variable or by a package's own."""
    if capture_asked():
        return True
    values = ((os.environ.get(name, "").strip().lower(), off) for name, off in CONTENT_OFF.items())
    return any(value not in {"", off} for value, off in values)


@dataclass(frozen=True, slots=True)
class _Set:
    """A variable that was set here."""

    name: str
    value: str
    before: str | None

    def undo(self) -> None:
        """Put back what was there, unless somebody has set it since."""
        if os.environ.get(self.name) != self.value:
            return
        if self.before is None:
            del os.environ[self.name]
        else:
            os.environ[self.name] = self.before


def _set(name: str, value: str) -> _Set:
    done = _Set(name, value, os.environ.get(name))
    os.environ[name] = value
    return done


def switch_off() -> Callable[[], None]:
    """Set the switches that are not set yet, and return what undoes that.

    None is set where the conventions' variable asks for content: it stands for all of them.
    """
    if capture_asked():
        return lambda: None
    done = [
        _set(name, value)
        for name, value in CONTENT_OFF.items()
        if not os.environ.get(name, "").strip()
    ]
    tokens = os.environ.get(_STRANDS_VARIABLE, "").strip()
    if _STRANDS_TOKEN not in tokens and _has(_STRANDS_DISTRIBUTION):
        done.append(_set(_STRANDS_VARIABLE, f"{tokens},{_STRANDS_TOKEN}".lstrip(",")))

    def undo() -> None:
        for each in done:
            each.undo()

    return undo


def _has(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True
