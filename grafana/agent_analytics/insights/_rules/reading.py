"""Recording rules: what each of them reads, how far back, and in which order they are evaluated."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SELECTOR: Final = (
    r"((?<![a-zA-Z0-9_:])%s(?![a-zA-Z0-9_:])(?:\{[^}]*\})?(?:\[[^\]]*\])?)(?: offset (\w+))?"
)
#: Files whose rules have a past of their own: windows are read from what they recorded at the time.
_PAST_FILES: Final = frozenset({"rollups.yml"})
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PART: Final = re.compile(r"(\d+)(ms|[smhdw])")
#: The range of a subquery, whatever it is of.
_SUBQUERY: Final = re.compile(r"\[(\w+):\w*\]")


@dataclass(frozen=True, slots=True)
class Read:
    """A series that a query reads.

    Attributes:
        name: Its name.
        matchers: What else it is selected by, braces included; empty where by nothing.
        window: Seconds of the range that is read of it; 0 for its value of the moment.
        offset: Seconds before the moment at which that range ends; 0 too where it ends after.
    """

    name: str
    matchers: str
    window: float
    offset: float


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """One recording rule.

    Attributes:
        name: What it records.
        query: What it asks.
        interval: Seconds between its evaluations.
        labels: Labels that it adds.
        late: Recorded series of its own group that it reads as they were an evaluation ago.
        needs: Positions, among all rules, of those that have to be evaluated before.
        past: Whether it is evaluated all along, or only at the moments that are asked about.
        ago: Seconds before those moments at which it is evaluated too: others look them up.
        group: Name of its group, whose rules are evaluated together.
    """

    name: str
    query: str
    interval: int
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    late: frozenset[str] = frozenset()
    needs: frozenset[int] = frozenset()
    past: bool = True
    ago: frozenset[float] = frozenset({0.0})
    group: str = ""

    @property
    def copies(self) -> bool:
        """Whether it records a series as it is, under another name."""
        return _NAME.fullmatch(self.query) is not None and not self.labels

    @property
    def as_backfilled(self) -> str:
        """Its query, in a past where everything it reads is there at once."""
        query = self.query
        for name in self.late:
            pattern = _SELECTOR % re.escape(name)
            # What looks back already looks back further: durations of several units are one.
            query = re.sub(pattern, rf"\g<1> offset \g<2>{self.interval}s", query)
        return query


def link(found: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[RecordingRule]:
    """Return rules, given with their groups and in order, with what each of them needs."""
    recorded: dict[str, list[int]] = {}
    for position, (_, rule) in enumerate(found):
        recorded.setdefault(rule["name"], []).append(position)
    rules: list[RecordingRule] = []
    for position, (group, rule) in enumerate(found):
        late: set[str] = set()
        needs: set[int] = set()
        for name in recorded.keys() & frozenset(_NAME.findall(rule["query"])):
            behind = {
                other for other in recorded[name] if other >= position and found[other][0] is group
            }
            before = set(recorded[name]) - behind
            if not before:  # a rule sees what stands behind it as it was an evaluation ago
                late.add(name)
            needs |= before or behind - {position}
        rules.append(
            RecordingRule(
                rule["name"],
                rule["query"],
                int(group["interval"]),
                rule.get("labels") or {},
                frozenset(late),
                frozenset(needs),
                Path(group["file"]).name in _PAST_FILES,
                group=group["name"],
            )
        )
    ago = looked_up(rules)
    return [replace(rule, ago=frozenset(ago[rule.name])) for rule in rules]


def looked_up(rules: Sequence[RecordingRule]) -> dict[str, set[float]]:
    """Return how many seconds before a moment each series is read, by its name.

    A rule looks up what was recorded a week ago, when another looked up what was recorded then.
    """
    names = {rule.name for rule in rules}
    found: dict[str, set[float]] = {name: {0.0} for name in names}
    reads = {
        (rule.name, read.name, read.offset)
        for rule in rules
        for read in reads_of(rule.query, names)
    }
    furthest: dict[str, float] = {}
    for _, name, offset in reads:
        furthest[name] = max(offset, furthest.get(name, 0.0))
    # No chain is longer that looks up each series once; one that looks up itself has no end.
    longest = sum(furthest.values())
    grows = True
    while grows:
        before = sum(map(len, found.values()))
        for reader, name, offset in reads:
            found[name] |= {at + offset for at in found[reader] if at + offset <= longest}
        grows = sum(map(len, found.values())) > before
    return found


def reads_of(query: str, names: Collection[str]) -> Iterator[Read]:
    """Yield what a query reads of some series."""
    around = max((seconds_of(window) for window in _SUBQUERY.findall(query)), default=0.0)
    for name in sorted(frozenset(names) & frozenset(_NAME.findall(query))):
        for found, offset in re.findall(_SELECTOR % re.escape(name), query):
            matchers, _, window = str(found).removeprefix(name).partition("[")
            seconds = seconds_of(window.rstrip("]").partition(":")[0])
            yield Read(name, matchers, seconds + around, seconds_of(offset))


def seconds_of(duration: str) -> float:
    """Return the seconds of a duration; 0 of one that looks ahead, or of none."""
    if duration.startswith("-"):
        return 0.0
    return sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(duration))


def stages(rules: Sequence[RecordingRule], done: Iterable[int] = ()) -> list[list[int]]:
    """Return positions of rules in stages: each needs only what earlier stages have recorded.

    Args:
        rules: All of them.
        done: Positions of those that are recorded already.

    Raises:
        ValueError: Rules need each other in a circle.
    """
    known = set(done)
    left = [position for position in range(len(rules)) if position not in known]
    found: list[list[int]] = []
    while left:
        stage = [position for position in left if rules[position].needs <= known]
        if not stage:
            msg = f"rules that need each other: {sorted(rules[position].name for position in left)}"
            raise ValueError(msg)
        found.append(stage)
        known.update(stage)
        left = [position for position in left if position not in known]
    return found
