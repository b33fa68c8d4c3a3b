"""OpenTelemetry GenAI conventions, current and older spellings (``gen_ai.*``)."""

from typing import Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.fetched import FETCHES
from agent_analytics.processor._dialects._shared.input_row import Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect

OTEL: Final = Dialect(
    name="opentelemetry",
    scopes=(
        "opentelemetry.instrumentation.genai",
        "opentelemetry.util.genai",
        "opentelemetry.instrumentation.openai",
        "opentelemetry.instrumentation.google_genai",
    ),
    signs=(
        "gen_ai.operation.name",
        "gen_ai.system",
        "gen_ai.provider.name",
        "gen_ai.agent.name",
        "gen_ai.tool.name",
        "gen_ai.request.model",
        "mcp.method.name",
    ),
    starts_agent=(("gen_ai.operation.name", "invoke_agent"),),
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
        # Semantic Kernel's, before it spoke the conventions.
        "chat.completions": f.MODEL,
        "chat.streaming_completions": f.MODEL,
        "text.completions": f.MODEL,
        "text.streaming_completions": f.MODEL,
        "text_completions": f.MODEL,
        # Gemini's CLI.
        "llm_call": f.MODEL,
        "tool_call": f.TOOL,
        "agent_call": f.AGENT,
        **dict.fromkeys(FETCHES, f.MODEL),
        # Runs of a thread, which azure-ai-agents makes, or starts and polls until they are done.
        "process_thread_run": f.AGENT,
        "start_thread_run": f.AGENT,
        "get_thread_run": f.MODEL,
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
    prefixes=(
        "invoke_agent",
        "execute_tool",
        "invoke_workflow",
        "process_thread_run",
        "start_thread_run",
    ),
    agent_names=("gen_ai.agent.name",),
    tool_names=("gen_ai.tool.name",),
    models=("gen_ai.request.model",),
    asked=("gen_ai.request.model",),
    response_models=("gen_ai.response.model",),
    providers=("gen_ai.provider.name", "gen_ai.system"),
    conversations=("gen_ai.conversation.id", "gen_ai.thread.id"),
    first_chunk=(
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
    ),
    response_ids=(
        "gen_ai.response.id",
        "llm.response.id",
        "llm.response_id",
        "ai.response.id",
        "gen_ai.openai.response.id",
        "gen_ai.completion.id",
        "gen_ai.thread.run.id",
    ),
    call_ids=("gen_ai.tool.call.id",),
    only_calls=(
        "gen_ai.completion",
        "gen_ai.prompt",
        "gen_ai.input.",
        "gen_ai.output.",
        "gen_ai.request.",
        "gen_ai.response.",
        "gen_ai.content.completion",
    ),
    inputs=(
        # Hands on what Converse and InvokeModel return, in all versions (0.51b0 to 0.66b2).
        Input("opentelemetry.instrumentation.botocore", Basis.BESIDE),
        # OpenTelemetry's own, which follow the conventions from their first release, but for
        # Bedrock's (1.3b0), which hands on what is returned.
        Input("opentelemetry.instrumentation.genai.bedrock", Basis.BESIDE),
        Input("opentelemetry.instrumentation.genai", Basis.WITHIN),
        Input("opentelemetry.util.genai", Basis.WITHIN),
        Input("opentelemetry.instrumentation.openai", Basis.WITHIN),
        # Before 0.7 it added up the running totals of a stream: another view knows better.
        Input("opentelemetry.instrumentation.google_genai", Basis.UNKNOWN, before=(0, 7)),
        Input("opentelemetry.instrumentation.google_genai", Basis.WITHIN),
        # Anthropic's client records itself since 2.0, and adds all up.
        Input("com.anthropic.sdk", Basis.WITHIN),
    ),
    content=(
        r"gen_ai\.(input\.messages|output\.messages|system_instructions|prompt|completion)\b.*",
        r"gen_ai\.tool\.(call\.(arguments|result)|input|output|definitions|description)\b.*",
        r"gen_ai\.(event\.content|content|retrieval\.(documents|query)|evaluation\.explanation).*",
    ),
    packages=("opentelemetry-instrumentation-genai-",),
)
