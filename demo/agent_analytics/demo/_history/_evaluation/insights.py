"""Which insights are raised about a history, and which should have been."""

import json
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from agent_analytics.demo._history.build import History
from agent_analytics.demo._history.clock import AFTER_SCRAPE
from agent_analytics.demo._run.prometheus import Prometheus

#: Publisher, agent and name of the insight.
Raised = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AlertRule:
    """An alert rule as Prometheus has loaded it."""

    name: str
    query: str
    labels: dict[str, str]

    @property
    def insight(self) -> str:
        """Name of the insight."""
        return self.labels.get("insight", self.name)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was raised at one time, against what was planted.

    Attributes:
        days_ago: When, in days before the end.
        planted: What had to be raised.
        allowed: What else may be: it follows from what was planted, or is not long over.
        raised: What was.
    """

    days_ago: float
    planted: frozenset[Raised]
    allowed: frozenset[Raised]
    raised: frozenset[Raised]

    @property
    def missed(self) -> frozenset[Raised]:
        """Planted and not raised."""
        return self.planted - self.raised

    @property
    def false(self) -> frozenset[Raised]:
        """Raised without a reason."""
        return self.raised - self.planted - self.allowed


@dataclass(slots=True)
class Score:
    """Verdicts added up."""

    verdicts: list[Verdict] = field(default_factory=list[Verdict])

    @property
    def precision(self) -> float:
        """Share of the raised insights that had a reason; 1 where none was raised."""
        raised = sum(len(verdict.raised) for verdict in self.verdicts)
        false = sum(len(verdict.false) for verdict in self.verdicts)
        return 1 - false / raised if raised else 1.0

    @property
    def recall(self) -> float:
        """Share of the planted insights that were raised; 1 where none was planted."""
        planted = sum(len(verdict.planted) for verdict in self.verdicts)
        missed = sum(len(verdict.missed) for verdict in self.verdicts)
        return 1 - missed / planted if planted else 1.0


def read_alerts(url: str) -> list[AlertRule]:
    """Return the alert rules for publishers, and the one that says that telemetry is stale.

    The others are for on-call: they look at minutes of a scrape every five seconds.
    """
    with urllib.request.urlopen(f"{url}/api/v1/rules?type=alert", timeout=30) as answer:
        groups = json.load(answer)["data"]["groups"]
    rules = [
        AlertRule(str(rule["name"]), str(rule["query"]), dict(rule["labels"]))
        for group in groups
        for rule in group["rules"]
    ]
    return [
        rule
        for rule in rules
        if rule.labels.get("audience") == "publisher" or rule.labels.get("cause") == "stale"
    ]


def judge(
    history: History,
    prometheus: Prometheus,
    alerts: Sequence[AlertRule],
    days_ago: float = 0.0,
) -> Verdict:
    """Evaluate alert rules at a time of the past and compare them with what was planted.

    Past alerts cannot be read: promtool gives recording rules a past, and alerts none.

    Args:
        history: The simulated past.
        prometheus: Serves it.
        alerts: The rules.
        days_ago: When, in days before the end.
    """
    hour = history.clock.ago(days_ago)
    at = hour + AFTER_SCRAPE
    known = frozenset(alert.insight for alert in alerts)
    planted: set[Raised] = set()
    allowed: set[Raised] = set()
    for profile in history.world.profiles:
        if profile.begins(history.clock) >= hour:
            continue
        here = profile.planted(history.clock, hour) & known
        planted.update((*profile.key, name) for name in here)
        allowed.update((*profile.key, name) for name in profile.allowed(history.clock, hour))
    raised: set[Raised] = set()
    for alert in alerts:
        for sample in prometheus.query(alert.query, at=at):
            listings = [sample.listing]
            if not sample.listing[1]:
                listings = list(_on_instance(history, sample.labels.get("instance", "")))
            raised.update((*listing, alert.insight) for listing in listings)
    return Verdict(days_ago, frozenset(planted), frozenset(allowed), frozenset(raised))


def _on_instance(history: History, instance: str) -> Iterable[tuple[str, str]]:
    """Return the listings that run on a process; the process itself where none does."""
    host = instance.partition(":")[0]
    found = [profile.key for profile in history.world.profiles if host in profile.hosts]
    return found or [("", instance)]


def unplanted(history: History, alerts: Sequence[AlertRule]) -> frozenset[str]:
    """Return insights that no listing of the marketplace is planted with."""
    everywhere = {
        incident.kind for profile in history.world.profiles for incident in profile.incidents
    }
    return frozenset(alert.insight for alert in alerts) - everywhere
