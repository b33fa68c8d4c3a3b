"""The figures of a usage object, whatever library it is of, by the one table of spellings."""

import re
from typing import Final, cast

from agent_analytics.instrumentation import spellings
from agent_analytics.instrumentation._strangers.plain_data import is_plain, plain
from agent_analytics.instrumentation._usage.fields import count, items, whole, word
from agent_analytics.instrumentation.figures import Figures
from agent_analytics.instrumentation.spellings import Path, Spelling


def figures_of(usage: object, paths: dict[str, Path]) -> Figures | None:
    """Return the figures of a usage object; ``paths`` learns where they were found."""

    def stated(what: str, spelling: Spelling) -> int | None:
        first: int | None = None
        for path in spelling.fields:
            found = count(usage, path)
            if found is not None:
                if found or first is None:
                    paths[what] = path
                    first = found
                if found:
                    break
        return first

    paths["input"] = paths["output"] = ()
    given, made = stated("input", spellings.INPUT), stated("output", spellings.OUTPUT)
    if given is None and made is None:
        return None
    brief, hour = (
        stated("5m", spellings.WRITTEN_5M),
        stated("1h", spellings.WRITTEN_1H),
    )
    written = stated("written", spellings.WRITTEN)
    if hour is None:
        hour = _listed(usage)
    if brief is not None or hour is not None:
        by_lifetime = (brief or 0) + (hour or 0)
        if by_lifetime > (written or 0):
            written = by_lifetime
            paths["written"] = paths.get("1h") or paths.get("5m", ())
    return Figures(
        given,
        made,
        stated("cached", spellings.CACHED),
        written,
        hour,
        stated("reasoning", spellings.REASONING),
        stated("tool_prompt", spellings.TOOL_PROMPT),
        stated("total", spellings.TOTAL),
        stated("fresh", spellings.FRESH),
    )


def _listed(usage: object) -> int | None:
    """Return what was written for an hour, where writes are a list."""
    where, lifetime, tokens, hour = spellings.WRITTEN_LIST
    counts = [
        whole(plain(one, tokens)) or 0
        for one in items(plain(usage, where))
        if word(one, lifetime) == hour
    ]
    return sum(counts) if counts else None


def has_figures(usage: object) -> bool:
    """Tell whether an object holds numbers of tokens."""
    return any(
        count(usage, path) is not None
        for spelling in (spellings.INPUT, spellings.OUTPUT)
        for path in spelling.fields
    )


#: Where answers hold vectors and verdicts on texts; of a list of such, what each item holds.
_VECTORS: Final = ("embeddings", "embedding")
_ITEMS: Final = ("data", "results")
_OF_ITEMS: Final = ("embedding", "relevance_score", "flagged")
#: Models that answer with numbers or verdicts on texts, and generate nothing.
NO_ANSWER: Final = re.compile(r"embed|moderation|rerank", re.IGNORECASE)
_LONGEST_NAME: Final = 256


def gives_no_answer(source: object, model: str | None) -> bool:
    """Tell whether a request was of no model that answers: it embedded, ranked or moderated."""
    if model is not None and NO_ANSWER.search(model[:_LONGEST_NAME]) is not None:
        return True
    if any(plain(source, key) is not None for key in _VECTORS):
        return True
    for key in _ITEMS:
        listed = plain(source, key)
        if type(listed) is list and listed:
            first = cast("list[object]", listed)[0]
            return not is_plain(first) and any(plain(first, one) is not None for one in _OF_ITEMS)
    return False
