"""What stands in a rule file: an alert, or a number that is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent_analytics.insights._yaml import Yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One Prometheus alert rule.

    Attributes:
        alert: Name of the alert.
        expr: PromQL; the alert is up for each series of its answer.
        labels: What Alertmanager routes by.
        annotations: What a human reads.
        hold: How long the condition has to last (``for``); empty for not at all.
        keep: How long the alert stays up after the condition has gone (``keep_firing_for``).
    """

    alert: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    hold: str = ""
    keep: str = ""

    def yaml(self) -> Yaml:
        """Return the rule as an entry of a rule file."""
        entry: dict[str, Yaml] = {"alert": self.alert, "expr": self.expr}
        if self.hold:
            entry["for"] = self.hold
        if self.keep:
            entry["keep_firing_for"] = self.keep
        entry["labels"] = dict(self.labels)
        entry["annotations"] = dict(self.annotations)
        return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One Prometheus recording rule: a name, PromQL, and labels that are put on the answer."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    def yaml(self) -> Yaml:
        """Return the rule as an entry of a rule file."""
        entry: dict[str, Yaml] = {"record": self.record, "expr": self.expr}
        if self.labels:
            entry["labels"] = dict(self.labels)
        return entry
