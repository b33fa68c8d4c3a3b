"""Whether the insights were evaluated: without it, "none fires" says nothing.

Prometheus says of each rule that it has loaded when it ran last, and whether it failed. An insight
was evaluated where its alerts and all that they are recorded from have run, and where there was
anything recorded of the listings by then.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from agent_analytics.insights._prometheus.client import PrometheusClient, QueryFailed
from agent_analytics.insights._promql import recorded, rollups
from agent_analytics.insights._promql.now import not_known
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.insights._report.known.expected import (
    RuleKey,
    expected,
    key_of,
)
from agent_analytics.insights._report.known.times import clock, time_of, utc
from agent_analytics.insights._rules.alerts import Insight
from agent_analytics.insights._rules.ended import Ended
from agent_analytics.insights._yaml import mappings
from agent_analytics.processor import catalogue

State = Literal["evaluated", "partly", "not_yet", "not_loaded", "failing", "stale", "unknown"]

#: What Prometheus, Mimir and vmalert call a rule that ran, whatever came of it.
_HEALTHY: Final = frozenset({"ok", "no match", "nodata"})
_NOT_YET: Final = frozenset({"", "unknown"})
#: Evaluations that may be missed before a rule counts as stuck, and what a slow group may take.
_MISSED: Final = 3
_GRACE_SECONDS: Final = 60
_LONGEST_ERROR: Final = 200
#: What is said to run more seldom than once a year is not waited for.
_LONGEST: Final = 366 * 86_400.0
_INVOCATIONS: Final = catalogue.INVOCATIONS.name
#: What is recorded with all windows longer than a day.
_LONG_WINDOWS: Final = recorded.grown(_INVOCATIONS, recorded.MONTH)
_LOAD: Final = "load insights.yml and rollups.yml as rule_files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Whether the insights were evaluated.

    Attributes:
        state: ``evaluated``: every insight was. ``partly``: some were. Otherwise none was:
            ``not_yet``, ``not_loaded``, ``failing``, ``stale`` (they have stopped running), or
            ``unknown`` where Prometheus does not show its rules.
        at: When those that were evaluated last ran, the earliest of them (UTC).
        reason: Why some or all were not, in a sentence; empty where all were.
        not_evaluated: Short names of the insights that were not.
        not_known: Short names of those that look up what rules had not recorded yet, each with
            the time (UTC) by which they are known: until then they cannot fire.
    """

    state: State = "unknown"
    at: datetime | None = None
    reason: str = "Prometheus was not asked."
    not_evaluated: tuple[str, ...] = ()
    not_known: tuple[tuple[str, datetime], ...] = ()

    @property
    def known(self) -> bool:
        """Whether an empty list of insights says anything."""
        return self.state in {"evaluated", "partly"}

    def sentence(self, firing: int) -> str:
        """Return in words what was evaluated, and how many insights fire."""
        if self.state == "unknown":
            return f"It is not known whether insights were evaluated: {self.reason}"
        if self.at is None or not self.known:
            yet = " yet" if self.state == "not_yet" else ""
            return f"Insights are not evaluated{yet}: {self.reason}"
        fires = {0: "none fires", 1: "1 fires"}.get(firing, f"{firing:,} fire")
        told = f"Insights were evaluated at {self.at:%Y-%m-%d %H:%M:%S} UTC, {fires}."
        if self.state != "evaluated":
            told = f"{told} Not evaluated: {', '.join(self.not_evaluated)}. {self.reason}"
        if not self.not_known:
            return told
        each = ", ".join(f"{slug} (by {by:%Y-%m-%d %H:%M} UTC)" for slug, by in self.not_known)
        return f"{told} Not known yet: {each}."


