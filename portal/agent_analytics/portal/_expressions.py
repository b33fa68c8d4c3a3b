"""Puts variables into committed expressions, so that no value becomes PromQL.

A value stands inside a string of PromQL, where it is escaped, or it is one of the committed choices
of its variable. Anything else is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: ``$name``, ``${name}`` or ``${name:format}``.
_REFERENCE: Final = re.compile(r"\$(?:(\w+)|\{(\w+)(?::(\w+))?\})")
#: A string of PromQL. Those in backquotes know no escapes.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`', re.DOTALL)
_REGEX_META: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")


class UnknownVariable(ValueError):  # noqa: N818 - reads as what has happened
    """An expression names what its dashboard does not have, or a value is not admitted there."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is chosen for a variable.

    Attributes:
        values: One or several values.
        pattern: The regular expression that stands for them instead, such as ``.*`` for all.
        admitted: Whether the values are committed choices, which may stand outside of strings.
    """

    values: tuple[str, ...]
    pattern: str | None = None
    admitted: bool = False


def put(expr: str, chosen: Mapping[str, Chosen], built_in: Mapping[str, str]) -> str:
    """Return an expression with its variables put in.

    Args:
        expr: As it is committed.
        chosen: What is chosen, by the name of the variable.
        built_in: Grafana's own variables, such as ``__rate_interval``, with texts of ours.

    Raises:
        UnknownVariable: A variable is not there, or its value may not stand where it does.
    """
    made: list[str] = []
    end = 0
    for string in _STRING.finditer(expr):
        outside = expr[end : string.start()]
        made.extend((_outside(outside, chosen, built_in), _string(string[0], outside, chosen)))
        end = string.end()
    made.append(_outside(expr[end:], chosen, built_in))
    return "".join(made)


def _outside(text: str, chosen: Mapping[str, Chosen], built_in: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name in built_in:
            return built_in[name]
        found = _found(name, match, chosen)
        if not found.admitted or len(found.values) != 1:
            message = f"variable {name} may only stand inside a string"
            raise UnknownVariable(message)
        return found.values[0]

    return _REFERENCE.sub(value, text)


def _string(string: str, before: str, chosen: Mapping[str, Chosen]) -> str:
    quote, body = string[0], string[1:-1]
    is_regex = before.rstrip().endswith(("=~", "!~"))
    if not _REFERENCE.search(body):
        return string
    if quote == "`":
        message = "variables do not stand in strings with backquotes"
        raise UnknownVariable(message)

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        found = _found(name, match, chosen)
        if is_regex:
            return _escaped(_pattern(found), quote)
        if len(found.values) != 1 or found.pattern is not None:
            message = f"variable {name} has several values where one is compared"
            raise UnknownVariable(message)
        return _escaped(found.values[0], quote)

    return f"{quote}{_REFERENCE.sub(value, body)}{quote}"


def _found(name: str, match: re.Match[str], chosen: Mapping[str, Chosen]) -> Chosen:
    if match[3]:
        message = f"the format {match[3]} of variable {name} is not supported in expressions"
        raise UnknownVariable(message)
    if name not in chosen:
        message = f"variable {name} is not one of the dashboard"
        raise UnknownVariable(message)
    return chosen[name]


def _pattern(found: Chosen) -> str:
    if found.pattern is not None:
        return found.pattern
    several = [_REGEX_META.sub(r"\\\g<0>", value) for value in found.values]
    return several[0] if len(several) == 1 else f"({'|'.join(several)})"


def _escaped(text: str, quote: str) -> str:
    """Return a text as it stands inside a string of PromQL."""
    plain = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return plain.replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\x00")
