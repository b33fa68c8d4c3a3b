"""Did my release break it? What is worse in the current version than in the one before."""

from typing import Final

from agent_analytics.insights._definitions.spec.causes import (
    ERROR_TYPES,
    FAILING_TOOLS,
    MODELS,
    SLOW_TOOLS,
    Cause,
)
from agent_analytics.insights._definitions.spec.model import Category, Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import (
    PERCENT,
    RATING,
    THIS,
    WHO,
    asked,
    label,
    value,
)
from agent_analytics.insights._promql import quantities, releases
from agent_analytics.insights._promql.scopes import select

_NOW, _BEFORE = releases.WINDOWS
#: Chance that two versions which are alike look so different, at most, as a natural logarithm: one
#: in ten thousand, as of unusual errors.
_EVIDENCE: Final = 9.21
#: Fewest invocations of each version for shares and costs, and ratings for means.
_FEWEST: Final = 60
_FEWEST_FOR_COST: Final = 100
_FEWEST_RATINGS: Final = 20
#: Points of a share, and how many times as much.
_POINTS: Final = 0.02
_TIMES: Final = 1.5
_DEARER: Final = 0.2
_LOWER: Final = 0.3
#: US dollars of the current version from which its cost matters.
_COST_FLOOR: Final = 1
#: So many standard errors of the difference of two means. Invocations cost, as far as anybody
#: knows, once the mean more or less; ratings have a standard deviation of about 0.8.
_ERRORS: Final = 3.5
_RATING_NOISE: Final = 2.8

_VERSIONS: Final = {
    "version": label(select(releases.CURRENT, THIS), "version"),
    "previous": label(select(releases.PREVIOUS, THIS), "version"),
}


def _enough(whole: str, fewest: int) -> tuple[str, ...]:
    return tuple(f"and {releases.figure(whole, which)} >= {fewest}" for which in releases.WINDOWS)


def _noise(whole: str, errors: float) -> str:
    """So many standard errors of the difference of two means whose deviation is 1."""
    terms = " + ".join(f"1 / {releases.figure(whole, which)}" for which in releases.WINDOWS)
    return f"{errors} * sqrt({terms})"


def _numbers(part: str, whole: str, shown: str) -> dict[str, str]:
    return {
        **_VERSIONS,
        "now": asked(releases.share(part, whole, _NOW, THIS), shown),
        "before": asked(releases.share(part, whole, _BEFORE, THIS), shown),
    }


def _of_share(
    name: tuple[str, str, Category],
    share: tuple[str, str],
    texts: tuple[str, str, str],
    causes: tuple[Cause, ...],
) -> Spec:
    """Return an insight about a share of invocations that is greater than before."""
    (slug, alert, category), (part, whole), (title, what, did) = name, share, texts
    now, before = (releases.share(part, whole, which) for which in releases.WINDOWS)
    return Spec(
        slug=slug,
        alert=alert,
        severity="warning",
        category=category,
        title=title,
        what=f"% more of calls {what}",
        when=f"2 points and 1.5 times more calls {did} than in the version before, beyond chance",
        description=(
            f"{{now}} of the invocations of {WHO} {did} in version {{version}} in the last 7 days;"
            f" in version {{previous}}, which was there before, it was {{before}}."
        ),
        recommendation=(
            "Compare what the two versions do differently (prompt, model, tools), and go back to"
            " the version before until that is known."
        ),
        causes=causes,
        fades="weeks",
        first_look=(
            (
                "sum by (version, outcome)"
                ' (increase(marketplace_agent_release_invocations_total{publisher_id="P",'
                ' agent_id="A"}[1d]))'
            ),
        ),
        questions=(
            Question(
                audience="publisher",
                traffic="release",
                measure=f"({now} - {before})",
                threshold=Threshold(comparison=">", value=_POINTS),
                conditions=(
                    f"and {now} > {_TIMES} * {before}",
                    f"and {releases.evidence(part)} > {_EVIDENCE}",
                    *_enough(whole, _FEWEST),
                ),
                numbers=_numbers(part, whole, PERCENT),
            ),
        ),
    )


