"""What an alert rule is, and how one definition becomes several of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from agent_analytics.insights._yaml import Yaml
from agent_analytics.processor.catalogue import LISTING_LABELS

Severity = Literal["critical", "warning", "info"]
Category = Literal[
    "reliability", "performance", "quality", "revenue", "cost", "adoption", "integration"
]
Audience = Literal["oncall", "publisher"]
Comparison = Literal[">", "<"]

#: Where the runbook pages stand, from the root of the repository.
RUNBOOKS: Final = "docs/runbooks"

#: Ratios are compared to the millionth, so that exactly 5 % is not more than 5 % by an error of
#: the floating point (1 - 0.95 is 0.050000000000000044).
RESOLUTION: Final = "0.000001"


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
class Threshold:
    """The side of a boundary on which a measure is bad.

    The one place where a measure meets its bound: a bound per listing replaces the number by a
    recorded series here, and no definition changes.
    """

    comparison: Comparison
    value: float

    def crossed(self, measure: str) -> str:
        """Return the PromQL that answers the measure where it is bad, and nothing elsewhere."""
        return f"round({measure}, {RESOLUTION}) {self.comparison} {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way in which a definition is asked.

    Attributes:
        audience: Whom it is for.
        traffic: ``dense`` and ``sparse`` are the fast and the slow question for on-call;
            ``period`` is the publisher's.
        window: Window of the measure.
        floor: Fewest observations in the window for the measure to mean something.
        still: A shorter window over which the measure must be bad as well, so that a long window
            does not page about what is over.
        dense: Window and floor from which the dense form answers instead of this one.
        hold: ``for``.
        keep: ``keep_firing_for``.
    """

    audience: Audience
    traffic: Literal["dense", "sparse", "period"]
    window: str
    floor: int
    still: str = ""
    dense: tuple[str, int] | None = None
    hold: str = ""
    keep: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One insight, from which each of its rules is made.

    Attributes:
        slug: Short name: the label ``insight``, and the name of the runbook page.
        alert: Name of the alert, shared by all forms.
        severity: How bad it is.
        category: What it is about.
        title: One short line, without numbers.
        description: Template with the measured number; ``{window}`` is filled in for each form.
        recommendation: What to do.
        measure: The measured number over a window, as PromQL.
        observations: How many observations the measure rests on, as PromQL.
        threshold: When the measure is bad.
        unit: ``share`` for a measure from 0 to 1 that is told in per cent, ``rating`` for one of 5.
        what: What the measured number counts, in words that follow it.
        forms: How it is asked.
        by: Labels that tell one answer of the measure from another.
    """

    slug: str
    alert: str
    severity: Severity
    category: Category
    title: str
    description: str
    recommendation: str
    measure: Callable[[str], str]
    observations: Callable[[str], str]
    threshold: Threshold
    unit: Literal["share", "rating"]
    what: str
    forms: tuple[Form, ...] = field(repr=False)
    by: tuple[str, ...] = LISTING_LABELS

    @property
    def limit(self) -> str:
        """The bound in words, such as ``above 5 %``."""
        side = {">": "above", "<": "below"}[self.threshold.comparison]
        value = self.threshold.value
        return f"{side} {value * 100:g} %" if self.unit == "share" else f"{side} {value:g} of 5"

    def rules(self, audience: Audience) -> list[Rule]:
        """Return the rules of this definition for an audience."""
        return [self._rule(form) for form in self.forms if form.audience == audience]

    def _rule(self, form: Form) -> Rule:
        return Rule(
            alert=self.alert,
            expr=self._condition(form),
            hold=form.hold,
            keep=form.keep,
            labels=labels(
                audience=form.audience,
                severity=self.severity,
                category=self.category,
                insight=self.slug,
                traffic=form.traffic,
            ),
            annotations=annotations(
                slug=self.slug,
                title=self.title,
                description=self.description.replace("{window}", form.window),
                recommendation=self.recommendation,
            ),
        )

    def _condition(self, form: Form) -> str:
        # The measure stands first: `and` and `unless` keep the left side's value, which is the
        # number that the description shows.
        lines = [
            self.threshold.crossed(self.measure(form.window)),
            f"and {self.observations(form.window)} >= {form.floor}",
        ]
        if form.still:
            lines.append(f"and {self.threshold.crossed(self.measure(form.still))}")
        if form.dense:
            window, floor = form.dense
            lines.append(f"unless {self.observations(window)} >= {floor}")
        return "\n".join(lines)


def labels(
    *,
    audience: Audience,
    severity: Severity,
    category: Category,
    insight: str,
    **more: str,
) -> dict[str, str]:
    """Return the labels of an alert; publisher, agent and tool come from its expression."""
    return {
        "audience": audience,
        "severity": severity,
        "category": category,
        "insight": insight,
        **more,
    }


def annotations(*, slug: str, title: str, description: str, recommendation: str) -> dict[str, str]:
    """Return the annotations of an alert."""
    return {
        "title": title,
        "description": description,
        "recommendation": recommendation,
        "runbook_url": f"{RUNBOOKS}/{slug}.md",
    }
