"""The names that spans carry: every attribute, operation and outcome, each defined once.

Standard names come first: ``gen_ai.*`` and ``error.type`` follow the OpenTelemetry GenAI semantic
conventions (https://github.com/open-telemetry/semantic-conventions-genai). The constants published
on PyPI for ``gen_ai.*`` are deprecated, so the names are spelled out here. What the conventions do
not define lives under ``marketplace.*``.
"""

from typing import Final

# --- operations (gen_ai.operation.name) ---------------------------------------------------------

INVOKE_AGENT: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"
CHAT: Final = "chat"
#: Operations that are one call of a model.
INFERENCE_OPERATIONS: Final = frozenset({CHAT, "generate_content", "text_completion"})

#: Functions of LiteLLM that ask a model for an answer: its callback gives their names, and those of
#: their asynchronous twins, as operations.
LITELLM_ASKS: Final = frozenset(
    f"{twin}{function}"
    for twin in ("", "a")
    for function in (
        "completion",
        "text_completion",
        "responses",
        "anthropic_messages",
        "generate_content",
        "generate_content_stream",
    )
)

# --- standard attributes ------------------------------------------------------------------------

OPERATION_NAME: Final = "gen_ai.operation.name"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_VERSION: Final = "gen_ai.agent.version"
TOOL_NAME: Final = "gen_ai.tool.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
#: Older name of PROVIDER_NAME.
SYSTEM: Final = "gen_ai.system"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
#: Subset of INPUT_TOKENS.
CACHED_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
#: Subset of INPUT_TOKENS, apart from the cached ones.
CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
#: Subset of CACHE_WRITE_INPUT_TOKENS: kept in the cache for an hour, and dearer for it.
CACHE_WRITE_1H_INPUT_TOKENS: Final = "marketplace.usage.cache_creation_1h.input_tokens"
#: Subset of OUTPUT_TOKENS.
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
#: Seconds from the start of the span to the first chunk of a streamed answer.
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
ERROR_TYPE: Final = "error.type"

# --- marketplace attributes ---------------------------------------------------------------------

PUBLISHER_ID: Final = "marketplace.publisher.id"
#: The listing: what is sold under one name, whatever number of agents works inside it.
AGENT_ID: Final = "marketplace.agent.id"
TENANT_ID: Final = "marketplace.tenant.id"
OUTCOME: Final = "marketplace.outcome"
#: What the tenant is charged: a decimal string (exact) or a number, in US dollars.
REVENUE_USD: Final = "marketplace.revenue.usd"
#: What the tenant is given back: a decimal string or a number, in US dollars.
REFUND_USD: Final = "marketplace.refund.usd"
#: What the span cost the publisher in model calls: a decimal string or a number, in US dollars.
COST_USD: Final = "marketplace.cost.usd"
#: What an answer that a call returned states of its cost, alike; prices of one's own come first.
STATED_COST_USD: Final = "marketplace.stated_cost.usd"
#: Kind of the zero-length span that records something which is no call: one of EVENTS.
EVENT: Final = "marketplace.event"
#: Idempotency key of a recorded event: the same key of one publisher counts once.
EVENT_ID: Final = "marketplace.event.id"
FEEDBACK_RATING: Final = "marketplace.feedback.rating"
#: Tenant's content: set only where content capture is switched on.
FEEDBACK_COMMENT: Final = "marketplace.feedback.comment"
#: True where the usage on an agent span was reported for that span alone (``add_usage``,
#: ``record_invocation``), rather than read from a return value that may repeat its children's.
USAGE_OWN: Final = "marketplace.usage.own"
#: True on a recorded call whose duration is not known: it is counted, its duration is not.
DURATION_UNKNOWN: Final = "marketplace.duration.unknown"
#: True where a tool was called before with the same arguments in its invocation, as far as they are
#: plain JSON and short; the arguments themselves are nowhere.
TOOL_REPEATED: Final = "marketplace.tool.repeated"
#: Bytes of what a tool returned, where that is a text or bytes.
TOOL_RESULT_BYTES: Final = "marketplace.tool.result.bytes"

# --- values -------------------------------------------------------------------------------------

SUCCESS: Final = "success"
ERROR: Final = "error"
TIMEOUT: Final = "timeout"
CANCELLED: Final = "cancelled"
#: An exception ended the try by which a framework steers (a person is asked, work is put off): no
#: call and no failure. The call is what resumes it.
STEERED: Final = "steered"
#: Every outcome of a call, in the order in which they are stored and shown.
OUTCOMES: Final = (SUCCESS, ERROR, TIMEOUT, CANCELLED)

EVENT_INSTALL: Final = "install"
EVENT_UNINSTALL: Final = "uninstall"
EVENT_FEEDBACK: Final = "feedback"
EVENT_CHARGE: Final = "charge"
EVENT_REFUND: Final = "refund"
EVENT_EVALUATION: Final = "evaluation"
#: Usage of one more model in an invocation that used several.
EVENT_USAGE: Final = "usage"
#: On the ``invoke_agent`` span of an invocation that finished elsewhere: never inner work.
EVENT_INVOCATION: Final = "invocation"
EVENTS: Final = (
    EVENT_INSTALL,
    EVENT_UNINSTALL,
    EVENT_FEEDBACK,
    EVENT_CHARGE,
    EVENT_REFUND,
    EVENT_EVALUATION,
    EVENT_USAGE,
    EVENT_INVOCATION,
)
