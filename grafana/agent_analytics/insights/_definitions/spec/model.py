"""What an insight is: one spec, with the questions by which it is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from agent_analytics.insights._definitions.spec.causes import Cause
from agent_analytics.insights._definitions.spec.texts import PERCENT, SHORT, bound
from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import accounting, recorded
from agent_analytics.processor.catalogue import LISTING_LABELS

Severity = Literal["critical", "warning", "info"]
Category = Literal[
    "reliability", "performance", "quality", "revenue", "cost", "adoption", "integration"
]
Audience = Literal["oncall", "publisher"]
Comparison = Literal[">", "<"]
Observed = Literal["invocations", "ratings", "tool_calls"]
Fades = Literal["never", "weeks", "days"]
Unit = Literal["share", "rating", ""]

#: Where the runbook pages stand, from the root of the repository.
RUNBOOKS: Final = "docs/runbooks"

#: Ratios are compared to the millionth, so that exactly 5 % is not more than 5 % by an error of
#: the floating point (1 - 0.95 is 0.050000000000000044). Counted in millionths and divided: rounded
#: to a fraction, VictoriaMetrics cuts the digits off behind, and has 0.1724139 for 0.172414.
_MILLIONTHS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The side of a boundary on which a measure is bad.

    The one place where a measure meets its bound, and where a listing's own bound takes the place
    of the one that is written here.

    Attributes:
        comparison: Bad above or below.
        value: The bound.
        scale: What the bound, a listing's own as well, is multiplied by.
        unit: ``share`` for a measure from 0 to 1 that is shown in per cent, ``rating`` for one of
            5; needed where texts name the bound.
    """

    comparison: Comparison
    value: float
    scale: float = 1.0
    unit: Unit = ""

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
        rounded = f"(round({_MILLIONTHS} * ({measure})) / {_MILLIONTHS})"
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

    @property
    def words(self) -> str:
        """The bound in words, such as ``5 %``."""
        return f"{self.value * 100:g} %" if self.unit == "share" else f"{self.value:g}"

    @property
    def limit(self) -> str:
        """The bound and its side in words, such as ``above 5 %``."""
        side = {">": "above", "<": "below"}[self.comparison]
        return f"{side} {self.words}" if self.unit == "share" else f"{side} {self.words} of 5"

    def own_words(self, insight: str) -> str:
        """Return a template of the bound that a listing has, for a title."""
        if self.unit == "share":
            return bound(insight, SHORT, factor=100, after=" %", otherwise=self.words)
        return bound(insight, SHORT, otherwise=self.words)

    def own_limit(self, insight: str) -> str:
        """Return a template of the bound that a listing has, for a description."""
        share = self.unit == "share"
        usual = f"{self.value * 100:g}%" if share else self.words
        return bound(insight, PERCENT if share else SHORT, otherwise=usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One way in which an insight is asked, and of whom.

    Attributes:
        audience: Who gets the answer.
        traffic: The label that tells it from the other questions of the insight.
        cause: The same, for questions about something else than a listing's traffic.
        measure: The measured number, as PromQL; the alert's value.
        threshold: When the number is bad; None where the measure answers only where it is.
        known: A cheap series that there is wherever the measure is (:meth:`Threshold.crossed`).
        conditions: What has to hold besides: lines that begin with ``and`` or ``unless``.
        looks_up: What is recorded in front of the alert, in its group, and looked up by it.
        fast: Asked every few seconds, where it is for on-call.
        window: What ``{window}`` in the description stands for.
        seconds: Length of that window, where the description shall name what was observed of it
            instead, as long as that is less; 0 where it needs a longer past anyway.
        worth: US dollars a day that are at stake, as PromQL; empty where there is no such number.
        numbers: Templates of further numbers, by the word in braces that the description has.
        hold: How long the condition has to last (``for``); empty for not at all.
        keep: How long the alert stays up after the condition has gone (``keep_firing_for``).
        alert: Name of the alert, where it is not the insight's.
        severity: How bad it is, where it is not as bad as the insight.
        title: Title, where it is not the insight's.
        description: Description, where it is not the insight's.
        recommendation: What to do, where it is something else.
    """

    audience: Audience
    traffic: str = ""
    cause: str = ""
    measure: str
    threshold: Threshold | None = None
    known: str = ""
    conditions: tuple[str, ...] = ()
    looks_up: tuple[Recording, ...] = ()
    fast: bool = False
    window: str = ""
    seconds: int = 0
    worth: str = ""
    numbers: Mapping[str, str] = field(default_factory=dict[str, str])
    hold: str = ""
    keep: str = ""
    alert: str = ""
    severity: Severity | None = None
    title: str = ""
    description: str = ""
    recommendation: str = ""

    @property
    def label(self) -> dict[str, str]:
        """The label that tells it from the other questions."""
        return {"cause": self.cause} if self.cause else {"traffic": self.traffic}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One insight: all that is said of it, and how it is asked.

    Attributes:
        slug: Short name: the label ``insight``, and the name of the runbook page.
        alert: Name of the alert.
        severity: How bad it is.
        category: What it is about.
        title: One short line; ``{limit}`` is the bound.
        what: What the measured number counts, in words that follow it. With a per cent sign in
            front, the number is a share, and is shown times a hundred.
        when: When it is raised, in the words of the documentation; empty for what no publisher is
            asked.
        description: Template with the measured numbers; ``{window}`` and ``{limit}`` are filled in.
        recommendation: What to do.
        questions: How it is asked. Where an earlier one of publishers answers, later ones do not.
        first_look: Queries that its runbook begins with, with ``P``, ``A`` and ``T`` for publisher,
            listing and tool.
        by: Labels that tell one answer from another.
        causes: What it may come from, the most telling first: of each, the largest part is named.
        observed: What has to go on for it to be fixed where it is silent; without that, silence
            only says that nothing happens.
        fades: How soon it is silent although nothing was mended, because what it compares with is
            its own past, which moves on.
        traces: Series whose exemplars are traces of what is wrong, with letters as in
            ``first_look``; empty where no trace shows it.
        covered_by: Short name of the insight that is raised instead of this one.
    """

    slug: str
    alert: str
    severity: Severity
    category: Category
    title: str
    what: str = ""
    when: str = ""
    description: str
    recommendation: str
    questions: tuple[Question, ...] = field(repr=False)
    first_look: tuple[str, ...] = ()
    by: tuple[str, ...] = LISTING_LABELS
    causes: tuple[Cause, ...] = ()
    observed: Observed = "invocations"
    fades: Fades = "never"
    covered_by: str = ""
    traces: str = ""

    def asked_of(self, audience: Audience) -> tuple[Question, ...]:
        """Return the questions whose answers are for an audience."""
        return tuple(each for each in self.questions if each.audience == audience)

    @property
    def compares(self) -> bool:
        """Whether it is silent for weeks where the rules of counting have changed."""
        conditions = (text for each in self.questions for text in each.conditions)
        return any(accounting.CHANGED in text for text in conditions)

    @property
    def threshold(self) -> Threshold:
        """The bound, which the questions share.

        Raises:
            ValueError: No question has a bound.
        """
        for question in self.questions:
            if question.threshold:
                return question.threshold
        message = f"{self.slug} has no bound"
        raise ValueError(message)

    @property
    def limit(self) -> str:
        """The bound and its side in words, such as ``above 5 %``."""
        return self.threshold.limit

    @property
    def usual_title(self) -> str:
        """The title where a listing has no bound of its own."""
        return self._filled(self.title, lambda: self.threshold.words)

    @property
    def own_title(self) -> str:
        """Template of the title, with the bound that the listing has."""
        return self._filled(self.title, lambda: self.threshold.own_words(self.slug))

    @property
    def own_description(self) -> str:
        """Template of the description, with the bound that the listing has."""
        return self._filled(self.description, lambda: self.threshold.own_limit(self.slug))

    @staticmethod
    def _filled(text: str, limit: Callable[[], str]) -> str:
        return text.replace("{limit}", limit()) if "{limit}" in text else text
