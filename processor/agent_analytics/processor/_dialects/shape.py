"""What the names of a span's attributes say of it, whatever their values: looked at once for all.

An instrumentation writes the same attributes on span after span. Which of them mean something, and
which of several with one meaning is believed first, is found out for the first of these spans and
remembered. Nothing that depends on a value is: whoever sends spans chooses both.
"""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._dialects._shared.costs import SIGN as COST
from agent_analytics.processor._dialects._shared.graphs import CLUES
from agent_analytics.processor._dialects._shared.protocols import METHODS
from agent_analytics.processor._dialects._shared.tokens import COUNTS
from agent_analytics.processor._dialects._shared.usage_texts import KEYS as USAGE_TEXTS
from agent_analytics.processor._dialects.registry import DIALECTS, joined
from agent_analytics.processor._dialects.signs import TELLING

# What attributes hold, each in one place of a list. Texts first, then values of any type.
AGENT, TOOL_CALLED, MODEL, CONVERSATION, RESPONSE_ID, CALL_ID = range(6)
RESPONSE_MODEL, PROVIDER = 6, 7
FIRST_CHUNK: Final = 8
TOKENS: Final = 9
FIELDS: Final = (
    "agent_names",
    "tool_names",
    "models",
    "conversations",
    "response_ids",
    "call_ids",
    "response_models",
    "providers",
    "first_chunk",
)
#: What is said of tokens, then the same of an agent and all its calls together, then as text.
OWN_TOKENS: Final = TOKENS + len(COUNTS)
USAGE_TEXT: Final = OWN_TOKENS + len(COUNTS)
KINDS: Final = USAGE_TEXT + 1
#: Attributes that say what a span is, with the roles of their values, the most believed first.
KIND_ROLES: Final[tuple[tuple[str, Mapping[str, int]], ...]] = tuple(
    (key, dialect.kinds or {}) for dialect in DIALECTS for key in dialect.kind_keys
)
OPERATION: Final = KINDS
KIND_PLACES: Final = {key: KINDS + number for number, (key, _) in enumerate(KIND_ROLES)}
FAILURES: Final = {
    key: values
    for dialect in DIALECTS
    if dialect.failures
    for key, values in dialect.failures.items()
}
#: What is looked at more closely: a framework of graphs, a protocol, a failure.
CLOSER: Final = KINDS + len(KIND_ROLES)
_SIZE: Final = CLOSER + 1
_NOTHING: Final[tuple[None, ...]] = (None,) * _SIZE
#: Place and rank of each attribute: of several with one meaning, that of lowest rank is believed.
_PLACES: Final[Mapping[str, tuple[int, int]]] = {
    **dict.fromkeys((*CLUES, *METHODS, *FAILURES), (CLOSER, 0)),
    **{
        key: (place, rank)
        for place, field in enumerate(FIELDS)
        for rank, key in enumerate(joined(field))
    },
    **{
        key: (first + number, rank)
        for number, count in enumerate(COUNTS)
        for first, keys in ((TOKENS, count.attributes), (OWN_TOKENS, count.own))
        for rank, key in enumerate(keys)
    },
    **dict.fromkeys(USAGE_TEXTS, (USAGE_TEXT, 0)),
    **{key: (KINDS + number, 0) for number, (key, _) in enumerate(KIND_ROLES)},
}
#: Attributes with the model that was asked, and not the one that answered.
_ASKED: Final[frozenset[str]] = frozenset(joined("asked"))
#: What is kept of a span's attributes as it is; everything else goes through the dialects.
_KEPT: Final = frozenset(
    {
        v.AGENT_ID,
        v.AGENT_VERSION,
        v.TENANT_ID,
        v.OUTCOME,
        v.ERROR_TYPE,
        v.REVENUE_USD,
        v.REFUND_USD,
        v.COST_USD,
        v.USAGE_OWN,
        v.DURATION_UNKNOWN,
        v.TOOL_REPEATED,
        v.TOOL_RESULT_BYTES,
        v.EVENT,
        v.EVENT_ID,
    }
)


class Shape:
    """What the names of some attributes say.

    Attributes:
        speaks: Whether one of them says that an agent, a tool or a model is at work.
        asked: Whether one of them holds the model that was asked.
        costs: Whether one of them may hold a cost.
        kept: Those that are kept as they are.
        texts: Places of texts, each with the attributes for it, the most believed first.
        values: Places of values of any type, alike.
    """

    __slots__ = ("asked", "costs", "kept", "speaks", "texts", "values")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.speaks = not TELLING.isdisjoint(keys)
        self.asked = not _ASKED.isdisjoint(keys)
        self.costs = any(COST in key for key in keys)
        self.kept = tuple(key for key in keys if key in _KEPT)
        found: dict[int, list[tuple[int, str]]] = {}
        for key in keys:
            place, rank = _PLACES.get(key, (-1, 0))
            if place >= 0:
                found.setdefault(place, []).append((rank, key))
        ranked = [
            (place, tuple(key for _, key in sorted(ones, key=lambda one: one[0])))
            for place, ones in found.items()
        ]
        self.texts = tuple(one for one in ranked if one[0] < FIRST_CHUNK)
        self.values = tuple(one for one in ranked if one[0] >= FIRST_CHUNK)

    def sort(self, attributes: Mapping[str, Any]) -> list[Any]:
        """Return the most believed value of each place; the names are those of the shape."""
        said: list[Any] = list(_NOTHING)
        for place, keys in self.texts:
            for key in keys:
                value = attributes[key]
                if type(value) is str and value:
                    said[place] = value
                    break
        for place, keys in self.values:
            for key in keys:
                value = attributes[key]
                if value is not None:
                    said[place] = value
                    break
        return said


#: Shapes that are remembered, and as many of before. A shape in use goes on from there: who sends
#: spans of ever new shapes makes others find none of theirs again.
_REMEMBERED: Final = 512
#: Spans with more attributes, or longer names, are looked at each time.
_MOST_KEYS: Final = 64
_LONGEST: Final = 4_096


class Shapes:
    """Remembers shapes by the names of the attributes, in their order."""

    __slots__ = ("_before", "_known")

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Shape] = {}
        self._before: dict[tuple[str, ...], Shape] = {}

    def of(self, attributes: Mapping[str, Any]) -> Shape:
        """Return the shape of some attributes."""
        keys = tuple(attributes)
        return self._known.get(keys) or self._find(keys)

    def _find(self, keys: tuple[str, ...]) -> Shape:
        shape = self._before.get(keys)
        if shape is None:
            shape = Shape(keys)
            if (
                len(keys) > _MOST_KEYS
                or not all(type(key) is str for key in keys)
                or sum(map(len, keys)) > _LONGEST
            ):
                return shape
        if len(self._known) >= _REMEMBERED:
            self._before, self._known = self._known, {}
        self._known[keys] = shape
        return shape


#: Of the whole process: what names of attributes say is the same for everybody.
shape_of: Final = Shapes().of
