"""What a span is counted with: one record, whoever recorded the span.

Foreign spans are observed once their run is understood (``observe``). Spans in the project's own
words say all of it themselves; the most frequent of them are counted without a record in between
(``InvocationCounter.end``, ``ToolCounter.end``), by the same rules.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._dialects import StatedCost, stated_cost
from agent_analytics.processor._series.cells import Exemplar
from agent_analytics.processor._spans.outcomes import SUCCESS
from agent_analytics.processor._spans.sdk_access import Attributes
from agent_analytics.processor.catalogue import UNKNOWN


class Usage(NamedTuple):
    """What a call or an agent used, as a span states it: nothing of it is believed yet.

    Attributes:
        sent: Tokens of the input; ``None`` where they are not stated, as for all that follow.
        received: Tokens of the output.
        cached: The part of the input that was read from a cache.
        reasoning: The part of the output that was spent on reasoning.
        cost: An amount that a user stated, or a ``StatedCost`` of an instrumentation.
        own: True where it is an agent's without what was counted below.
        model: The model that was asked.
        response_model: The model that answered.
        provider: Who runs the model.
        cache_write: The part of the input that was written to a cache.
        cache_write_1h: The part of that which the cache keeps for an hour.
    """

    sent: Any = None
    received: Any = None
    cached: Any = None
    reasoning: Any = None
    cost: Any = None
    own: Any = None
    model: Any = None
    response_model: Any = None
    provider: Any = None
    cache_write: Any = None
    cache_write_1h: Any = None

    @property
    def label(self) -> Any:
        """The name of the model that was asked, else of the one that answered."""
        if self.model is not None:
            return self.model
        return UNKNOWN if self.response_model is None else self.response_model

    def over(self, other: "Usage") -> "Usage":
        """Return the same, with what another says where this one says nothing."""
        pairs = zip(self, other, strict=True)
        return Usage(*(more if value is None else value for value, more in pairs))


NO_USAGE: Final = Usage()

# --- kinds of observations, beside those of nodes ------------------------------------------------

#: A record of what calls used that have no spans.
RECORD: Final = 101
#: A further view of a call that is counted where another span has it.
REPEAT: Final = 102

# Names of this module are read in half the time of those of another one.
_INPUT_TOKENS: Final = v.INPUT_TOKENS
_OUTPUT_TOKENS: Final = v.OUTPUT_TOKENS
_CACHED_INPUT_TOKENS: Final = v.CACHED_INPUT_TOKENS
_REASONING_TOKENS: Final = v.REASONING_TOKENS
_COST_USD: Final = v.COST_USD
_USAGE_OWN: Final = v.USAGE_OWN
_REQUEST_MODEL: Final = v.REQUEST_MODEL
_RESPONSE_MODEL: Final = v.RESPONSE_MODEL
_PROVIDER_NAME: Final = v.PROVIDER_NAME
_CACHE_WRITE_INPUT_TOKENS: Final = v.CACHE_WRITE_INPUT_TOKENS
_CACHE_WRITE_1H_INPUT_TOKENS: Final = v.CACHE_WRITE_1H_INPUT_TOKENS


def usage_of_call(attributes: Attributes) -> Usage:
    """Return what a model call in the project's own words used."""
    usage = stated_usage(attributes)
    return usage if usage.cost is not None else usage._replace(cost=stated_cost(attributes))


def usage_of_agent(attributes: Attributes) -> Usage | None:
    """Return what an agent states of itself in the project's own words, or ``None``."""
    usage = stated_usage(attributes)
    if usage.cost is not None:
        return usage
    if usage.sent is None and usage.received is None:
        return None
    stated = attributes.get(v.STATED_COST_USD)
    return usage if stated is None else usage._replace(cost=StatedCost((stated,)))


