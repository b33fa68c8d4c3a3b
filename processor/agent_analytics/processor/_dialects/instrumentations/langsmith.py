"""LangSmith's export: runs of LangChain, LangGraph and of traced functions as spans.

It gives prompts and retrievers the operations of models, and writes what it knows beside that into
metadata. A span is given the status OK when it begins, which no later status replaces: that it
failed shows in its exception alone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from agent_analytics.instrumentation.exact import exact, exact_attributes
from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.names import plain_name
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_KIND: Final = "langsmith.span.kind"
_ROLES: Final = {"llm": f.MODEL, "tool": f.TOOL}
_PROVIDER: Final = "langsmith.metadata.ls_provider"
#: Its exception is of one type whatever failed; what failed is its text: first the exception as
#: Python writes it (or, of a traced function, last), then where it was raised.
_RAISED: Final = re.compile(r"([A-Za-z_][\w.]{0,199})\(")
_LAST_LINE: Final = re.compile(r"([A-Za-z_][\w.]{0,199})(?::.*)?", re.DOTALL)
_UNKNOWN_TYPE: Final = "_OTHER"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Believe the kind of a run; a chain that is called an agent may be one."""
    kind = attributes.get(_KIND)
    if type(kind) is not str:
        return
    facts.role = _ROLES.get(kind, f.OTHER)
    if kind != "chain" or "agent" not in name.lower() or "." in name:
        return  # what has a dot is a method, of middleware for one
    if facts.graph != f.NO_GRAPH:
        facts.role = f.AGENT  # or a graph, or a step of one: the tree says which
    else:
        facts.unmarked, facts.name = True, plain_name(name)


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Read the provider from the metadata: the attribute holds a guess."""
    del name
    if facts.role != f.MODEL:
        return
    provider = attributes.get(_PROVIDER)
    if type(provider) is str and provider:
        facts.provider = provider


def _failure(events: Iterable[Any]) -> str | None:
    """Return the type of the exception that the last exception's text begins or ends with."""
    failed = None
    for event in events:
        if exact(event.name) == "exception":
            carried = exact_attributes(event.attributes or {})
            text = carried.get("exception.message")
            failed = _type_in(text) if type(text) is str else _UNKNOWN_TYPE
    return failed


def _type_in(text: str) -> str:
    found = _RAISED.match(text)
    if found is None:
        # A pattern that looks for the last line would look from each of them again.
        _, lines, last = text.rstrip().rpartition("\n")
        found = _LAST_LINE.fullmatch(last) if lines else None
    return found[1] if found is not None else _UNKNOWN_TYPE


LANGSMITH: Final = Dialect(
    name="langsmith",
    scopes=("langsmith",),
    # It is named after its maker.
    frameworks={"langsmith": "langchain"},
    metadata=("langsmith.metadata.",),
    only_calls=("langsmith.metadata.ls_",),
    parameters=("langsmith.metadata.invocation_params",),
    models=("langsmith.metadata.ls_model_name",),
    conversations=(
        "langsmith.metadata.thread_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.conversation_id",
    ),
    what=_what,
    more=_more,
    events_fail=_failure,
)
