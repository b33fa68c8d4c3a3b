"""Every answer of a model that a value holds, also where frameworks keep several of them.

What a framework returns is often no answer but what it was made of: the messages of a graph or a
team, what one of them says under its name, a pair of a parsed object and the answer behind it,
usage by the names of models.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, cast

from agent_analytics.instrumentation._strangers.plain_data import held, is_plain, plain, reading
from agent_analytics.instrumentation._usage.fields import items, text, word
from agent_analytics.instrumentation._usage.usage import Found, usage_by_model, usage_in

#: Lists of messages and answers: LangGraph's and AutoGen's, Haystack's, LangChain's, the OpenAI
#: Agents SDK's and Semantic Kernel's.
_LISTS: Final = (
    "messages", "inner_messages", "replies", "generations", "raw_responses", "value",
)  # fmt: skip
#: Beside such a list, the last message.
_LAST: Final = ("chat_message",)
_HOLDS: Final = frozenset((*_LISTS, *_LAST))
#: What an update of Microsoft's agent-framework holds, usage among it.
_CONTENTS: Final = "contents"
_USAGE: Final = "usage"
#: Usage by the names of models: DSPy's, and that of Claude's agents.
_BY_MODEL: Final = ("_lm_usage", "model_usage", "modelUsage")
_HOLDS_MODELS: Final = frozenset(_BY_MODEL)
#: Who says what a person says, by the fields that name the speaker.
_SPEAKERS: Final = ("type", "role", "_role", "source")
_PERSONS: Final = ("human", "user")
#: What a tool returned to a model of Anthropic's, of Bedrock's.
_TOOL_RESULT: Final = "tool_result"
_TOOL_RESULT_OF_BEDROCK: Final = "toolResult"
#: A part of pydantic-ai's requests, and what a person's is called.
_PART: Final = "part_kind"
_PROMPT: Final = "user-prompt"
#: ADK's events of a streamed answer say so of all but the last, each with an id of its own.
PIECE: Final = "partial"
#: A graph that waits for a person: what it did so far is in its state again when it goes on.
_WAITS: Final = "__interrupt__"
#: More messages are not looked at, and fewer where none of them has usage.
_MOST: Final = 1_000
_MOST_SILENT: Final = 32
#: A state says under a few names what the steps of a graph have done.
_MOST_NAMES: Final = 4
_DEEPEST: Final = 2
_LISTED: Final = (list, tuple)


class Answers(NamedTuple):
    """The answers that a value holds.

    Attributes:
        found: What each of them says, in the order in which they were given.
        all_so_far: Whether they are all of a run until now, and not what is new.
    """

    found: tuple[Found, ...] = ()
    all_so_far: bool = False


_NONE: Final = Answers()


def read_answers(value: object) -> Answers:
    """Return the answers that a result or a chunk of a stream holds; nothing is raised."""
    if is_plain(value) and type(value) not in _LISTED:
        return _NONE
    try:
        with reading():
            return _answers(value)
    except Exception:  # noqa: BLE001 - what cannot be read is no usage
        return _NONE


def _answers(value: object) -> Answers:
    if is_plain(value):
        return Answers(tuple(_each(value)))
    fields = held(value)
    found = _by_model(value, fields) or usage_in(value)
    if found is not None:
        return Answers((found,))
    if fields is None or _WAITS in fields:
        return _NONE
    if not _HOLDS.isdisjoint(fields):
        return Answers(tuple(_listed(fields)), all_so_far=True)
    if _CONTENTS in fields:
        return Answers(tuple(_in_contents(fields)))
    is_state = issubclass(type(value), dict) and len(fields) <= _MOST_NAMES
    return Answers(tuple(_by_step(fields))) if is_state else _NONE


def _by_model(value: object, fields: Mapping[str, object] | None) -> Found | None:
    if fields is None or _HOLDS_MODELS.isdisjoint(fields):
        return None
    for key in _BY_MODEL:
        found = usage_by_model(value, fields.get(key))
        if found is not None:
            return found
    return None


def _in_contents(fields: Mapping[str, object]) -> Iterator[Found]:
    """Yield the usage among the contents of an update, which adds to what is known already."""
    answer = text(fields.get("response_id")) or text(fields.get("message_id"))
    for content in items(fields.get(_CONTENTS)):
        if word(content, "type") == _USAGE:
            found = usage_in(content) or usage_in({_USAGE: plain(content, "details")})
            if found is not None:
                adds = word(content, "merge_mode") != "replace"
                yield found._replace(call_id=answer, adds=adds)


def _by_step(steps: Mapping[str, object]) -> Iterator[Found]:
    """Yield what is in the messages that each step of a graph adds."""
    for step in steps.values():
        found = held(step) if issubclass(type(step), dict) else None
        if found is not None:
            yield from _listed(found)


def _listed(fields: Mapping[str, object]) -> Iterator[Found]:
    for key in _LISTS:
        listed = fields.get(key)
        if is_plain(listed) and type(listed) in _LISTED:
            yield from _each(listed)
    for key in _LAST:
        found = usage_in(fields.get(key))
        if found is not None:
            yield found


def _each(listed: object, depth: int = 0) -> list[Found]:
    """Return what the answers in a list say, from the last thing on that a person has said."""
    values = cast("list[object]", listed)
    found: list[Found] = []
    for number, value in enumerate(reversed(values[-_MOST:])):
        if number >= _MOST_SILENT and not found:
            break
        if is_plain(value):
            if type(value) in _LISTED and depth < _DEEPEST:
                found += reversed(_each(value, depth + 1))
        else:
            if _of_person(value):
                break
            if plain(value, PIECE) is True:
                continue  # another of them has the whole
            one = usage_in(value)
            if one is not None:
                found.append(one)
    found.reverse()
    return found


def _of_person(message: object) -> bool:
    """Tell whether a message is a person's, and not what a tool returned in a person's name."""
    if any(word(part, _PART) == _PROMPT for part in items(plain(message, "parts"))):
        return True
    return any(word(message, key) in _PERSONS for key in _SPEAKERS) and not any(
        word(part, "type") == _TOOL_RESULT or plain(part, _TOOL_RESULT_OF_BEDROCK) is not None
        for part in items(plain(message, "content"))
    )
