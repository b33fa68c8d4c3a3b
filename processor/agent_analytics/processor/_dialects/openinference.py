"""OpenInference (``openinference.span.kind``, ``llm.*``)."""

from typing import Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect

OPENINFERENCE: Final = Dialect(
    name="openinference",
    scopes=("openinference.",),
    kind_keys=("openinference.span.kind",),
    kinds={"agent": f.AGENT, "tool": f.TOOL, "llm": f.MODEL},
    agent_names=("agent.name",),
    tool_names=("tool.name", "tool_call.function.name"),
    models=("llm.model_name",),
    conversations=("session.id",),
    suffixes=(".run", "._run_loop"),
    input_tokens=("llm.token_count.prompt",),
    output_tokens=("llm.token_count.completion",),
    cached_tokens=("llm.token_count.prompt_details.cache_read",),
    reasoning_tokens=("llm.token_count.completion_details.reasoning",),
    call_ids=("tool_call.id",),
)
