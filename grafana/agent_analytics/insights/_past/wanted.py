"""Which recorded series are looked up in the past, how far back, and what they are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent_analytics.insights._rules import rule_files
from agent_analytics.insights._rules.reading import (
    RecordingRule,
    link,
    reads_of,
    seconds_of,
    stages,
)
from agent_analytics.insights._yaml import Yaml, mappings
from agent_analytics.processor import catalogue

#: What is looked up nearer than that is recorded by the time that somebody looks.
_DAY: Final = 86_400
#: What each look-up goes back further, for evaluations that were late: three of them, one
#: on top of another, of two hours.
_MARGIN: Final = 6 * 3_600


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to have a past.

    Attributes:
        rules: The recording rules that are evaluated for it, in stages: each reads only what
            earlier stages have recorded, and inputs.
        back: Seconds before now from which on each is evaluated, by what it records.
        kept: Seconds before now from which on it is looked up; what is not here is only read to
            evaluate others.
        inputs: Seconds before now from which on other series are read, by their selectors.
    """

    rules: tuple[tuple[RecordingRule, ...], ...]
    back: Mapping[str, float]
    kept: Mapping[str, float]
    inputs: Mapping[str, float]


def wanted(groups: Mapping[str, list[Yaml]] | None = None) -> Wanted:
    """Return what has to have a past.

    Roll-ups have one: every release recorded them. The others are those that a rule reads as they
    were a day ago or longer, and those of which these are made.

    Args:
        groups: Groups of each rule file by its name; those of this version if None.
    """
    found = link(_rules(rule_files.rule_groups() if groups is None else groups))
    recorded = frozenset(rule.name for rule in found)
    back = {
        rule.name: max(rule.ago) + _MARGIN
        for rule in found
        if not rule.past and max(rule.ago) >= _DAY
    }
    kept: dict[str, float] = {}
    inputs: dict[tuple[str, str], float] = {}
    others = (recorded | _SAMPLES) - back.keys()
    for rule in found:
        for read in reads_of(rule.query, back):
            if read.offset >= _DAY:
                deepest = max(kept.get(read.name, 0.0), read.offset + read.window)
                kept[read.name] = deepest
        if rule.name in back:
            for read in reads_of(rule.query, others):
                seconds = back[rule.name] + read.offset + read.window + rule.interval
                key = read.name, read.matchers
                inputs[key] = max(inputs.get(key, 0.0), seconds)
    done = [position for position, rule in enumerate(found) if rule.name not in back]
    return Wanted(
        tuple(tuple(found[at] for at in stage) for stage in stages(found, done)),
        back,
        kept,
        _selectors(inputs),
    )


_SAMPLES: Final = frozenset(
    sample for metric in catalogue.CATALOGUE.values() for sample in metric.samples
)


def _rules(
    files: Mapping[str, list[Yaml]],
) -> list[tuple[Mapping[str, object], Mapping[str, object]]]:
    """Return the rules of files as Prometheus shows what it has loaded."""
    found: list[tuple[Mapping[str, object], Mapping[str, object]]] = []
    for file, groups in files.items():
        for group in mappings(groups):
            interval = seconds_of(str(group["interval"]))
            shown = {"name": group["name"], "file": file, "interval": interval}
            for rule in mappings(group["rules"]):
                name = rule.get("record") or rule.get("alert")
                found.append((shown, {**rule, "name": name, "query": rule["expr"]}))
    return found


def _selectors(inputs: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Return selectors that share no series: a name that is read in two ways is read whole."""
    found: dict[str, float] = {}
    for name in {name for name, _ in inputs}:
        ways = {matchers: seconds for (each, matchers), seconds in inputs.items() if each == name}
        selector = name + (next(iter(ways)) if len(ways) == 1 else "")
        found[selector] = max(ways.values())
    return dict(sorted(found.items()))
