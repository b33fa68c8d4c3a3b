"""What several views of one call say together: each field as the best view has it.

Nothing is ever added up. Where views disagree, the one that is known to follow the conventions is
believed, then what most of them say, then who says most, then who was nearest to the call.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from itertools import islice
from typing import Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._series.schema import NANO
from agent_analytics.processor._trees.sameness import known

#: What is no disagreement about what input contains: one counted a piece of a stream more.
_OFF: Final = 1
#: Who sells the models of others: a call through a host is billed there.
_HOSTS: Final = ("azure", "bedrock", "aws", "vertex", "az.ai")

#: Further ids of one answer that are remembered; views of one call are few.
_MOST_IDS: Final = 16

#: What counts whichever of the views has it: nobody but a user, or a decorator, writes it.
_OF_ANY_VIEW: Final = (v.COST_USD, v.TOOL_RESULT_BYTES, v.TOOL_REPEATED)

Pick = Callable[[d.Facts], int | None]


def merge_into(kept: ForeignSpan, views: Sequence[ForeignSpan]) -> None:
    """Let a span say what all views of its call say.

    Args:
        kept: The one that is counted; one of the views.
        views: All of them, the outermost first; nearer to the call are later ones.
    """
    ended = [view.ended for view in views if view.ended is not None]
    if kept.ended is None or len(ended) < 2:  # noqa: PLR2004 - nothing to merge
        return
    facts = copy(kept.ended.said)
    seen = [(view.source, one.said) for view, one in zip(views, ended, strict=True)]
    _merge_tokens(facts, seen)
    _merge_names(facts, [one.said for one in ended])
    facts.cost = _cost(one.said for one in reversed(ended))
    facts.first_chunk = _first_chunk(kept, views)
    facts.fetched = all(one.said.fetched for one in ended)
    kept.ended.facts = facts
    for one in ended:
        for key in _OF_ANY_VIEW:
            if key in one.attributes:
                kept.ended.attributes.setdefault(key, one.attributes[key])


# --- tokens --------------------------------------------------------------------------------------


def _merge_tokens(facts: d.Facts, seen: Sequence[tuple[str, d.Facts]]) -> None:
    sent = _best(seen, lambda one: _tokens(one).sent)
    received = _best(seen, lambda one: _tokens(one).received)
    if sent is None and received is None:
        return
    cached = _best(seen, lambda one: _tokens(one).cached, part=True)
    reasoning = _best(seen, lambda one: _tokens(one).reasoning, part=True)
    facts.tokens = d.Tokens(sent, received, cached, reasoning)
    facts.cache_write = _best(seen, lambda one: known(one.cache_write), part=True)
    facts.cache_write_1h = _best(seen, lambda one: known(one.cache_write_1h), part=True)
    facts.follows_convention = max(one.follows_convention for _, one in seen)


def _tokens(facts: d.Facts) -> d.Tokens:
    """Return the numbers of tokens of some facts that are ones."""
    return d.Tokens(*map(known, facts.tokens or ()))


def _best(seen: Sequence[tuple[str, d.Facts]], pick: Pick, *, part: bool = False) -> int | None:
    """Return the number that is believed most.

    Args:
        seen: Instrumentations and what they say.
        pick: What is wanted of it.
        part: Whether it is a part of another number: many write 0 for one that they do not know.
    """
    found = [(source, one, count) for source, one in seen if (count := pick(one)) is not None]
    if part and any(count for _, _, count in found):
        found = [(source, one, count) for source, one, count in found if count]
    if not found:
        return None
    numbers = [count for _, _, count in found]
    differ = max(numbers) - min(numbers) > _OFF
    votes = Counter(count for _, count in {(source, count) for source, _, count in found})
    best, most = numbers[0], (-2, 0, 0)
    for _, one, count in found:  # of equals the last, which was nearest to the call
        trust = (
            one.follows_convention if differ else 0,
            votes[count],
            sum(number is not None for number in one.tokens or ()),
        )
        if trust >= most:
            best, most = count, trust
    return best


# --- names ---------------------------------------------------------------------------------------


def _merge_names(facts: d.Facts, said: Sequence[d.Facts]) -> None:
    """Take the names from whoever has them; the id from who was nearest to the call."""
    answered = _first(one.response_model for one in reversed(said))
    asked = [one.model for one in said if one.model is not None]
    facts.response_model = answered
    facts.model = (
        _first(one.model for one in reversed(said) if one.asked)
        or _first(name for name in reversed(asked) if name != answered)
        or _first(reversed(asked))
    )
    providers = [one.provider for one in reversed(said) if type(one.provider) is str]
    facts.provider = _first(
        name for name in providers if any(host in name.lower() for host in _HOSTS)
    ) or _first(providers)
    ids = [one.response_id for one in reversed(said) if one.response_id is not None]
    facts.response_id = _first(ids)
    others = dict.fromkeys(one for one in ids if one != facts.response_id)
    facts.other_ids = tuple(islice(others, _MOST_IDS))


def _first(names: Iterable[str | None]) -> str | None:
    return next((name for name in names if name), None)


# --- the rest ------------------------------------------------------------------------------------


def _cost(said: Iterable[d.Facts]) -> d.StatedCost | None:
    first: d.StatedCost | None = None
    for one in said:
        cost = one.cost
        if cost is None:
            continue
        if cost.dollars and any(cost.amounts):
            return cost
        first = first or cost
    return first


def _first_chunk(kept: ForeignSpan, views: Sequence[ForeignSpan]) -> float | None:
    """Return the seconds from the start of the kept span until the first chunk."""
    for view in (kept, *views):
        ended = view.ended
        if ended is not None and ended.said.first_chunk is not None:
            return ended.said.first_chunk + (view.start_ns - kept.start_ns) / NANO
    return None
