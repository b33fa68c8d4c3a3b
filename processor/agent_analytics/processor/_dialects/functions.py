"""What no table of a dialect can say: its own functions, on spans of its own scopes."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from agent_analytics.processor._dialects._shared.basis import Scope
from agent_analytics.processor._dialects._shared.tokens import note_usage
from agent_analytics.processor._dialects.dialect import Dialect, Look
from agent_analytics.processor._dialects.facts import Facts
from agent_analytics.processor._dialects.registry import DIALECTS, begins


class Looks(NamedTuple):
    """What the dialects of a scope have functions for."""

    what: tuple[Look, ...]
    more: tuple[Look, ...]
    usage: tuple[Dialect, ...]
    events: tuple[Dialect, ...]


@lru_cache(maxsize=1_000)
def looks_of(source: str) -> Looks:
    """Return the functions of the dialects of a scope."""
    scope = source.lower()
    own = [dialect for dialect in DIALECTS if begins(scope, dialect.scopes)]
    return Looks(
        tuple(dialect.what for dialect in own if dialect.what is not None),
        tuple(dialect.more for dialect in own if dialect.more is not None),
        tuple(dialect for dialect in own if dialect.usage is not None),
        tuple(dialect for dialect in own if dialect.events_fail is not None),
    )


def see_more(looks: Looks, facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Let the dialects of a scope add what a span says in a format of its own."""
    for look in looks.more:
        look(facts, name, attributes)
    for dialect in looks.usage:
        usage = None if dialect.usage is None else dialect.usage(facts, attributes)
        if usage is not None:
            note_usage(facts, usage, Scope(dialect.scopes[0]))


def failure_of(source: str, events: Iterable[Any]) -> str | None:
    """Return the type of the error that a span's events speak of beside its status, or ``None``."""
    for dialect in looks_of(source).events:
        if dialect.events_fail is not None:
            return dialect.events_fail(events)
    return None
