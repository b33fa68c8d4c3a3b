"""What a spec becomes in rule files.

What publishers are asked is a recording rule, and the alert selects what is recorded: the number
that the condition measured is a series, which the alert, the dashboards and the report show alike.
Pages of on-call are alerts over what is recorded in front of them.
"""

from agent_analytics.insights._definitions.spec.asking import raised
from agent_analytics.insights._definitions.spec.model import RUNBOOKS, Question, Spec
from agent_analytics.insights._definitions.spec.texts import (
    DOLLARS,
    THIS,
    THIS_TOOL,
    asked,
    observed,
)
from agent_analytics.insights._entries import Recording, Rule
from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.scopes import select


def info(spec: Spec) -> Recording:
    """Return the rule that records the words of an insight, once for whoever shows it."""
    return Recording(
        record=recorded.INFO,
        expr="vector(1)",
        labels={
            "insight": spec.slug,
            # The usual bound stands for a listing's own, which a label cannot look up.
            "title": spec.usual_title,
            "what": spec.what,
            "recommendation": spec.recommendation,
        },
    )


def condition(spec: Spec, question: Question) -> str:
    """Return the PromQL that answers a question's number where it is bad."""
    # The measure stands first: `and` and `unless` keep the left side's value, which is the number
    # that the description shows.
    measure = question.measure
    if question.threshold:
        measure = question.threshold.crossed(measure, spec.slug, question.known)
    return "\n".join((measure, *question.conditions))


def measures(spec: Spec) -> list[Recording]:
    """Return the rules that record the measured numbers where they are bad, for publishers."""
    by = ", ".join(spec.by)
    found: list[Recording] = []
    earlier: list[str] = []
    for question in spec.asked_of("publisher"):
        # What the rules before this one have recorded at this moment.
        but = f"\nunless on ({by}) {raised(spec.slug, *earlier)}" if earlier else ""
        found.append(
            Recording(
                record=recorded.MEASURE,
                expr=f"{condition(spec, question)}{but}",
                labels={"insight": spec.slug, "traffic": question.traffic},
            )
        )
        earlier.append(question.traffic)
    return found


def worths(spec: Spec) -> list[Recording]:
    """Return the rules that record what an insight is worth a day where it is raised."""
    return [
        Recording(
            record=recorded.WORTH,
            expr=(
                f"{question.worth} > 0\n"
                f"and on ({', '.join(spec.by)}) {raised(spec.slug, question.traffic)}"
            ),
            labels={"insight": spec.slug, "traffic": question.traffic},
        )
        for question in spec.asked_of("publisher")
        if question.worth
    ]


def insights(spec: Spec) -> list[Rule]:
    """Return the alerts for publishers."""
    return [
        _alert(spec, question, raised(spec.slug, question.traffic))
        for question in spec.asked_of("publisher")
    ]


def pages(spec: Spec, *, fast: bool) -> list[Rule]:
    """Return the alerts for on-call.

    Args:
        spec: The insight.
        fast: Those that are evaluated every few seconds, or those that can wait longer.
    """
    return [
        _alert(spec, question, condition(spec, question))
        for question in spec.asked_of("oncall")
        if question.fast is fast
    ]


def looked_up(spec: Spec, *, fast: bool) -> list[Recording]:
    """Return what the alerts for on-call of the same kind look up."""
    return [
        rule
        for question in spec.asked_of("oncall")
        if question.fast is fast
        for rule in question.looks_up
    ]


def _alert(spec: Spec, question: Question, expr: str) -> Rule:
    return Rule(
        alert=question.alert or spec.alert,
        expr=expr,
        hold=question.hold,
        keep=question.keep,
        labels={
            "audience": question.audience,
            "severity": question.severity or spec.severity,
            "category": spec.category,
            "insight": spec.slug,
            **question.label,
        },
        annotations=_annotations(spec, question),
    )


def _annotations(spec: Spec, question: Question) -> dict[str, str]:
    notes = {
        "title": question.title or spec.own_title,
        "description": _description(spec, question),
        "recommendation": question.recommendation or spec.recommendation,
        "runbook_url": f"{RUNBOOKS}/{spec.slug}.md",
    }
    if question.worth:
        scope = THIS_TOOL if "tool" in spec.by else THIS
        own = (f'insight="{spec.slug}"', f'traffic="{question.traffic}"')
        worth = select(recorded.WORTH, scope, *own)
        notes["worth_usd_day"] = asked(worth, DOLLARS, otherwise="")
    return notes


def _description(spec: Spec, question: Question) -> str:
    last = f"the last {question.window}"
    window = observed(question.seconds, last) if question.seconds else last
    text = question.description or spec.own_description
    text = text.replace("the last {window}", window).replace("{window}", question.window)
    for word, number in question.numbers.items():
        text = text.replace(f"{{{word}}}", number)
    return text