class Insights(list[Insight]):
    """The insights that are firing, and whether an empty list of them says anything.

    Attributes:
        evaluation: Whether they were evaluated.
        ended: What became of those that are not raised any more.
    """

    def __init__(
        self, firing: Iterable[Insight], evaluation: Evaluation, ended: Iterable[Ended] = ()
    ) -> None:
        super().__init__(firing)
        self.evaluation = evaluation
        self.ended = tuple(ended)

    @property
    def all_clear(self) -> bool:
        """Whether every insight was evaluated, and none fires."""
        return not self and self.evaluation.state == "evaluated"


@dataclass(slots=True)
class _Loaded:
    """What is known of the rules with one key: two files may hold the same one."""

    ran: list[datetime] = field(default_factory=list[datetime])
    due: float = 0.0
    interval: float = 0.0
    waiting: bool = False
    stale: bool = False
    error: str = ""

    @property
    def trouble(self) -> State | None:
        """Why nothing can be said of them, or None."""
        if self.error:
            return "failing"
        if self.waiting:
            return "not_yet"
        return "stale" if self.stale else None


def find_evaluation(client: PrometheusClient, scope: Scope) -> Evaluation:
    """Return whether the insights of a scope were evaluated.

    To be asked before the alerts: what fires in between is then in the list.

    Raises:
        PrometheusUnreachable: Nothing answers.
        QueryFailed: A query was refused.
    """
    try:
        groups = client.rule_groups()
    except QueryFailed as error:
        return Evaluation(reason=f"{error}.")
    found = judged(groups, now=client.now())
    if found.at is None or not found.known:
        return found
    # Windows longer than a day were read from levels by rules that run more seldom, or not yet.
    read = min([found.at, *_ran(groups, _LONG_WINDOWS)])
    if client.query(f"count ({_recorded_levels(scope)})", at=read.timestamp()):
        return replace(found, not_known=_not_known(client, found.at.timestamp()))
    first = _first(groups, client.now())
    early = (
        f"Their rules last ran at {read:%H:%M:%S} UTC, before anything was recorded for them"
        f"{f'; {first}' if first else ''}."
    )
    return replace(
        found,
        state="not_yet",
        reason=f"{early} {found.reason}".strip(),
        not_evaluated=tuple(expected().of_insight),
    )


def _not_known(client: PrometheusClient, at: float) -> tuple[tuple[str, datetime], ...]:
    """Return the insights that look up what was not recorded yet, and by when they are known."""
    samples = client.query(f"max by (insight) ({not_known()})", at=at)
    found = ((sample.labels.get("insight", ""), utc(sample.value)) for sample in samples)
    return tuple(sorted(found))


def _recorded_levels(scope: Scope) -> str:
    return (
        f"last_over_time({select(rollups.level(_INVOCATIONS), scope)}[1d])"
        f" or last_over_time({select(rollups.day(_INVOCATIONS), scope)}[90d])"
    )


def _ran(groups: Iterable[Mapping[str, object]], name: str) -> Iterator[datetime]:
    """Yield when the rules that record a series ran last."""
    for key, rule, _ in _rules(groups):
        at = time_of(rule.get("lastEvaluation"))
        if key.name == name and at is not None:
            yield at


def judged(groups: Iterable[Mapping[str, object]], *, now: float) -> Evaluation:
    """Return what the answer of ``/api/v1/rules`` says of the insights, at a Unix time."""
    loaded: dict[RuleKey, _Loaded] = {}
    for key, rule, interval in _rules(groups):
        _note(loaded.setdefault(key, _Loaded()), rule, interval, now)
    wanted = expected()
    troubles: dict[str, tuple[State, str]] = {}
    ran: list[datetime] = []
    for slug, keys in wanted.of_insight.items():
        trouble = _trouble(keys, loaded, wanted.patient)
        if trouble is not None:
            troubles[slug] = trouble
            continue
        ran += (
            time for key in keys if key.insight == slug for time in loaded.get(key, _Loaded()).ran
        )
    if not troubles:
        return Evaluation(state="evaluated", at=min(ran), reason="")
    # What has to be mended is said before what passes by itself.
    order: tuple[State, ...] = ("failing", "not_loaded", "stale", "not_yet")
    state, reason = min(troubles.values(), key=lambda each: order.index(each[0]))
    return Evaluation(
        state="partly" if ran else state,
        at=min(ran, default=None),
        reason=reason,
        not_evaluated=tuple(troubles),
    )


