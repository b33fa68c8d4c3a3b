"""A writer for the YAML that this package generates: block style, stable, without a dependency.

It writes the subset that Prometheus, Alertmanager and Grafana read: mappings with string keys,
sequences, strings, integers and booleans. Everything that could be taken for another type is
quoted.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias, TypeGuard

Yaml: TypeAlias = "str | int | bool | Mapping[str, Yaml] | Sequence[Yaml]"

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+(?:ms|[smhdwy])")
_RESERVED = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def dump(document: Mapping[str, Yaml], *, comment: str = "") -> str:
    """Return a document as YAML text that ends in a newline, below an optional comment."""
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    return head + "\n".join(_mapping(document, 0)) + "\n"


def _mapping(value: Mapping[str, Yaml], depth: int) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        lines.extend(_entry(f"{'  ' * depth}{_string(key)}:", item, depth))
    return lines


def _entry(head: str, item: Yaml, depth: int) -> list[str]:
    if isinstance(item, str) and "\n" in item:
        return [f"{head} |-", *(f"{'  ' * (depth + 1)}{line}" for line in item.split("\n"))]
    if isinstance(item, (str, int)):
        return [f"{head} {_scalar(item)}"]
    if not item:
        return [f"{head} {'{}' if isinstance(item, Mapping) else '[]'}"]
    if isinstance(item, Mapping):
        return [head, *_mapping(item, depth + 1)]
    return [head, *_sequence(item, depth + 1)]


def _sequence(value: Sequence[Yaml], depth: int) -> list[str]:
    lines: list[str] = []
    for item in value:
        if isinstance(item, Mapping) and item:
            nested = _mapping(item, depth + 1)
            first = nested[0].removeprefix("  " * (depth + 1))
            lines.extend([f"{'  ' * depth}- {first}", *nested[1:]])
        elif isinstance(item, (str, int)):
            lines.append(f"{'  ' * depth}- {_scalar(item)}")
        else:
            message = f"a sequence holds mappings and scalars, not {item!r}"
            raise TypeError(message)
    return lines


def _scalar(value: str | int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else _string(value)


def _string(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    if '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    # A JSON string is a double-quoted YAML string.
    return json.dumps(value, ensure_ascii=False)


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """Return whether a part of a document has names."""
    return isinstance(value, Mapping)


def mappings(value: object) -> list[Mapping[str, object]]:
    """Return those parts of a list that have names."""
    return [item for item in value if is_mapping(item)] if _is_sequence(value) else []


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
