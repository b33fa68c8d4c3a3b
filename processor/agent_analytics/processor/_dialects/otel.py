"""OpenTelemetry GenAI conventions, current and older spellings (``gen_ai.*``)."""

from typing import Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect

OTEL: Final = Dialect(
    name="opentelemetry",
    scopes=(
        "opentelemetry.instrumentation.genai",
        "opentelemetry.util.genai",
        "opentelemetry.instrumentation.openai",
        "opentelemetry.instrumentation.google_genai",
    ),
    kind_keys=("gen_ai.operation.name",),
    kinds={
        "invoke_agent": f.AGENT,
        "execute_tool": f.TOOL,
        "chat": f.MODEL,
        "generate_content": f.MODEL,
        "text_completion": f.MODEL,
        "completion": f.MODEL,
        "responses": f.MODEL,
        "message": f.MODEL,
        "messages": f.MODEL,
        "invoke_workflow": f.WORKFLOW,
        "invoke_swarm": f.WORKFLOW,
        "invoke_graph": f.WORKFLOW,
        "invoke_team": f.WORKFLOW,
        "handoff": f.HANDOFF,
    },
    names={
        "invoke_agent ": f.AGENT,
        "execute_tool ": f.TOOL,
        "chat ": f.MODEL,
        "generate_content ": f.MODEL,
        "text_completion ": f.MODEL,
        "invoke_workflow ": f.WORKFLOW,
    },
    prefixes=("invoke_agent", "execute_tool"),
    agent_names=("gen_ai.agent.name",),
    tool_names=("gen_ai.tool.name",),
    models=("gen_ai.request.model",),
    response_models=("gen_ai.response.model",),
    providers=("gen_ai.provider.name", "gen_ai.system"),
    conversations=("gen_ai.conversation.id",),
    input_tokens=(
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
    ),
    output_tokens=(
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
    ),
    cached_tokens=(
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.cached_input_tokens",
        "gen_ai.usage.cached_tokens",
        "gen_ai.usage.prompt_tokens_details.cached_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cached_tokens",
    ),
    reasoning_tokens=(
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.output_tokens.reasoning",
        "gen_ai.usage.completion_tokens_details.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
    ),
    cache_write_tokens=(
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
        "gen_ai.usage.cache_write_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
        "gen_ai.aggregated_usage.cache_creation.input_tokens",
        "gen_ai.aggregated_usage.details.cache_write_tokens",
    ),
    own_input_tokens=("gen_ai.aggregated_usage.input_tokens",),
    own_output_tokens=("gen_ai.aggregated_usage.output_tokens",),
    own_cached_tokens=(
        "gen_ai.aggregated_usage.cache_read.input_tokens",
        "gen_ai.aggregated_usage.details.cache_read_tokens",
    ),
    own_reasoning_tokens=(
        "gen_ai.aggregated_usage.reasoning.output_tokens",
        "gen_ai.aggregated_usage.details.reasoning_tokens",
    ),
    first_chunk=(
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
    ),
    response_ids=("gen_ai.response.id",),
    call_ids=("gen_ai.tool.call.id",),
)