ERRORS: Final = _of_share(
    ("version-regression-errors", "AgentVersionFails", "reliability"),
    ("failed", "judged"),
    ("The new version fails more often", "failed", "failed"),
    (ERROR_TYPES, FAILING_TOOLS),
)
LATENCY: Final = _of_share(
    ("version-regression-latency", "AgentVersionSlower", "performance"),
    ("slow", "responses"),
    (
        "More answers of the new version take over 10 seconds",
        "over 10 s",
        "took more than 10 seconds",
    ),
    (SLOW_TOOLS,),
)

_COST_NOW, _COST_BEFORE = (
    releases.share("cost", "invocations", which) for which in releases.WINDOWS
)
_MORE: Final = quantities.trend(_COST_NOW, _COST_BEFORE)

COST: Final = Spec(
    slug="version-regression-cost",
    alert="AgentVersionCostsMore",
    severity="warning",
    category="cost",
    title="An invocation of the new version costs more",
    what="% more a call",
    when="20 % more model cost an invocation than in the version before, beyond chance",
    description=(
        f"An invocation of {WHO} cost {{now}} dollars in version {{version}} in the last 7 days,"
        f" {value(PERCENT)} more than the {{before}} of version {{previous}}, which was there"
        " before."
    ),
    recommendation=(
        "See what the version added to the prompt, which model it asks and how often it asks again,"
        " and take back what did not help."
    ),
    causes=(MODELS,),
    fades="weeks",
    first_look=(
        (
            "sum by (version)"
            ' (increase(marketplace_agent_release_model_cost_usd_total{publisher_id="P",'
            ' agent_id="A"}[1d]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="release",
            measure=_MORE,
            threshold=Threshold(comparison=">", value=_DEARER),
            conditions=(
                f"and {_MORE} > {_noise('invocations', _ERRORS)}",
                f"and {releases.figure('cost', _NOW)} >= {_COST_FLOOR}",
                *_enough("invocations", _FEWEST_FOR_COST),
            ),
            worth=(
                f"({releases.figure('cost', _NOW)} * (1 - {_COST_BEFORE} / {_COST_NOW})"
                f" / clamp((time() - max by (publisher_id, agent_id) ({releases.CURRENT})) / 86400,"
                " 1, 7))"
            ),
            numbers=_numbers("cost", "invocations", 'printf "%.4f"'),
        ),
    ),
)

_RATED_NOW, _RATED_BEFORE = (
    releases.share("stars", "ratings", which) for which in releases.WINDOWS
)
_FALL: Final = f"({_RATED_BEFORE} - {_RATED_NOW})"

RATINGS: Final = Spec(
    slug="version-regression-rating",
    alert="AgentVersionRatedLower",
    severity="warning",
    category="quality",
    title="The new version is rated lower",
    what="of 5 lower than before",
    when="0.3 below the version before, beyond chance",
    description=(
        f"Tenants rated version {{version}} of {WHO} {{now}} of 5 on average in the last 7 days,"
        f" {value(RATING)} less than the {{before}} of version {{previous}}, which was there"
        " before."
    ),
    recommendation=(
        "Read the lowest ratings of the version, compare its prompt and model with those before,"
        " and go back until it answers as well."
    ),
    causes=(MODELS, FAILING_TOOLS),
    observed="ratings",
    fades="weeks",
    first_look=(
        (
            "sum by (version)"
            ' (increase(marketplace_agent_release_ratings_total{publisher_id="P",'
            ' agent_id="A"}[7d]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="release",
            measure=_FALL,
            threshold=Threshold(comparison=">", value=_LOWER),
            conditions=(
                f"and {_FALL} > {_noise('ratings', _RATING_NOISE)}",
                *_enough("ratings", _FEWEST_RATINGS),
            ),
            numbers=_numbers("stars", "ratings", RATING),
        ),
    ),
)

SPECS: Final = (ERRORS, LATENCY, COST, RATINGS)