def _rules(
    groups: Iterable[Mapping[str, object]],
) -> Iterator[tuple[RuleKey, Mapping[str, object], float]]:
    for group in groups:
        interval = group.get("interval")
        seconds = min(float(interval), _LONGEST) if isinstance(interval, int | float) else 0.0
        for rule in mappings(group.get("rules")):
            yield key_of(rule.get("name"), rule.get("labels")), rule, seconds


def _note(loaded: _Loaded, rule: Mapping[str, object], interval: float, now: float) -> None:
    health = str(rule.get("health", ""))
    at = time_of(rule.get("lastEvaluation"))
    began = at is not None and health not in _NOT_YET
    # A group that has not run begins within its interval.
    loaded.due = max(loaded.due, (at.timestamp() if at is not None and began else now) + interval)
    loaded.interval = max(loaded.interval, interval)
    if at is None or not began:
        loaded.waiting = True
        return
    if health not in _HEALTHY:
        error = str(rule.get("lastError") or health)
        loaded.error = error[:_LONGEST_ERROR]
    if now - at.timestamp() > _MISSED * interval + _GRACE_SECONDS:
        loaded.stale = True
    loaded.ran.append(at)


def _trouble(
    keys: Iterable[RuleKey], loaded: Mapping[RuleKey, _Loaded], patient: frozenset[RuleKey]
) -> tuple[State, str] | None:
    """Return why the insight that needs some rules was not evaluated, or None if it was."""
    ordered = sorted(keys, key=astuple)
    missing = [key for key in ordered if key not in loaded]
    if len(missing) == len(ordered):
        return "not_loaded", f"Prometheus has none of their rules loaded; {_LOAD}."
    if missing:
        return (
            "not_loaded",
            f"Prometheus lacks rules of this version, such as {missing[0].name}; {_LOAD}.",
        )
    troubles = [(key, state) for key in ordered if (state := loaded[key].trouble) is not None]
    for key, state in troubles:
        if state == "failing":
            error = " ".join(loaded[key].error.split()).rstrip(".")
            return state, f"Rule {key.name} fails: {error}."
    for key, state in troubles:
        if state == "stale":
            ran = max(loaded[key].ran)
            return state, f"Rule {key.name} last ran at {ran:%Y-%m-%d %H:%M} UTC."
    waiting = [loaded[key].due for key, _ in troubles if key not in patient]
    if waiting:
        return (
            "not_yet",
            (
                "Prometheus has loaded their rules, and has not run all of them so far; they run by"
                f" {clock(max(waiting))} UTC."
            ),
        )
    return None


def _first(groups: Iterable[Mapping[str, object]], now: float) -> str:
    """Return when insights are first evaluated on what is recorded from now on, as a clause."""
    levels, windows, insights = now, _Loaded(), _Loaded()
    for group in groups:
        for key, rule, seconds in _rules([group]):
            each = _Loaded()
            _note(each, rule, seconds, now)
            if key.name == rollups.level(_INVOCATIONS):
                levels = max(levels, each.due)
            elif key.name == _LONG_WINDOWS:
                _note(windows, rule, seconds, now)
            elif key.audience == "publisher":
                _note(insights, rule, seconds, now)
    due = _next(insights, _next(windows, levels))
    return f"they run on it at about {clock(due)} UTC" if insights.interval else ""


def _next(rules: _Loaded, time: float) -> float:
    """Return when rules run next at a time or later; that time where there are none."""
    if not rules.interval:
        return time
    missed = max(0.0, time - rules.due)
    return rules.due + math.ceil(missed / rules.interval) * rules.interval
