"""OpenLLMetry (``traceloop.*``), whose instrumentations speak older and newer ``gen_ai.*``, too."""

from typing import Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect

TRACELOOP: Final = Dialect(
    name="traceloop",
    scopes=("traceloop.",),
    kind_keys=("traceloop.span.kind", "llm.request.type"),
    kinds={
        "agent": f.AGENT,
        "tool": f.TOOL,
        "workflow": f.WORKFLOW,
        "chat": f.MODEL,
        "completion": f.MODEL,
    },
    agent_names=("traceloop.agent.name", "crewai.agent.role", "traceloop.entity.name"),
    tool_names=(),
    models=("llm.request.model",),
    response_models=("llm.response.model",),
    conversations=("traceloop.association.properties.thread_id",),
    suffixes=(".agent", ".tool", ".workflow"),
    unmarked=(r"(?P<name>\w*Agent|AgentWorkflow)\.workflow",),
    first_chunk_events=("gen_ai.content.completion.chunk", "llm.content.completion.chunk"),
)
