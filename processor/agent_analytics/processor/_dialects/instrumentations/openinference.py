"""OpenInference (``openinference.span.kind``, ``llm.*``)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import APART, BEDROCK, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

#: It has no attribute for the id of an answer; where content is on, the answer itself has it.
_OUTPUT: Final = "output.value"
_ID: Final = re.compile(r'\s*\{\s*"id"\s*:\s*"([A-Za-z0-9_-]{8,100})"')


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Read the id of an answer off the answer."""
    del name
    answer = attributes.get(_OUTPUT)
    if facts.role == f.MODEL and facts.response_id is None and type(answer) is str:
        found = _ID.match(answer)
        if found is not None:
            facts.response_id = found[1]


OPENINFERENCE: Final = Dialect(
    name="openinference",
    scopes=("openinference.",),
    states_success=True,
    signs=("openinference.span.kind", "llm.model_name"),
    starts_agent=(("openinference.span.kind", "AGENT"),),
    kind_keys=("openinference.span.kind",),
    kinds={"agent": f.AGENT, "tool": f.TOOL, "llm": f.MODEL},
    agent_names=("agent.name", "agno.team.name"),
    tool_names=("tool.name", "tool_call.function.name"),
    models=("llm.request.model_name", "llm.model_name"),
    asked=("llm.request.model_name",),
    response_models=("llm.response.model_name",),
    providers=("llm.provider", "llm.system"),
    conversations=("session.id",),
    # The ends that names of methods leave on the names of agents and tools.
    suffixes=(
        ".run",
        ".arun",
        "._run_loop",
        "._execute_core",
        ".on_messages_stream",
        ".on_messages",
        ".run_stream",
        ".__call__",
        ".acall",
        ".call",
        ".forward",
        ".kickoff",
        ".execute",
    ),
    no_calls=("._prepare_chat_with_tools",),
    # LlamaIndex and DSPy run their agents as chains.
    unmarked=(
        r"(?P<name>\w*Agent)\.(?:run|arun|chat|achat)",
        r"(?P<name>AgentWorkflow|ReAct|CodeAct)\.(?:run|forward|aforward|acall)",
    ),
    first_chunk_events=("First Token Stream Event",),
    call_ids=("tool_call.id",),
    only_calls=(
        "llm.input_messages",
        "llm.output_messages",
        "llm.prompts",
        "llm.completions",
        "llm.choices",
        "llm.finish_reason",
        "llm.invocation_parameters",
    ),
    parameters=("llm.invocation_parameters", "metadata"),
    # It adds all up where it knows the client (0.1.18 to 3.1); LangChain's counts it took as
    # Anthropic returns them before 0.1.55, agno's it still does.
    inputs=(
        Input("openinference.instrumentation.anthropic", Basis.WITHIN),
        Input("openinference.instrumentation.bedrock", Basis.UNKNOWN, before=(0, 1, 50)),
        Input("openinference.instrumentation.bedrock", Basis.WITHIN),
        Input("openinference.instrumentation.openai", Basis.WITHIN),
        Input("openinference.instrumentation.google_genai", Basis.WITHIN),
        Input("openinference.instrumentation.agno", Basis.BESIDE, APART),
        Input("openinference.instrumentation.agno", Basis.WITHIN),
        Input("openinference.instrumentation.langchain", Basis.BESIDE, APART, before=(0, 1, 55)),
        Input("openinference.instrumentation.langchain", Basis.WITHIN),
        # LiteLLM adds all up; its Bedrock long left out what was written.
        Input("openinference.instrumentation.litellm", Basis.UNKNOWN, frozenset({BEDROCK})),
        Input("openinference.instrumentation.litellm", Basis.WITHIN),
    ),
    content=(
        r"(input|output)\.(value|mime_type)",
        r"llm\.(input_messages|output_messages|prompts?|prompt_template|completions?|choices)\b.*",
        r"llm\.(invocation_parameters|function_call|tools)\b.*",
        r"tool\.parameters|tool_call\.function\.arguments|(message|document)\.(content|metadata).*",
        r"(embedding\.embeddings|retrieval\.documents|reranker)\b.*",
    ),
    content_off={
        "OPENINFERENCE_HIDE_CHOICES": "true",
        "OPENINFERENCE_HIDE_EMBEDDINGS_TEXT": "true",
        "OPENINFERENCE_HIDE_EMBEDDINGS_VECTORS": "true",
        "OPENINFERENCE_HIDE_INPUTS": "true",
        "OPENINFERENCE_HIDE_LLM_INVOCATION_PARAMETERS": "true",
        "OPENINFERENCE_HIDE_OUTPUTS": "true",
        "OPENINFERENCE_HIDE_PROMPTS": "true",
        "OPENINFERENCE_HIDE_RETRIEVAL_DOCUMENTS": "true",
    },
    packages=("openinference-instrumentation-",),
    more=_more,
)
