"""OpenTelemetry GenAI conventions, current and older spellings (``gen_ai.*``)."""

from typing import Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect
from agent_analytics.processor._dialects._fetched import FETCHES

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
)
