"""OpenInference (``openinference.span.kind``, ``llm.*``)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect
from agent_analytics.processor._dialects._facts import Facts

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
    kind_keys=("openinference.span.kind",),
    kinds={"agent": f.AGENT, "tool": f.TOOL, "llm": f.MODEL},
    agent_names=("agent.name", "agno.team.name"),
    tool_names=("tool.name", "tool_call.function.name"),
    models=("llm.request.model_name", "llm.model_name"),
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
    more=_more,
)
