"""Which rules an insight is read from: its alerts, and all that they are recorded from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from agent_analytics.insights._promql import recorded
from agent_analytics.insights._rules import rule_files
from agent_analytics.insights._yaml import is_mapping, mappings

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
#: What an insight is worth is no part of whether it fires.
_BESIDE: Final = frozenset({recorded.WORTH})
#: Groups that are evaluated once an hour, and for what is past: until then nothing is missing,
#: since there is no hour that could have been recorded.
_OF_HOURS: Final = frozenset({"agent-analytics-hours"})


@dataclass(frozen=True, slots=True)
class RuleKey:
    """What one rule is told from another by.

    Attributes:
        name: Of the alert, or of what is recorded.
        insight: The label ``insight`` of the rule, or empty.
        traffic: The label ``traffic`` of the rule, or empty.
        audience: The label ``audience`` of the alert, or empty; on-call has some of the same name.
        part: The label that tells rules apart which record one name together, or empty.
    """

    name: str
    insight: str = ""
    traffic: str = ""
    audience: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """The rules that insights are read from.

    Attributes:
        of_insight: By the short name of each insight, the rules that have to run for it.
        patient: Those of them that may not have run yet.
    """

    of_insight: Mapping[str, frozenset[RuleKey]]
    patient: frozenset[RuleKey]


@cache
def expected() -> Expected:
    """Return the rules that the insights of this version are read from."""
    exprs: dict[RuleKey, str] = {}
    patient: set[RuleKey] = set()
    alerts: dict[str, set[RuleKey]] = {}
    for group in _groups():
        for rule in mappings(group.get("rules")):
            key = key_of(rule.get("record") or rule.get("alert"), rule.get("labels"))
            exprs[key] = str(rule.get("expr"))
            if "alert" in rule:
                alerts.setdefault(key.insight, set()).add(key)
            if group.get("name") in _OF_HOURS:
                patient.add(key)
    by_name: dict[str, set[RuleKey]] = {}
    for key in exprs:
        by_name.setdefault(key.name, set()).add(key)
    return Expected(
        of_insight={
            slug: frozenset(_closure(keys, exprs, by_name)) for slug, keys in alerts.items()
        },
        patient=frozenset(patient),
    )


def key_of(name: object, labels: object) -> RuleKey:
    """Return the key of a rule, of a rule file or of what Prometheus says that it has loaded."""
    found: Mapping[str, object] = labels if is_mapping(labels) else {}
    insight, traffic, audience = (
        str(found.get(label, "")) for label in ("insight", "traffic", "audience")
    )
    part = str(found.get("week", ""))
    return RuleKey(str(name), insight, traffic, audience, part)


def _groups() -> list[Mapping[str, object]]:
    files = rule_files.rule_groups()
    return [
        group
        for name in ("insights.yml", "rollups.yml")
        for group in files[name]
        if is_mapping(group)
    ]


def _closure(
    keys: set[RuleKey], exprs: Mapping[RuleKey, str], by_name: Mapping[str, set[RuleKey]]
) -> set[RuleKey]:
    """Return rules with all that their expressions read, and so on."""
    found: set[RuleKey] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in found:
            continue
        found.add(key)
        for name in _NAME.findall(exprs[key]):
            if name in _BESIDE:
                continue
            # An alert reads what is recorded for itself under a name that all insights share.
            waiting += (
                other
                for other in by_name.get(name, ())
                if (other.insight in {"", key.insight} and other.traffic in {"", key.traffic})
                or f'insight="{other.insight}"' in exprs[key]
            )
    return found
