"""Every dialect, in the order in which they are believed where a span speaks several."""

from typing import Any, Final

from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.frameworks.ag2 import AG2
from agent_analytics.processor._dialects.frameworks.agentscope import AGENTSCOPE
from agent_analytics.processor._dialects.frameworks.ai_sdk import AI_SDK
from agent_analytics.processor._dialects.frameworks.claude_code import CLAUDE_CODE
from agent_analytics.processor._dialects.frameworks.google_adk import GOOGLE_ADK
from agent_analytics.processor._dialects.frameworks.haystack import HAYSTACK
from agent_analytics.processor._dialects.frameworks.openai_agents import OPENAI_AGENTS
from agent_analytics.processor._dialects.frameworks.pydantic_ai import PYDANTIC_AI
from agent_analytics.processor._dialects.frameworks.spring import SPRING
from agent_analytics.processor._dialects.frameworks.strands import STRANDS
from agent_analytics.processor._dialects.instrumentations.declared import DECLARED
from agent_analytics.processor._dialects.instrumentations.langfuse import LANGFUSE
from agent_analytics.processor._dialects.instrumentations.langsmith import LANGSMITH
from agent_analytics.processor._dialects.instrumentations.litellm import LITELLM
from agent_analytics.processor._dialects.instrumentations.logfire import LOGFIRE
from agent_analytics.processor._dialects.instrumentations.mlflow import MLFLOW
from agent_analytics.processor._dialects.instrumentations.observers import (
    AGENTOPS,
    LAMINAR,
    LOONGSUITE,
)
from agent_analytics.processor._dialects.instrumentations.openai_assistants import OPENAI_ASSISTANTS
from agent_analytics.processor._dialects.instrumentations.openinference import OPENINFERENCE
from agent_analytics.processor._dialects.instrumentations.otel import OTEL
from agent_analytics.processor._dialects.instrumentations.others import OTHERS
from agent_analytics.processor._dialects.instrumentations.traceloop import TRACELOOP

DIALECTS: Final[tuple[Dialect, ...]] = (
    OTEL,
    OPENINFERENCE,
    TRACELOOP,
    PYDANTIC_AI,
    STRANDS,
    GOOGLE_ADK,
    HAYSTACK,
    LANGSMITH,
    AGENTSCOPE,
    AG2,
    LITELLM,
    LOGFIRE,
    OPENAI_AGENTS,
    OPENAI_ASSISTANTS,
    AI_SDK,
    CLAUDE_CODE,
    LANGFUSE,
    MLFLOW,
    AGENTOPS,
    LAMINAR,
    LOONGSUITE,
    DECLARED,
    SPRING,
    OTHERS,
)


def joined(pick: str) -> tuple[Any, ...]:
    """Return one field of every dialect, the most believed first, each value once.

    Args:
        pick: Name of a field that holds a tuple.
    """
    return tuple(dict.fromkeys(value for dialect in DIALECTS for value in getattr(dialect, pick)))


def begins(name: str, scopes: tuple[str, ...]) -> bool:
    """Tell whether the name of a scope, in lower case, is one of these or begins with its parts.

    What only begins with the same letters is somebody else's.
    """
    for scope in scopes:
        if name.startswith(scope):
            rest = name[len(scope) :]
            if not rest or scope.endswith(".") or rest[0] in ". ":
                return True
    return False
