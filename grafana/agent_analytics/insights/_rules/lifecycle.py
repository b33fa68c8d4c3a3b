"""The recording rules of what became of insights: open, reopened, fixed, or not known.

An insight is one listing's, or one tool's; over which window it is raised does not matter. What is
recorded here is carried on from one evaluation to the next. An insight that was not raised for less
than a day is the same opening. One that is silent is fixed only when, since it was raised last, as
much was observed as the window had that raised it: silence because nothing happens proves nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._definitions.spec.asking import DAY, MONTH, WEEK, raised
from agent_analytics.insights._definitions.spec.causes import period_of
from agent_analytics.insights._definitions.spec.model import Observed, Spec
from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import accounting, quantities, recorded
from agent_analytics.insights._promql.scopes import LISTING, TOOL, Scope, one_of, select
from agent_analytics.insights._promql.windows import Period

_EVERY: Final = Scope(())
_KEYS: Final = "publisher_id, agent_id, tool, insight"
_ON: Final = f"on ({_KEYS})"
#: How long an insight may be silent and be the same opening, and how far back is looked for what
#: is carried on.
_GAP: Final = "1d"
_DAY_SECONDS: Final = 86_400
#: For how long an insight may have been open that compares with the same hours of other weeks: with
#: a day of those it was asked over, less than a week.
_FADES_DAYS: Final = 6
#: How long what became of an insight is told.
_TOLD_DAYS: Final = 60
_RECENT: Final = f"(time() - last_over_time({recorded.LAST_RAISED}[{_GAP}]) < {_DAY_SECONDS})"
_KNOWN: Final = f"last_over_time({recorded.LAST_RAISED}[{_GAP}])"
#: Insights that are raised and were not, for a day or ever.
_NEW: Final = f"({recorded.RAISED} unless {_ON} {_RECENT})"
_PERIODS: Final = (MONTH, WEEK, DAY)
#: Insights whose silence may prove something: of these is recorded how much it took to raise them.
#: Where silence proves nothing, nobody asks how much went on in it.
_TRACED: Final = tuple(spec for spec in OF_PUBLISHERS if spec.fades != "days")


def rules() -> list[Recording]:
    """Return the rules, in order: each reads what those behind it recorded an evaluation ago."""
    observed: dict[Observed, list[Spec]] = {}
    for spec in _TRACED:
        observed.setdefault(spec.observed, []).append(spec)
    return [
        Recording(record=recorded.RAISED, expr=_raised()),
        Recording(record=recorded.OPENINGS, expr=_openings()),
        Recording(record=recorded.SINCE, expr=_since()),
        *_several(recorded.TOOK, _took, observed),
        Recording(record=recorded.WORTH_BEFORE, expr=_worth_before()),
        Recording(record=recorded.LAST_RAISED, expr=_last_raised()),
        *_several(recorded.PROVEN, _proven, observed),
        Recording(record=recorded.FIXED, expr=_fixed()),
        *_states(),
        *_worths_after(),
    ]


def _several(
    record: str,
    expr: Callable[[Observed, Sequence[Spec]], str],
    observed: Mapping[Observed, Sequence[Spec]],
) -> Iterator[Recording]:
    """Yield the rules that record a series between them.

    One of many insights, and one of each other insight, which says so besides: promtool holds two
    rules for one that record the same name with the same labels.
    """
    most = max(observed.values(), key=len)
    for kind, specs in observed.items():
        if specs is most:
            yield Recording(record=record, expr=expr(kind, specs))
            continue
        for spec in specs:
            yield Recording(record=record, expr=expr(kind, [spec]), labels={"insight": spec.slug})


def _carried(name: str, *matchers: str) -> str:
    """Return what was recorded an evaluation ago, of what is not forgotten."""
    before = select(name, _EVERY, *matchers)
    return f"(last_over_time({before}[{_GAP}]) and {_ON} {_KNOWN})"


def _raised() -> str:
    # One rule for all: of two that record the same series in turn, one would mark it as gone.
    found = [f"group by ({_KEYS}) ({recorded.MEASURE})"]
    for spec in OF_PUBLISHERS:
        if spec.covered_by:
            last = select(recorded.LAST_RAISED, _EVERY, one_of("insight", spec.slug))
            # It was open when the other one began to stand for it.
            found.append(
                f"group by ({_KEYS}) (time() - last_over_time({last}[{_GAP}]) < {_DAY_SECONDS})"
                f" and on ({', '.join(spec.by)}) {raised(spec.covered_by)}"
            )
    return f"\nor {_ON} ".join(found)


def _openings() -> str:
    carried = _carried(recorded.OPENINGS)
    return f"{carried} + {_ON} {_NEW}\nor {_ON} {carried}\nor {_ON} {recorded.RAISED}"


def _since() -> str:
    # Prometheus knows since when an alert is up that was up before these rules were loaded.
    alerts = f'min by ({_KEYS}) (ALERTS_FOR_STATE{{audience="publisher"}})'
    return (
        f"({alerts} and {_ON} ({recorded.RAISED} unless {_ON} {_KNOWN}))\n"
        f"or {_ON} {_NEW} * time()\n"
        f"or {_ON} {_carried(recorded.SINCE)}"
    )


def _traffic(kind: Observed, period: Period) -> str:
    """Return what was observed in a period."""
    if kind == "ratings":
        return quantities.ratings(period)
    if kind == "tool_calls":
        return quantities.tool_calls(period)
    return quantities.invocations(period)


def _by(kind: Observed) -> str:
    return f"on ({', '.join(TOOL.by if kind == 'tool_calls' else LISTING.by)})"


def _took(kind: Observed, specs: Iterable[Spec]) -> str:
    of: dict[Period, dict[str, None]] = {}
    some = list(specs)
    for spec in some:
        for question in spec.asked_of("publisher"):
            of.setdefault(period_of(question.traffic), {})[question.traffic] = None
    mine = _among(some)

    def raised_over(traffics: Iterable[str]) -> str:
        measure = select(recorded.MEASURE, _EVERY, mine, one_of("traffic", *traffics))
        return f"group by ({_KEYS}) ({measure})"

    each = (
        f"{raised_over(traffics)} * {_by(kind)} group_left () {_traffic(kind, period)}"
        for period, traffics in of.items()
    )
    new = f"\nor {_ON} ".join(each)
    before = _carried(recorded.TOOK, _among(some, _TRACED))
    return f"({new})\nand {_ON} {_NEW}\nor {_ON} {before}"


def _among(specs: Iterable[Spec], every: Iterable[Spec] = OF_PUBLISHERS) -> str:
    """Return the shorter matcher of insights: which they are, or which they are not.

    Args:
        specs: The insights.
        every: What they are told apart from is among these.
    """
    some = [spec.slug for spec in specs]
    others = [spec.slug for spec in every if spec.slug not in some]
    if len(others) < len(some):
        return f'insight!~"{spelled(others)}"'
    return one_of("insight", *some)


def spelled(slugs: Iterable[str]) -> str:
    """Return a pattern of names in which those that end or begin alike are spelled once."""
    ends: dict[str, list[str]] = {}
    for slug in slugs:
        ends.setdefault(slug.rpartition("-")[2], []).append(slug)
    found: list[str] = []
    begins: dict[str, list[str]] = {}
    for end, some in ends.items():
        heads = [slug.rpartition("-")[0] for slug in some]
        if len(some) > 1 and all(heads):
            found.append(f"({'|'.join(heads)})-{end}")
            continue
        for head in heads:
            begins.setdefault(head, []).append(end)
    for head, tails in begins.items():
        dash = f"{head}-" if head else ""
        found.append(f"{dash}({'|'.join(tails)})" if len(tails) > 1 else f"{dash}{tails[0]}")
    return "|".join(found)


def _worth_before() -> str:
    before = f"({_carried(recorded.WORTH_BEFORE)} unless {_ON} {_NEW})"
    return f"max by ({_KEYS}) ({recorded.WORTH} or {before})"


def _last_raised() -> str:
    told = f"time() - {_TOLD_DAYS * _DAY_SECONDS}"
    return f"{recorded.RAISED} * time()\nor {_ON} ({_KNOWN} > {told})"


def _fixed() -> str:
    # What was proven once stays so until the insight is raised again.
    before = f"(last_over_time({recorded.FIXED}[{_GAP}]) > {_ON} {recorded.LAST_RAISED})"
    return f"{before}\nor {_ON} {recorded.PROVEN} * time()"


def _states() -> list[Recording]:
    standing = f"{recorded.RAISED} and {_ON} {recorded.OPENINGS}"
    exprs = {
        "open": f"{standing} == 1",
        "reopened": f"{standing} > 1",
        "fixed": f"group by ({_KEYS}) ({recorded.FIXED})",
        "not_known": (
            f"group by ({_KEYS}) ({recorded.LAST_RAISED})"
            f" unless {_ON} {recorded.RAISED} unless {_ON} {recorded.FIXED}"
        ),
    }
    return [
        Recording(record=recorded.STATE, expr=expr, labels={"state": state})
        for state, expr in exprs.items()
    ]


def _proven(kind: Observed, specs: Iterable[Spec]) -> str:
    """Return the insights since which as much was observed as it took to raise them."""
    some = list(specs)
    mine = _among(some, _TRACED)
    took = f"clamp_min({select(recorded.TOOK, _EVERY, mine)}, 1)"
    # Of a period that began after it was raised last: no more was observed since.
    each = (
        f"({took} <= {_by(kind)} group_left () {_traffic(kind, period)})"
        f" and {_ON} (time() - {recorded.LAST_RAISED} >= {period.days * _DAY_SECONDS})"
        for period in _PERIODS
    )
    after = f"\nor {_ON} ".join(each)
    expr = f"group by ({_KEYS}) ({after})\nunless {_ON} {recorded.RAISED}"
    fading = [spec.slug for spec in some if spec.fades == "weeks"]
    if fading:
        # Open for longer, it is among the weeks that it is compared with.
        last = select(recorded.LAST_RAISED, _EVERY, f'insight=~"{spelled(fading)}"')
        expr += f"\nunless {_ON} ({last} - {_ON} {recorded.SINCE} > {_FADES_DAYS * _DAY_SECONDS})"
    comparing = [spec.slug for spec in some if spec.compares]
    if comparing:
        took = select(recorded.TOOK, _EVERY, one_of("insight", *comparing))
        changed = (
            f"on ({', '.join(LISTING.by)}) last_over_time({accounting.CHANGED}[{_TOLD_DAYS}d])"
        )
        expr += f"\nunless {_ON} ({took} and {changed})"
    return expr


def _worths_after() -> list[Recording]:
    """Return the rules of what fixed insights are worth now, over their shortest window."""
    found: list[Recording] = []
    for spec in OF_PUBLISHERS:
        worths = [each.worth for each in spec.asked_of("publisher") if each.worth]
        if worths and spec.fades != "days":
            fixed = select(recorded.STATE, _EVERY, one_of("insight", spec.slug), 'state="fixed"')
            found.append(
                Recording(
                    record=recorded.WORTH_AFTER,
                    expr=f"clamp_min({worths[-1]}, 0)\nand on ({', '.join(spec.by)}) {fixed}",
                    labels={"insight": spec.slug},
                )
            )
    return found
