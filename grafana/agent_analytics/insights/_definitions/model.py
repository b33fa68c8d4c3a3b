"""What an alert rule is, and how one definition becomes several of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from agent_analytics.insights._definitions.texts import PERCENT, SHORT, bound
from agent_analytics.insights._entries import Recording, Rule
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.counts import Counts
from agent_analytics.insights._promql.windows import Period
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
class Threshold:
    """The side of a boundary on which a measure is bad.

    The one place where a measure meets its bound, and where a listing's own bound takes the place
    of the one that is written here.

    Attributes:
        comparison: Bad above or below.
        value: The bound.
        scale: What the bound, a listing's own as well, is multiplied by.
    """

    comparison: Comparison
    value: float
    scale: float = 1.0

    def crossed(self, measure: str, insight: str, known: str = "") -> str:
        """Return the PromQL that answers the measure where it is bad, and nothing elsewhere.

        Args:
            measure: The measure.
            insight: Short name of the insight.
            known: A cheap series that there is wherever the measure is: the bound that is written
                here is given to its listings, and the measure is read once. A gauge would not do:
                it goes stale at the first scrape that fails, and a listing that has just crashed
                would have no bound.
        """
        listing = f"on ({', '.join(LISTING_LABELS)})"
        own = f'max by ({", ".join(LISTING_LABELS)}) ({recorded.THRESHOLD}{{insight="{insight}"}})'
        if self.scale != 1:
            own = f"({own} * {self.scale:g})"
        rounded = f"round({measure}, {RESOLUTION})"
        if known:
            usual = (
                f"group by ({', '.join(LISTING_LABELS)}) ({known}) * {self.value * self.scale:g}"
            )
            return f"{rounded} {self.comparison} {listing} group_left () ({own} or {usual})"
        return (
            f"({rounded} {self.comparison} {self.value * self.scale:g}\n"
            f"unless {listing} {own}\n"
            f"or {rounded} {self.comparison} {listing} group_left () {own})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way in which a definition is asked for on-call.

    Attributes:
        traffic: ``dense`` and ``sparse`` are the fast and the slow question.
        window: Window of the measure.
        floor: Fewest observations in the window for the measure to mean something.
        still: A shorter window over which the measure must be bad as well, so that a long window
            does not page about what is over.
        dense: Window and floor from which the dense form answers instead of this one.
        hold: ``for``.
        keep: ``keep_firing_for``.
    """

    traffic: Literal["dense", "sparse"]
    window: str
    floor: int
    still: str = ""
    dense: tuple[str, int] | None = None
    hold: str = ""
    keep: str = ""

    @property
    def fast(self) -> bool:
        """Whether it is asked every few seconds: not where it reads more than some minutes."""
        return self.traffic == "dense" and not self.window.endswith("h")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One insight that is asked of on-call and of publishers alike.

    Attributes:
        slug: Short name: the label ``insight``, and the name of the runbook page.
        alert: Name of the alert, shared by all forms.
        severity: How bad it is.
        category: What it is about.
        heading: One short line with the bound, ``{limit}``.
        description: Template with the measured number; ``{window}`` and ``{limit}`` are filled in.
        recommendation: What to do.
        counts: What the measured number over a window is made of, for on-call.
        over: The measured number over a period, for the publisher.
        observed: How many observations that rests on.
        floor: Fewest observations in a period for the publisher to be told.
        threshold: When the measure is bad.
        unit: ``share`` for a measure from 0 to 1 that is told in per cent, ``rating`` for one of 5.
        what: What the measured number counts, in words that follow it.
        forms: How it is asked for on-call.
        worth: US dollars that it costs in a period, where that is known.
        by: Labels that tell one answer of the measure from another.
    """

    slug: str
    alert: str
    severity: Severity
    category: Category
    heading: str
    description: str
    recommendation: str
    counts: Counts
    over: Callable[[Period], str]
    observed: Callable[[Period], str]
    floor: int
    threshold: Threshold
    unit: Literal["share", "rating"]
    what: str
    forms: tuple[Form, ...] = field(repr=False)
    worth: Callable[[Period], str] | None = None
    by: tuple[str, ...] = LISTING_LABELS

    @property
    def _bound(self) -> str:
        value = self.threshold.value
        return f"{value * 100:g} %" if self.unit == "share" else f"{value:g}"

    @property
    def title(self) -> str:
        """The title where a listing has no bound of its own."""
        return self.heading.replace("{limit}", self._bound)

    @property
    def limit(self) -> str:
        """The bound in words, such as ``above 5 %``."""
        side = {">": "above", "<": "below"}[self.threshold.comparison]
        return f"{side} {self._bound}" if self.unit == "share" else f"{side} {self._bound} of 5"

    @property
    def own_title(self) -> str:
        """Template of the title, with the bound that the listing has."""
        if self.unit == "share":
            own = bound(self.slug, SHORT, factor=100, after=" %", otherwise=self._bound)
        else:
            own = bound(self.slug, SHORT, otherwise=self._bound)
        return self.heading.replace("{limit}", own)

    def text(self, window: str) -> str:
        """Template of the description over a window, with the bound that the listing has."""
        share = self.unit == "share"
        usual = f"{self.threshold.value * 100:g}%" if share else self._bound
        own = bound(self.slug, PERCENT if share else SHORT, otherwise=usual)
        return self.description.replace("{window}", window).replace("{limit}", own)

    def rules(self, *, fast: bool) -> list[Rule]:
        """Return the rules for on-call.

        Args:
            fast: Those that are evaluated every few seconds, or those that can wait longer.
        """
        return [
            Rule(
                alert=self.alert,
                expr=self._condition(form),
                hold=form.hold,
                keep=form.keep,
                labels=labels(
                    audience="oncall",
                    severity=self.severity,
                    category=self.category,
                    insight=self.slug,
                    traffic=form.traffic,
                ),
                annotations=annotations(
                    slug=self.slug,
                    title=self.own_title,
                    description=self.text(form.window),
                    recommendation=self.recommendation,
                ),
            )
            for form in self.forms
            if form.fast is fast
        ]

    def recordings(self, *, fast: bool) -> list[Recording]:
        """Return what the rules for on-call of the same kind look up."""
        windows = [
            window
            for form in self.forms
            if form.fast is fast
            for window in (form.window, form.still)
            if window
        ]
        return [
            Recording(record=name, expr=expr)
            for window in windows
            for name, expr in self.counts.recordings(window)
        ]

    def _condition(self, form: Form) -> str:
        # The measure stands first: `and` and `unless` keep the left side's value, which is the
        # number that the description shows.
        lines = [
            self._crossed(form.window),
            f"and {self.counts.observations(form.window)} >= {form.floor}",
        ]
        if form.still:
            lines.append(f"and ({self._crossed(form.still)})")
        if form.dense:
            window, floor = form.dense
            lines.append(f"unless {self.counts.observations(window)} >= {floor}")
        return "\n".join(lines)

    def _crossed(self, window: str) -> str:
        measure, known = self.counts.measure(window), self.counts.known(window)
        return self.threshold.crossed(measure, self.slug, known)


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
