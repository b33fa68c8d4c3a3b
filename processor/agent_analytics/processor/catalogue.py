"""Every metric of the project, defined once: name, kind, help, labels, unit and bucket edges.

Rules, dashboards, reports, docs and tests take their names from here. Listing metrics carry
``publisher_id`` and ``agent_id`` besides the labels named here; no metric ever carries a tenant,
a user, a conversation, or text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

#: Labels of every listing metric, in front of its own.
LISTING_LABELS: Final = ("publisher_id", "agent_id")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family.

    Attributes:
        name: As Prometheus stores it; counters end in ``_total``.
        kind: ``counter``, ``gauge`` or ``histogram``.
        help: One line for a reader of ``/metrics``.
        labels: Every label name, in the order in which it is exposed, ``le`` left out.
        unit: Prometheus base unit that ends the family's name, or empty.
        buckets: Finite upper edges of a histogram, ascending.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = LISTING_LABELS
    unit: str = ""
    buckets: tuple[float, ...] = ()

    @property
    def family(self) -> str:
        """Name of the family in OpenMetrics, where counters drop ``_total``."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def samples(self) -> tuple[str, ...]:
        """Names of the samples that Prometheus stores for this family."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


def _listing(*labels: str) -> tuple[str, ...]:
    return (*LISTING_LABELS, *labels)


# --- bucket edges --------------------------------------------------------------------------------
# An edge stands at every threshold that a rule asks about: 10 s is one, so that "p95 > 10 s" is
# answered by counting and not by interpolating.

INVOCATION_SECONDS: Final = (
    0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip
TOOL_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
FIRST_CHUNK_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0)
RESULT_BYTES: Final = (1_000.0, 4_000.0, 16_000.0, 64_000.0, 256_000.0, 1_000_000.0)
RATINGS: Final = (1.0, 2.0, 3.0, 4.0, 5.0)
SCORES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

# --- what listings do ----------------------------------------------------------------------------

INVOCATIONS: Final = Metric(
    "marketplace_agent_invocations_total",
    "counter",
    "Ended invocations by outcome.",
    _listing("outcome"),
)
INVOCATION_ERRORS: Final = Metric(
    "marketplace_agent_invocation_errors_total",
    "counter",
    "Invocations that ended in an error or a timeout, by the exception's type.",
    _listing("error_type"),
)
INVOCATION_DURATION: Final = Metric(
    "marketplace_agent_invocation_duration_seconds",
    "histogram",
    "Time from the start of an invocation to its end, or to the end of its stream.",
    _listing("outcome"),
    unit="seconds",
    buckets=INVOCATION_SECONDS,
)
INVOCATIONS_IN_PROGRESS: Final = Metric(
    "marketplace_agent_invocations_in_progress",
    "gauge",
    "Invocations that have started and not ended.",
)
TIME_TO_FIRST_CHUNK: Final = Metric(
    "marketplace_agent_time_to_first_chunk_seconds",
    "histogram",
    "Time from the start of a streamed invocation to its first chunk.",
    unit="seconds",
    buckets=FIRST_CHUNK_SECONDS,
)
INFERENCE_CALLS: Final = Metric(
    "marketplace_agent_inference_calls_total",
    "counter",
    "Calls of a model, by model and outcome.",
    _listing("model", "outcome"),
)
INPUT_TOKENS: Final = Metric(
    "marketplace_agent_input_tokens_total",
    "counter",
    "Tokens sent to a model, cached ones included.",
    _listing("model"),
)
OUTPUT_TOKENS: Final = Metric(
    "marketplace_agent_output_tokens_total",
    "counter",
    "Tokens received from a model, reasoning included.",
    _listing("model"),
)
CACHED_INPUT_TOKENS: Final = Metric(
    "marketplace_agent_cached_input_tokens_total",
    "counter",
    "Input tokens that were read from the model's prompt cache; a subset of the input tokens.",
    _listing("model"),
)
REASONING_TOKENS: Final = Metric(
    "marketplace_agent_reasoning_tokens_total",
    "counter",
    "Output tokens spent on reasoning; a subset of the output tokens.",
    _listing("model"),
)
UNPRICED_TOKENS: Final = Metric(
    "marketplace_agent_unpriced_tokens_total",
    "counter",
    "Tokens, input and output, whose cost is not known.",
    _listing("model"),
)
MODEL_COST: Final = Metric(
    "marketplace_agent_model_cost_usd_total",
    "counter",
    "What model calls cost the publisher, in US dollars.",
    unit="usd",
)
WASTED_COST: Final = Metric(
    "marketplace_agent_wasted_cost_usd_total",
    "counter",
    "The part of the model cost that went into invocations that failed, in US dollars.",
    unit="usd",
)
REVENUE: Final = Metric(
    "marketplace_agent_revenue_usd_total",
    "counter",
    "What tenants were charged, in US dollars.",
    unit="usd",
)
REFUNDS: Final = Metric(
    "marketplace_agent_refunds_usd_total",
    "counter",
    "What tenants were given back, in US dollars.",
    unit="usd",
)
FEES: Final = Metric(
    "marketplace_agent_fees_usd_total",
    "counter",
    "The marketplace's share of the revenue, in US dollars.",
    unit="usd",
)
TOOL_CALLS: Final = Metric(
    "marketplace_agent_tool_calls_total",
    "counter",
    "Tool calls, by tool and outcome.",
    _listing("tool", "outcome"),
)
TOOL_CALL_DURATION: Final = Metric(
    "marketplace_agent_tool_call_duration_seconds",
    "histogram",
    "Time that a tool call took.",
    _listing("tool"),
    unit="seconds",
    buckets=TOOL_SECONDS,
)
TOOL_RESULT_SIZE: Final = Metric(
    "marketplace_agent_tool_result_size_bytes",
    "histogram",
    "Size of what a decorated tool returned, where that is a text (as UTF-8) or bytes.",
    _listing("tool"),
    unit="bytes",
    buckets=RESULT_BYTES,
)
REPEATED_TOOL_CALLS: Final = Metric(
    "marketplace_agent_repeated_tool_calls_total",
    "counter",
    "Calls of a decorated tool with arguments with which it was called before in its invocation.",
    _listing("tool"),
)
FEEDBACK_RATING: Final = Metric(
    "marketplace_agent_feedback_rating",
    "histogram",
    "Ratings by tenants, 1 to 5.",
    buckets=RATINGS,
)
EVALUATION_SCORE: Final = Metric(
    "marketplace_agent_evaluation_score",
    "histogram",
    "Scores given by evaluations, by the evaluation's name.",
    _listing("evaluation"),
    buckets=SCORES,
)
INSTALLS: Final = Metric(
    "marketplace_agent_installs_total",
    "counter",
    "Installs; a reinstall is a second install.",
)
UNINSTALLS: Final = Metric(
    "marketplace_agent_uninstalls_total",
    "counter",
    "Uninstalls.",
)
ACTIVE_INSTALLS: Final = Metric(
    "marketplace_agent_active_installs",
    "gauge",
    "Installs less uninstalls, where a state directory or a callback makes that known.",
)
SKETCH_REGISTER: Final = Metric(
    "marketplace_agent_sketch_register",
    "gauge",
    "Smallest keyed hash in (0, 1) seen in a register; merge by min, empty registers are absent.",
    _listing("kind", "register"),
)
INFO: Final = Metric(
    "marketplace_agent_info",
    "gauge",
    "1 for each name and version of the agent seen lately; two versions may live at once.",
    _listing("agent_name", "agent_version"),
)

# --- releases: what each version of a listing does, in metrics of their own ----------------------
# No metric above has a version: a release would rename its series, and windows would count what
# a renamed one has counted in its life again.

RELEASE_INVOCATIONS: Final = Metric(
    "marketplace_agent_release_invocations_total",
    "counter",
    "Ended invocations, by the version of the agent and outcome.",
    _listing("version", "outcome"),
)
RELEASE_SLOW_INVOCATIONS: Final = Metric(
    "marketplace_agent_release_slow_invocations_total",
    "counter",
    "Invocations that succeeded after more than 10 seconds, by the version of the agent.",
    _listing("version"),
)
RELEASE_MODEL_COST: Final = Metric(
    "marketplace_agent_release_model_cost_usd_total",
    "counter",
    "What the model calls of invocations cost, by the version of the agent, in US dollars.",
    _listing("version"),
    unit="usd",
)
RELEASE_RATINGS: Final = Metric(
    "marketplace_agent_release_ratings_total",
    "counter",
    "Ratings by tenants, by the version of the agent.",
    _listing("version"),
)
RELEASE_RATING_STARS: Final = Metric(
    "marketplace_agent_release_rating_stars_total",
    "counter",
    "Sum of the ratings by tenants, 1 to 5 each, by the version of the agent.",
    _listing("version"),
)
#: Seconds beyond which an invocation is slow.
SLOW_SECONDS: Final = 10
#: Samples that one exposition has at most, unless `Limits` says otherwise.
SAMPLES_OF_EXPOSITION: Final = 250_000

# --- the health of agent-analytics itself --------------------------------------------------------

#: Which rules of counting are followed. It goes up by one where a release counts the same spans
#: otherwise, so that nobody compares figures across it. Releases without the metric are revision 1.
ACCOUNTING_REVISION: Final = 2
ACCOUNTING: Final = Metric(
    "agent_analytics_accounting",
    "gauge",
    "1 for the revision of the rules of counting; figures of two revisions do not compare.",
    ("revision",),
)
SPANS: Final = Metric(
    "agent_analytics_spans_total",
    "counter",
    "Ended spans that were read, by what they were taken for.",
    ("kind",),
)
UNATTRIBUTED_SPANS: Final = Metric(
    "agent_analytics_unattributed_spans_total",
    "counter",
    "Agent, tool and model spans that no listing could be credited with.",
    ("kind",),
)
REFUSED_SERIES: Final = Metric(
    "agent_analytics_refused_series_total",
    "counter",
    "Times a label value was counted under _other because its cap was reached, by label.",
    ("cause",),
)
REFUSED_VALUES: Final = Metric(
    "agent_analytics_refused_values_total",
    "counter",
    "Attribute values that were refused (wrong type, not finite, negative, absurd), by what.",
    ("cause",),
)
STEERED: Final = Metric(
    "agent_analytics_steered_total",
    "counter",
    "Tries that an exception ended by which a framework steers, by what was tried: no calls, no "
    "failures.",
    ("kind",),
)
CONTRADICTED_INPUT: Final = Metric(
    "agent_analytics_contradicted_input_total",
    "counter",
    "Spans whose tokens cannot mean what their instrumentation is known to mean, by its scope.",
    ("scope",),
)
GIVEN_UP_SPANS: Final = Metric(
    "agent_analytics_given_up_spans_total",
    "counter",
    "Spans that had not ended when they were given up.",
    (),
)
OPEN_SPANS: Final = Metric(
    "agent_analytics_open_spans",
    "gauge",
    "Started spans that are followed until they end.",
    (),
)
DUPLICATE_EVENTS: Final = Metric(
    "agent_analytics_duplicate_events_total",
    "counter",
    "Recorded events that were not counted again because their event id had been seen.",
    (),
)
UNRECORDED_INVOCATIONS: Final = Metric(
    "agent_analytics_unrecorded_invocations_total",
    "counter",
    "Invocations that the decorator saw and the SDK did not record; a sampler drops them.",
    (),
)
INTERNAL_ERRORS: Final = Metric(
    "agent_analytics_internal_errors_total",
    "counter",
    "Errors of agent-analytics itself that were kept away from the host.",
    (),
)
LAST_SPAN: Final = Metric(
    "agent_analytics_last_span_timestamp_seconds",
    "gauge",
    "Unix time at which a span of an agent was last counted.",
    (),
    unit="seconds",
)
STATE_FAILING: Final = Metric(
    "agent_analytics_state_failing",
    "gauge",
    "Living workers that could not read or write the state directory when they last tried; each "
    "says why in its log.",
    (),
)
EXPOSITION_SAMPLES: Final = Metric(
    "agent_analytics_exposition_samples",
    "gauge",
    "Samples that one exposition may come to: those of its series, and what is reserved for them.",
    (),
)
EXPOSITION_BYTES: Final = Metric(
    "agent_analytics_exposition_bytes",
    "gauge",
    "Bytes that one exposition may come to as text, every number at its longest.",
    (),
    unit="bytes",
)
EXPOSITION_FILLED: Final = Metric(
    "agent_analytics_exposition_filled_ratio",
    "gauge",
    "Part that is taken of the most samples and the most bytes of an exposition.",
    ("of",),
    unit="ratio",
)
FULLEST_PUBLISHER: Final = Metric(
    "agent_analytics_fullest_publisher_ratio",
    "gauge",
    "Part that is taken of its share of an exposition, of the publisher that has most of it; at 1 "
    "its new names go under _other.",
    (),
    unit="ratio",
)

RELEASES_FILLED: Final = Metric(
    "agent_analytics_releases_filled_ratio",
    "gauge",
    "Part that is taken of the samples that series of releases may come to, beside all others.",
    (),
    unit="ratio",
)

#: What there is of each version of a listing.
RELEASE_METRICS: Final = (
    RELEASE_INVOCATIONS,
    RELEASE_SLOW_INVOCATIONS,
    RELEASE_MODEL_COST,
    RELEASE_RATINGS,
    RELEASE_RATING_STARS,
)
LISTING_METRICS: Final = (
    INVOCATIONS,
    INVOCATION_ERRORS,
    INVOCATION_DURATION,
    INVOCATIONS_IN_PROGRESS,
    TIME_TO_FIRST_CHUNK,
    INFERENCE_CALLS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    CACHED_INPUT_TOKENS,
    REASONING_TOKENS,
    UNPRICED_TOKENS,
    MODEL_COST,
    WASTED_COST,
    REVENUE,
    REFUNDS,
    FEES,
    TOOL_CALLS,
    TOOL_CALL_DURATION,
    TOOL_RESULT_SIZE,
    REPEATED_TOOL_CALLS,
    FEEDBACK_RATING,
    EVALUATION_SCORE,
    INSTALLS,
    UNINSTALLS,
    ACTIVE_INSTALLS,
    SKETCH_REGISTER,
    INFO,
    *RELEASE_METRICS,
)
HEALTH_METRICS: Final = (
    ACCOUNTING,
    SPANS,
    UNATTRIBUTED_SPANS,
    REFUSED_SERIES,
    REFUSED_VALUES,
    STEERED,
    CONTRADICTED_INPUT,
    GIVEN_UP_SPANS,
    OPEN_SPANS,
    DUPLICATE_EVENTS,
    UNRECORDED_INVOCATIONS,
    INTERNAL_ERRORS,
    LAST_SPAN,
    STATE_FAILING,
    EXPOSITION_SAMPLES,
    EXPOSITION_BYTES,
    EXPOSITION_FILLED,
    FULLEST_PUBLISHER,
    RELEASES_FILLED,
)

#: Every metric by its name.
CATALOGUE: Final[Mapping[str, Metric]] = MappingProxyType(
    {metric.name: metric for metric in (*LISTING_METRICS, *HEALTH_METRICS)}
)

#: Label value that collects everything beyond a cap.
OTHER: Final = "_other"
#: Label value where a call named none (a model call without a model, a tool without a name).
UNKNOWN: Final = "unknown"

#: What ``sketch_register`` counts, by its label ``kind``.
SKETCH_TENANTS: Final = "tenants"
SKETCH_CONVERSATIONS: Final = "conversations"
#: Registers of a sketch: root-mean-square error of a distinct count 2.1 to 2.9 %.
SKETCH_REGISTERS: Final = 1024
