"""Usage that a span holds as text: an object of JSON, or as Python prints it.

What no attribute of its own says is found there. Some vendors have an object of their own shape,
which is put into the words of a usage object first.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agent_analytics.instrumentation import spellings
from agent_analytics.instrumentation._usage.fields import count
from agent_analytics.processor._dialects._shared.texts import parsed
from agent_analytics.processor._dialects.dialect import Object, UsageText
from agent_analytics.processor._dialects.registry import joined


def with_texts(
    values: Sequence[Any], attributes: Mapping[str, Any], counts: Sequence[spellings.Spelling]
) -> Sequence[Any]:
    """Return the values with what only a text says."""
    for usage in _usages(attributes):
        values = [
            value if value is not None else first(usage, spelling)
            for value, spelling in zip(values, counts, strict=True)
        ]
    return values


def first(usage: object, spelling: spellings.Spelling) -> int | None:
    """Return the most believed number of a usage object under one spelling, or ``None``."""
    return next(
        (found for path in spelling.fields if (found := count(usage, path)) is not None), None
    )


def _usages(attributes: Mapping[str, Any]) -> Iterator[Object]:
    for key, place in spellings.TEXTS.items():
        usage = parsed(attributes.get(key))
        if usage is not None:
            yield usage if place is None else {place: usage}
    for text in _TRANSLATED:
        usage = parsed(attributes.get(text.key), text.longest)
        if usage is not None:
            yield text.translate(usage)


#: Attributes with an object of a vendor's own shape, by who writes them.
_TRANSLATED: Final[tuple[UsageText, ...]] = joined("usage_texts")
#: Attributes that hold usage as text.
KEYS: Final = (*spellings.TEXTS, *(text.key for text in _TRANSLATED))
