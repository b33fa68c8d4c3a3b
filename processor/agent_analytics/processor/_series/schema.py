"""How series lie in memory: blocks of integer cells, and which cells make which series.

A *block* is the smallest thing that is born, held, copied and stored as one: the series of a
listing, of one of its tools, of one of its models. Its cells are integers (counts, nanoseconds,
nano-dollars), so that sums are exact and a store is free to keep them wherever integers fit.
A *schema* says what the cells of a kind of block mean.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

from agent_analytics.instrumentation.vocabulary import OUTCOMES
from agent_analytics.processor import catalogue
from agent_analytics.processor.catalogue import Metric

#: Cells hold billionths where a metric's unit is not a whole number.
NANO: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Series:
    """Cells of a block that make the series of one metric with one set of label values.

    Attributes:
        metric: What the series belong to.
        labels: Label values that follow those of the block.
        form: ``cell``: one cell; ``count``: the sum of ``size`` cells (a histogram's count);
            ``histogram``: ``size`` cells, one a bucket (not cumulative), then one with the sum.
        offset: First cell.
        size: Cells of a ``count`` or a ``histogram``, its sum left out.
        scale: What a cell (or a histogram's sum) is divided by to give the metric's unit.
        held: Whether the series shows 0 while its block is newborn.
    """

    metric: Metric
    labels: tuple[str, ...]
    form: Literal["cell", "count", "histogram"]
    offset: int
    size: int = 1
    scale: int = 1
    held: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """A kind of block: its name, its number of cells and the series they make."""

    name: str
    size: int
    series: tuple[Series, ...]
    #: Cells that are about now, and so of living processes alone.
    gauges: tuple[int, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Find the gauges."""
        gauges = (each.offset for each in self.series if each.metric.kind == "gauge")
        object.__setattr__(self, "gauges", tuple(gauges))


def _histogram(metric: Metric, offset: int, *labels: str) -> Series:
    return Series(metric, labels, "histogram", offset, len(metric.buckets) + 1, NANO)


# --- listing: one stretch of cells an outcome, then single cells ---------------------------------

#: Cells of the duration histogram of one outcome: its buckets, then its sum.
OUTCOME_CELLS: Final = len(catalogue.INVOCATION_SECONDS) + 2
#: From an outcome's first cell to the sum of its durations.
OUTCOME_SUM: Final = OUTCOME_CELLS - 1
_SINGLES: Final = len(OUTCOMES) * OUTCOME_CELLS
REVENUE: Final = _SINGLES
REFUNDS: Final = _SINGLES + 1
FEES: Final = _SINGLES + 2
MODEL_COST: Final = _SINGLES + 3
WASTED_COST: Final = _SINGLES + 4
INSTALLS: Final = _SINGLES + 5
UNINSTALLS: Final = _SINGLES + 6
IN_PROGRESS: Final = _SINGLES + 7

LISTING: Final = Schema(
    "listing",
    _SINGLES + 8,
    (
        *(
            Series(
                catalogue.INVOCATIONS,
                (outcome,),
                "count",
                index * OUTCOME_CELLS,
                OUTCOME_SUM,
            )
            for index, outcome in enumerate(OUTCOMES)
        ),
        *(
            _histogram(catalogue.INVOCATION_DURATION, index * OUTCOME_CELLS, outcome)
            for index, outcome in enumerate(OUTCOMES)
        ),
        Series(catalogue.INVOCATIONS_IN_PROGRESS, (), "cell", IN_PROGRESS, held=False),
        Series(catalogue.MODEL_COST, (), "cell", MODEL_COST, scale=NANO),
        Series(catalogue.WASTED_COST, (), "cell", WASTED_COST, scale=NANO),
        Series(catalogue.REVENUE, (), "cell", REVENUE, scale=NANO),
        Series(catalogue.REFUNDS, (), "cell", REFUNDS, scale=NANO),
        Series(catalogue.FEES, (), "cell", FEES, scale=NANO),
        Series(catalogue.INSTALLS, (), "cell", INSTALLS),
        Series(catalogue.UNINSTALLS, (), "cell", UNINSTALLS),
    ),
)

# --- one block for each value of a further label -------------------------------------------------

ERROR_TYPE: Final = Schema("error_type", 1, (Series(catalogue.INVOCATION_ERRORS, (), "cell", 0),))

#: Calls of a model by outcome; a block for each kind of figure that calls state beside it. What is
#: not known has no series: it is unknown, and a series of zeros would say that there was nothing.
MODEL: Final = Schema(
    "model",
    len(OUTCOMES),
    tuple(
        Series(catalogue.INFERENCE_CALLS, (outcome,), "cell", index)
        for index, outcome in enumerate(OUTCOMES)
    ),
)
USAGE_INPUT, USAGE_OUTPUT, USAGE_UNPRICED = range(3)
USAGE: Final = Schema(
    "usage",
    3,
    (
        Series(catalogue.INPUT_TOKENS, (), "cell", USAGE_INPUT),
        Series(catalogue.OUTPUT_TOKENS, (), "cell", USAGE_OUTPUT),
        Series(catalogue.UNPRICED_TOKENS, (), "cell", USAGE_UNPRICED),
    ),
)
CACHED: Final = Schema("cached", 1, (Series(catalogue.CACHED_INPUT_TOKENS, (), "cell", 0),))
REASONING: Final = Schema("reasoning", 1, (Series(catalogue.REASONING_TOKENS, (), "cell", 0),))

#: Cells 0 to 3 are the calls by outcome; the histogram follows (calls of unknown duration are in
#: the former only).
TOOL_HISTOGRAM: Final = len(OUTCOMES)
TOOL_SUM: Final = TOOL_HISTOGRAM + len(catalogue.TOOL_SECONDS) + 1
TOOL: Final = Schema(
    "tool",
    TOOL_SUM + 1,
    (
        *(
            Series(catalogue.TOOL_CALLS, (outcome,), "cell", index)
            for index, outcome in enumerate(OUTCOMES)
        ),
        _histogram(catalogue.TOOL_CALL_DURATION, TOOL_HISTOGRAM),
    ),
)


#: Of decorated tools, beside the block above: the sizes of their results, and calls that were made
#: before with the same arguments. A tool whose spans state neither has no such series.
_SIZES: Final = len(catalogue.RESULT_BYTES) + 1
RESULT_SUM: Final = _SIZES
TOOL_RESULT: Final = Schema(
    "tool_result",
    RESULT_SUM + 1,
    (Series(catalogue.TOOL_RESULT_SIZE, (), "histogram", 0, _SIZES),),
)
TOOL_REPEAT: Final = Schema(
    "tool_repeat", 1, (Series(catalogue.REPEATED_TOOL_CALLS, (), "cell", 0),)
)


def _only_histogram(name: str, metric: Metric) -> Schema:
    series = _histogram(metric, 0)
    return Schema(name, series.size + 1, (series,))


FIRST_CHUNK: Final = _only_histogram("first_chunk", catalogue.TIME_TO_FIRST_CHUNK)
RATING: Final = _only_histogram("rating", catalogue.FEEDBACK_RATING)
EVALUATION: Final = _only_histogram("evaluation", catalogue.EVALUATION_SCORE)

# --- a version of a listing ----------------------------------------------------------------------

#: Cells 0 to 3 are the invocations by outcome.
RELEASE_SLOW: Final = len(OUTCOMES)
RELEASE_COST: Final = RELEASE_SLOW + 1
RELEASE_RATINGS: Final = RELEASE_SLOW + 2
RELEASE_STARS: Final = RELEASE_SLOW + 3
#: Seconds since 1970 at which the version was last known to be in use; no series has it.
RELEASE_USED: Final = RELEASE_SLOW + 4
RELEASE: Final = Schema(
    "release",
    RELEASE_USED + 1,
    (
        *(
            Series(catalogue.RELEASE_INVOCATIONS, (outcome,), "cell", index)
            for index, outcome in enumerate(OUTCOMES)
        ),
        Series(catalogue.RELEASE_SLOW_INVOCATIONS, (), "cell", RELEASE_SLOW),
        Series(catalogue.RELEASE_MODEL_COST, (), "cell", RELEASE_COST, scale=NANO),
        Series(catalogue.RELEASE_RATINGS, (), "cell", RELEASE_RATINGS),
        Series(catalogue.RELEASE_RATING_STARS, (), "cell", RELEASE_STARS, scale=NANO),
    ),
)

# --- the kinds of blocks of a listing -------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class BlockKind:
    """What there is of a listing beside its sketches: its own block, its tools and so on.

    Where a kind is kept, capped, admitted, restored and exposed follows from what is said here.
    Once released, a kind has its cells for good: what is new has a kind of its own, so that
    releases before and after it go on in one state directory (docs/durability.md).

    Attributes:
        schema: What its cells mean; the kind has its name.
        cap: Field of ``Limits`` with the most names of a listing; empty where blocks have no name
            and a listing has one at most.
        cause: What a name is admitted and refused as: ``model`` for all that goes with a model.
        apart: Whether what it takes of an exposition is counted apart from all other kinds.
        with_listing: Whether a block without a name is born with its listing, and not when
            something is first added to it.
        place: Where the kind stands in ``KINDS``.
    """

    schema: Schema
    cap: str = ""
    cause: str = ""
    apart: bool = False
    with_listing: bool = False
    place: int = field(init=False)

    @property
    def name(self) -> str:
        """Name of the kind, which is that of its schema."""
        return self.schema.name


def _numbered(*kinds: BlockKind) -> tuple[BlockKind, ...]:
    for place, kind in enumerate(kinds):
        object.__setattr__(kind, "place", place)
    return kinds


LISTINGS: Final = BlockKind(LISTING, with_listing=True)
ERROR_TYPES: Final = BlockKind(ERROR_TYPE, "error_types_per_listing", "error_type")
FIRST_CHUNKS: Final = BlockKind(FIRST_CHUNK)
MODELS: Final = BlockKind(MODEL, "models_per_listing", "model")
USAGES: Final = BlockKind(USAGE, "models_per_listing", "model")
CACHED_USAGES: Final = BlockKind(CACHED, "models_per_listing", "model")
REASONING_USAGES: Final = BlockKind(REASONING, "models_per_listing", "model")
TOOLS: Final = BlockKind(TOOL, "tools_per_listing", "tool")
TOOL_RESULTS: Final = BlockKind(TOOL_RESULT, "tools_per_listing", "tool")
TOOL_REPEATS: Final = BlockKind(TOOL_REPEAT, "tools_per_listing", "tool")
RATINGS: Final = BlockKind(RATING)
EVALUATIONS: Final = BlockKind(EVALUATION, "evaluations_per_listing", "evaluation")
RELEASES: Final = BlockKind(RELEASE, "releases_per_listing", "release", apart=True)

#: Every kind, in the order in which it is exposed.
KINDS: Final = _numbered(
    LISTINGS,
    ERROR_TYPES,
    FIRST_CHUNKS,
    MODELS,
    USAGES,
    CACHED_USAGES,
    REASONING_USAGES,
    TOOLS,
    TOOL_RESULTS,
    TOOL_REPEATS,
    RATINGS,
    EVALUATIONS,
    RELEASES,
)
KIND_OF: Final = {kind.name: kind for kind in KINDS}
SCHEMAS: Final = tuple(kind.schema for kind in KINDS)
