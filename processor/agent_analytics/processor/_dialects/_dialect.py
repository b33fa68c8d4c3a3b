"""The shape of a dialect: a table of attribute names and values, and what no table can say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agent_analytics.processor._dialects._facts import Facts

#: Looks closer at a span of its own scopes, by its facts so far, its name and its attributes.
Look = Callable[[Facts, str, Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one family of instrumentations spells things.

    Attributes:
        name: For readers.
        scopes: Beginnings of the names of its instrumentation scopes.
        kind_keys: Attributes that say what a span is, the most believed first.
        kinds: Roles by the value of such an attribute, in lower case.
        names: Roles by the beginning of a span's name, where nothing else says it.
        agent_names: Attributes that hold an agent's name; ``tool_names``, ``models`` and
            ``conversations`` alike, the most believed first. How tokens are spelled is in
            ``agent_analytics.instrumentation.spellings``.
        suffixes: Ends of span names that are no part of the agent's or tool's name.
        prefixes: Beginnings alike.
        first_chunk: Attributes with seconds until the first chunk.
        first_chunk_ms: The same in milliseconds; on spans of its own scopes only, since others
            write seconds under the same name.
        first_chunk_events: Names of span events at the moment of a chunk.
        no_calls: Ends of names of spans that are marked as a call and are none.
        unmarked: Names of agents' spans that no attribute marks, as regular expressions; the
            group ``name`` holds the agent's.
        failures: Attributes by the values that mean a failure where the status is silent.
        states_success: Whether it sets the status OK on whatever went well, so that a span without
            a status did not.
        what: Says what a span is where the tables do not, before its name and usage are read.
        more: Adds what a span says in texts of its own format, after everything else was read.
        events_fail: The type of the error that events speak of, where a status cannot: ``None``
            for none.
    """

    name: str
    scopes: tuple[str, ...] = ()
    kind_keys: tuple[str, ...] = ()
    kinds: Mapping[str, int] | None = None
    names: Mapping[str, int] | None = None
    agent_names: tuple[str, ...] = ()
    tool_names: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    response_models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    conversations: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    first_chunk: tuple[str, ...] = ()
    first_chunk_ms: tuple[str, ...] = ()
    first_chunk_events: tuple[str, ...] = ()
    response_ids: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()
    no_calls: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()
    failures: Mapping[str, tuple[object, ...]] | None = None
    states_success: bool = False
    what: Look | None = None
    more: Look | None = None
    events_fail: Callable[[Iterable[Any]], str | None] | None = None
