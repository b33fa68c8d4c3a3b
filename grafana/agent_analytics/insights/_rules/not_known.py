"""Which insights are not known yet, and by when they will be: rules for it, read from the rules.

An insight looks up what rules recorded a week or a month ago. Where there is no such past it cannot
fire, and nobody may take its silence for an all-clear. For everything that is looked up it is
recorded since when it is there without a gap; what an insight lacks is there when that is as old as
it is looked up.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._rules.reading import Read, reads_of

_DAY: Final = 86_400
#: How long ago at most the last evaluation of an hour was, a late one included.
_HOUR: Final = "70m"
#: A look-up of something, and when it was recorded before that: `last_over_time` of as long.
_LOOKED_BACK: Final = "2h"


def not_known(rules: Sequence[Recording]) -> list[Recording]:
    """Return the rules that say which insights are not known yet, to be evaluated every hour.

    Args:
        rules: What is recorded for insights, their measures included.
    """
    exprs: dict[str, list[str]] = {}
    for rule in rules:
        if rule.record not in {recorded.MEASURE, recorded.WORTH}:
            exprs.setdefault(rule.record, []).append(rule.expr)
    needed: dict[str, frozenset[Read]] = {}
    for rule in rules:
        if rule.record == recorded.MEASURE:
            slug = (rule.labels or {})["insight"]
            found = _looked_up([rule.expr], exprs)
            needed[slug] = needed.get(slug, frozenset()) | found
    every = {read.name for reads in needed.values() for read in reads}
    return [
        *(_since(name) for name in sorted(every | _made_of(every, exprs))),
        *(
            Recording(
                record=recorded.KNOWN_BY, expr=_known_by(reads, exprs), labels={"insight": slug}
            )
            for slug, reads in needed.items()
            if reads
        ),
    ]


def _looked_up(queries: Sequence[str], exprs: Mapping[str, Sequence[str]]) -> frozenset[Read]:
    """Return what queries, and what they are recorded from, look up a day ago or longer."""
    found: set[Read] = set()
    seen: set[str] = set()
    waiting = list(queries)
    while waiting:
        for read in reads_of(waiting.pop(), exprs):
            if read.offset >= _DAY:
                found.add(Read(read.name, "", 0.0, read.offset))
            elif read.name not in seen:
                seen.add(read.name)
                waiting += exprs[read.name]
    return frozenset(found)


def _made_of(names: Collection[str], exprs: Mapping[str, Sequence[str]]) -> set[str]:
    """Return what series look up themselves: until that is there, they are not."""
    return {read.name for name in names for read in _looked_up(exprs[name], exprs)}


def _since(name: str) -> Recording:
    """Return the rule that keeps since when a series is recorded, until it has a gap of hours."""
    known = f'max (last_over_time({recorded.RECORDED_SINCE}{{recorded="{name}"}}[{_LOOKED_BACK}]))'
    there = f"group (last_over_time({_cheap(name)}[{_HOUR}]))"
    return Recording(
        record=recorded.RECORDED_SINCE,
        expr=f"({known} or {there} * time()) and {there}",
        labels={"recorded": name},
    )


def _known_by(reads: Collection[Read], exprs: Mapping[str, Sequence[str]]) -> str:
    """Return when the last of some look-ups will find something, where one finds nothing now."""
    # Of two look-ups of a series the further one counts, and stands first.
    ordered = sorted(reads, key=lambda read: (read.name, -read.offset))
    return f"max ({' or '.join(_lacking(read, exprs) for read in ordered)})"


def _cheap(name: str) -> str:
    """Return what is there whenever a series is: registers are hundreds of a listing."""
    return recorded.STANDS_FOR.get(name, name)


def _lacking(read: Read, exprs: Mapping[str, Sequence[str]]) -> str:
    since = f'{recorded.RECORDED_SINCE}{{recorded="{read.name}"}}'
    parts = _looked_up(exprs[read.name], exprs)
    if parts:
        # What is not recorded yet begins when all that it looks up is there.
        begins = " or ".join(
            f'{recorded.RECORDED_SINCE}{{recorded="{part.name}"}} + {part.offset:.0f}'
            for part in sorted(parts, key=lambda part: (part.name, -part.offset))
        )
        since = f'({since} or label_replace(max ({begins}), "recorded", "{read.name}", "", ""))'
    found = f"last_over_time({_cheap(read.name)}[{_LOOKED_BACK}] offset {read.offset / _DAY:.0f}d)"
    return f"({since} + {read.offset:.0f} unless on () group ({found}))"