def stated_usage(attributes: Attributes) -> Usage:
    """Return what a span in the project's own words states, with the cost that a user states."""
    get = attributes.get
    fields = (
        get(_INPUT_TOKENS),
        get(_OUTPUT_TOKENS),
        get(_CACHED_INPUT_TOKENS),
        get(_REASONING_TOKENS),
        get(_COST_USD),
        get(_USAGE_OWN),
        get(_REQUEST_MODEL),
        get(_RESPONSE_MODEL),
        get(_PROVIDER_NAME),
        get(_CACHE_WRITE_INPUT_TOKENS),
        get(_CACHE_WRITE_1H_INPUT_TOKENS),
    )
    usage = tuple.__new__(Usage, fields)  # pyright: ignore[reportUnknownMemberType]  # as _make, in half the time
    if usage.provider is None:
        system = attributes.get(v.SYSTEM)
        return usage if system is None else usage._replace(provider=system)
    return usage


@dataclass(slots=True, kw_only=True)
class Observation:
    """One invocation, tool call, model call, record of usage or inner agent, as it is counted.

    Attributes:
        kind: What it is: a kind of nodes, or one of those above.
        inside: Flags of what was recorded inside (``CallsInside``).
        span_id: Id of the span, for exemplars.
        trace_id: Id of its trace.
        sampled: Whether the trace is sampled.
        start: When it began, in nanoseconds since 1970; ``None`` where that is not known.
        end: When it ended, alike.
        timed: Whether its duration is known.
        outcome: One of ``_spans.outcomes``.
        error: Short name of the type of what failed it; only of a failure.
        source: Name of the instrumentation that recorded it.
        contradicts: Whether its figures cannot mean what that instrumentation is known to mean.
        name: Name of the tool or of the agent.
        version: Version of the agent.
        resource: What the span says of its process, a version where the agent has none.
        tenant: Who used the agent.
        conversation: In which conversation.
        first_chunk: Seconds until the first chunk of the answer.
        revenue: What was charged, in dollars; ``None`` for nothing, as for all that follow.
        refund: What was given back.
        usage: Tokens, models and cost.
        ids: What instrumentations have as the id of an answer.
        fetched: Whether it only fetches an answer that was given before.
        result_bytes: Bytes of what a tool returned, as its decorator says; nothing is believed yet.
        repeated: Whether a tool was called with the same arguments before, alike.
    """

    kind: int
    inside: int = 0
    span_id: int = 0
    trace_id: int = 0
    sampled: bool = False
    start: int | None = None
    end: int | None = None
    timed: bool = True
    outcome: int = SUCCESS
    error: str = ""
    source: str = ""
    contradicts: bool = False
    name: Any = None
    version: Any = None
    resource: Any = None
    tenant: Any = None
    conversation: Any = None
    first_chunk: Any = None
    revenue: Any = None
    refund: Any = None
    usage: Usage | None = None
    ids: tuple[str, ...] = ()
    fetched: bool = False
    result_bytes: Any = None
    repeated: Any = None

    def exemplar(self, elapsed: int) -> Exemplar | None:
        """Return the exemplar of a duration, in nanoseconds; ``None`` for a span with none."""
        if not self.sampled or self.end is None:
            return None
        return self.trace_id, self.span_id, elapsed, self.end


def of_own_agent(
    kind: int,
    attributes: Attributes,
    start: int | None,
    *,
    tenant: object = None,
    outcome: int = SUCCESS,
) -> Observation:
    """Return what an agent's span in the project's own words brings that is no call.

    Args:
        kind: What it is.
        attributes: Those of the span.
        start: When it began, in nanoseconds since 1970.
        tenant: The tenant that was known when it began; ``None`` for what the span says.
        outcome: How it ended.
    """
    return Observation(
        kind=kind,
        outcome=outcome,
        start=start,
        name=attributes.get(v.AGENT_NAME),
        version=attributes.get(v.AGENT_VERSION),
        tenant=attributes.get(v.TENANT_ID) if tenant is None else tenant,
        conversation=attributes.get(v.CONVERSATION_ID),
        revenue=attributes.get(v.REVENUE_USD),
        refund=attributes.get(v.REFUND_USD),
        usage=usage_of_agent(attributes),
    )
