"""Insights about what tenants think of a listing."""

from typing import Final

from agent_analytics.insights._definitions.spec.asking import FOUR_WEEKS_BEFORE, WEEK
from agent_analytics.insights._definitions.spec.model import Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import RATING, THIS, WHO, asked, value
from agent_analytics.insights._promql import quantities

_FEWEST_RATINGS: Final = 20
#: Three and a half standard errors of a mean of ratings, whose standard deviation is about 0.8.
_NOISE: Final = 2.8

_FALL: Final = f"({quantities.mean_rating(FOUR_WEEKS_BEFORE)} - {quantities.mean_rating(WEEK)})"

RATING_FALLING: Final = Spec(
    slug="rating-falling",
    fades="days",
    observed="ratings",
    alert="AgentRatingFalling",
    severity="warning",
    category="quality",
    title="Ratings are falling",
    what="of 5 lower than before",
    when="0.3 below the four weeks before",
    description=(
        f"Tenants rated {WHO} {{now}} of 5 on average in the last 7 days, {value(RATING)} less"
        " than the {before} of the four weeks before."
    ),
    recommendation=(
        "Read the lowest ratings since the fall began and compare them with the version, prompt"
        " and model of that day."
    ),
    first_look=(
        (
            "sum by (le) "
            '(increase(marketplace_agent_feedback_rating_bucket{publisher_id="P", '
            'agent_id="A"}[7d]))'
        ),
    ),
    questions=(
        Question(
            audience="publisher",
            traffic="week",
            measure=_FALL,
            threshold=Threshold(comparison=">", value=0.3),
            conditions=(
                f"and {_FALL} > {_NOISE} / sqrt({quantities.ratings(WEEK)})",
                f"and {quantities.ratings(WEEK)} >= {_FEWEST_RATINGS}",
                f"and {quantities.ratings(FOUR_WEEKS_BEFORE)} >= {_FEWEST_RATINGS}",
            ),
            numbers={
                "now": asked(quantities.mean_rating(WEEK, THIS), RATING),
                "before": asked(quantities.mean_rating(FOUR_WEEKS_BEFORE, THIS), RATING),
            },
        ),
    ),
)

SPECS: Final = (RATING_FALLING,)
