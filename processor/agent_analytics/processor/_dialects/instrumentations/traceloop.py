"""OpenLLMetry (``traceloop.*``), whose instrumentations speak older and newer ``gen_ai.*``, too."""

from typing import Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import APART, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect

TRACELOOP: Final = Dialect(
    name="traceloop",
    scopes=("traceloop.",),
    signs=("traceloop.span.kind", "llm.request.type"),
    kind_keys=("traceloop.span.kind", "llm.request.type"),
    kinds={
        "agent": f.AGENT,
        "tool": f.TOOL,
        "workflow": f.WORKFLOW,
        "chat": f.MODEL,
        "completion": f.MODEL,
    },
    # Chains, graphs and tasks are given the operation of agents, too.
    no_agents={"workflow": f.WORKFLOW, "task": f.OTHER},
    # A step of LlamaIndex that calls one.
    tools={"task": "tool.name"},
    agent_names=("traceloop.agent.name", "crewai.agent.role", "traceloop.entity.name"),
    tool_names=(),
    models=("llm.request.model",),
    asked=("llm.request.model",),
    response_models=("llm.response.model",),
    conversations=("traceloop.association.properties.thread_id",),
    metadata=("traceloop.association.properties.",),
    entities=("traceloop.entity.name",),
    only_calls=("llm.request.model", "llm.response.", "llm.usage."),
    # Bedrock as it is returned (0.20 to 0.62), LlamaIndex as the client returns it; its Anthropic
    # adds all up (0.40 to 0.62), as OpenTelemetry's of that scope does. LangChain's own counts say
    # all, those of langchain-aws before 0.2.24 do not.
    inputs=(
        Input("opentelemetry.instrumentation.bedrock", Basis.BESIDE),
        Input("opentelemetry.instrumentation.llamaindex", Basis.BESIDE, APART),
        Input("opentelemetry.instrumentation.anthropic", Basis.WITHIN),
        Input("opentelemetry.instrumentation.langchain", Basis.UNKNOWN),
    ),
    content=(
        r"traceloop\.(entity\.(input|output)|prompt)\b.*",
        r"(crewai|mcp|haystack|agno|agent)\..*\b(inputs?|outputs?|results?|arguments?|tasks?)",
        r"crewai\..*_(output|outputs|result|input|inputs)",
        r"(crewai|agent)\..*\b(description|expected_output|goal|backstory|instructions|prompt)",
    ),
    content_off={"TRACELOOP_TRACE_CONTENT": "false"},
    # Vector databases are databases.
    libraries=(
        "agno", "alephalpha", "anthropic", "bedrock", "claude-agent-sdk", "cohere", "crewai",
        "google-genai", "google-generativeai", "groq", "haystack", "langchain", "litellm",
        "llamaindex", "mcp", "mistralai", "ollama", "openai", "openai-agents", "replicate",
        "sagemaker", "together", "transformers", "vertexai", "voyageai", "watsonx", "writer",
    ),
    suffixes=(".agent", ".tool", ".workflow"),
    unmarked=(r"(?P<name>\w*Agent|AgentWorkflow)\.workflow",),
    first_chunk_events=("gen_ai.content.completion.chunk", "llm.content.completion.chunk"),
)  # fmt: skip
