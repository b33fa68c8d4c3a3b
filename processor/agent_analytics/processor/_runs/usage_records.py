"""Records of what calls used, beside the spans of those calls or instead of them."""

from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._trees.sameness import used

#: Input, output, and how many calls they are of.
_Sums = tuple[int, int, int]
_NOTHING: _Sums = (0, 0, 0)


def set_repeated_aside(parts: list[ForeignSpan]) -> None:
    """Find the records that repeat what spans beside them say, and take their role away.

    A record repeats one span beside it, with all that is in it: a model call, or the tool in which
    an agent asked models. What no span says counts where its record stands.
    """
    records = [part for part in parts if part.role == d.USAGE]
    if not records:
        return
    sums = _sums(parts)
    beside: dict[int, dict[tuple[int, int], int]] = {}
    for record in records:
        parent = record.parent
        if not isinstance(parent, ForeignSpan):
            continue
        unclaimed = beside.get(id(parent))
        if unclaimed is None:
            unclaimed = beside[id(parent)] = {}
            for one in parent.children:
                sent, received, calls = sums.get(id(one), _NOTHING)
                if calls:
                    unclaimed[sent, received] = unclaimed.get((sent, received), 0) + 1
        sent, received = (count or 0 for count in used(record))
        if unclaimed.get((sent, received)):
            unclaimed[sent, received] -= 1
            record.role = d.OTHER


def _sums(parts: list[ForeignSpan]) -> dict[int, _Sums]:
    """Return what the model calls of each span and below it used, by its ``id()``."""
    sums: dict[int, _Sums] = {}
    for part in reversed(parts):  # children first
        sent, received, calls = sums.get(id(part), _NOTHING)
        if part.role == d.MODEL:
            asked, answered = used(part)
            if asked is not None or answered is not None:
                sent, received, calls = asked or 0, answered or 0, 1  # what is inside is repeated
        if not calls:
            continue
        sums[id(part)] = (sent, received, calls)
        parent = part.parent
        if isinstance(parent, ForeignSpan):
            more_sent, more_received, more = sums.get(id(parent), _NOTHING)
            sums[id(parent)] = (more_sent + sent, more_received + received, more + calls)
    return sums


__all__ = ["set_repeated_aside"]
