"""The shape of a dialect: tables of names and values, and what no table can say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from agent_analytics.processor._dialects._shared.input_row import Input
from agent_analytics.processor._dialects.facts import Facts

#: Looks closer at a span of its own scopes, by its facts so far, its name and its attributes.
Look = Callable[[Facts, str, Mapping[str, Any]], None]
Object = Mapping[str, Any]


class UsageText(NamedTuple):
    """An attribute that holds usage as text, in a shape of a vendor's own.

    Attributes:
        key: Its name.
        longest: A longer text is content.
        translate: Puts the object into the words of a usage object.
    """

    key: str
    longest: int
    translate: Callable[[Object], Object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one family of instrumentations spells things.

    A field that is not said to hold for a dialect's own scopes alone holds for every span: many
    write the words of others. Where several dialects have a word for one thing, the first in
    ``registry`` is believed.

    Attributes:
        name: For readers.
        scopes: Beginnings of the names of its instrumentation scopes.
        frameworks: Frameworks by what instrumentations of them are called, where that is another
            name.
        signs: Attributes that say, on whatever span, that an agent, a tool or a model is at work.
        starts_agent: Attributes with the value that an agent's span starts with.
        kind_keys: Attributes that say what a span is, the most believed first.
        kinds: Roles by the value of such an attribute, in lower case.
        no_agents: Roles by the value of the first of them, of spans that others take for agents.
        tools: Attributes by such a value that make a span a tool's.
        names: Roles by the beginning of a span's name, where nothing else says it.
        agent_names: Attributes that hold an agent's name; ``tool_names``, ``models``,
            ``response_models``, ``providers``, ``conversations``, ``response_ids`` and
            ``call_ids`` alike, the most believed first.
        asked: Those with the model that was asked, and not the one that answered.
        prefixes: Beginnings of span names that are no part of the agent's or tool's name.
        suffixes: Ends alike.
        first_chunk: Attributes with seconds until the first chunk.
        first_chunk_ms: The same in milliseconds; on spans of its own scopes only, since others
            write seconds under the same name.
        first_chunk_events: Names of span events at the moment of a chunk.
        no_calls: Ends of names of spans that are marked as a call and are none.
        only_calls: Beginnings of attributes that only a call of a model has.
        parameters: Attributes with what a call was asked with, as text.
        unmarked: Names of agents' spans that no attribute marks, as regular expressions; the
            group ``name`` holds the agent's.
        handoffs: Beginnings of names of tools' spans that pass the run on to another agent.
        summaries: Beginnings of names of tools that only sum up calls with spans of their own.
        metadata: Beginnings of attributes with the metadata of a framework of graphs.
        entities: Attributes with what such a framework calls what a span is of.
        tokens: Attributes by the quantity (``tokens.Quantities``) that they hold, in the words of
            this dialect alone; words of many are in ``agent_analytics.instrumentation.spellings``.
        texts_alone: Beginnings of scopes whose tracers know numbers as texts alone.
        usage_texts: Attributes with usage as text, in a shape of its own.
        inputs: What its instrumentations count as input.
        costs: Attributes with a cost, each with that of its currency; words of many are in
            ``_shared.costs``.
        cost_objects: Attributes with an object of costs as text.
        failures: Attributes by the values that mean a failure where the status says nothing.
        states_success: Whether it sets the status OK on whatever went well, so that a span without
            a status did not.
        content: Names of attributes that hold what was asked and answered, as regular expressions.
        content_off: Variables of the environment that keep content out of spans, with the value
            that does.
        packages: Beginnings of the names of distributions that are instrumentations of GenAI.
        libraries: Libraries whose ``opentelemetry-instrumentation-<library>`` is one.
        what: Says what a span of its own scopes is where the tables do not, before its name and
            usage are read.
        more: Adds what such a span says in texts of its own format, after everything else.
        usage: Returns a usage object that such a span holds, if it does.
        events_fail: The type of the error that events of such a span speak of, where a status
            cannot: ``None`` for none.
    """

    name: str
    # whose
    scopes: tuple[str, ...] = ()
    frameworks: Mapping[str, str] | None = None
    # what a span is
    signs: tuple[str, ...] = ()
    starts_agent: tuple[tuple[str, str], ...] = ()
    kind_keys: tuple[str, ...] = ()
    kinds: Mapping[str, int] | None = None
    no_agents: Mapping[object, int] | None = None
    tools: Mapping[str, str] | None = None
    names: Mapping[str, int] | None = None
    no_calls: tuple[str, ...] = ()
    only_calls: tuple[str, ...] = ()
    unmarked: tuple[str, ...] = ()
    handoffs: tuple[str, ...] = ()
    summaries: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    what: Look | None = None
    # how it is called
    agent_names: tuple[str, ...] = ()
    tool_names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    conversations: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()
    # what it asked, and used
    models: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    response_models: tuple[str, ...] = ()
    response_ids: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    first_chunk: tuple[str, ...] = ()
    first_chunk_ms: tuple[str, ...] = ()
    first_chunk_events: tuple[str, ...] = ()
    tokens: Mapping[str, tuple[str, ...]] | None = None
    texts_alone: tuple[str, ...] = ()
    usage_texts: tuple[UsageText, ...] = ()
    usage: Callable[[Facts, Mapping[str, Any]], Mapping[str, Any] | None] | None = None
    inputs: tuple[Input, ...] = ()
    costs: tuple[tuple[str, str | None], ...] = ()
    cost_objects: tuple[str, ...] = ()
    more: Look | None = None
    # how it ended
    failures: Mapping[str, tuple[object, ...]] | None = None
    states_success: bool = False
    events_fail: Callable[[Iterable[Any]], str | None] | None = None
    # what may not leave the process, and what is switched on
    content: tuple[str, ...] = ()
    content_off: Mapping[str, str] | None = None
    packages: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
