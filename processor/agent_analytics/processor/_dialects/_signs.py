"""Telling at a glance whether a span may be one of an agent.

Asked of every span outside agents when it starts, so it has to cost next to nothing: the verdict
on an instrumentation scope is remembered, and only where there is none are the keys looked at.
"""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects.native import GOOGLE_ADK, OTHERS, PYDANTIC_AI, STRANDS
from agent_analytics.processor._dialects.openinference import OPENINFERENCE
from agent_analytics.processor._dialects.otel import OTEL
from agent_analytics.processor._dialects.traceloop import TRACELOOP

#: Any of these on a span says that an agent, a tool or a model is at work.
TELLING: Final = frozenset(
    {
        "gen_ai.operation.name",
        "gen_ai.system",
        "gen_ai.provider.name",
        "gen_ai.agent.name",
        "gen_ai.tool.name",
        "gen_ai.request.model",
        "openinference.span.kind",
        "traceloop.span.kind",
        "llm.request.type",
        "llm.model_name",
        "mcp.method.name",
        "agent_name",
    }
)
_NAMES: Final = ("invoke_agent", "execute_tool", "invoke_workflow")
_SCOPES: Final = tuple(
    scope
    for dialect in (OTEL, OPENINFERENCE, TRACELOOP, PYDANTIC_AI, STRANDS, GOOGLE_ADK, OTHERS)
    for scope in dialect.scopes
)
_INSTRUMENTATIONS: Final = "opentelemetry.instrumentation."
_REMEMBERED: Final = 1_000


class Signs:
    """Remembers which instrumentation scopes speak of agents."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}

    def any(self, scope: Any, attributes: Mapping[str, Any], name: str) -> bool:
        """Tell whether a span may be one of an agent, a tool or a model.

        Args:
            scope: The instrumentation scope, or ``None``.
            attributes: What the span carries so far.
            name: Its name so far.
        """
        scope_name = scope.name if scope is not None else ""
        known = self._known.get(scope_name)
        if known is None:
            known = self._judge(scope_name)
        return known or not TELLING.isdisjoint(attributes) or name.startswith(_NAMES)

    @staticmethod
    def told(attributes: Mapping[str, Any]) -> bool:
        """Tell whether the attributes of an ended span say that an agent was at work."""
        return not TELLING.isdisjoint(attributes)

    def learn(self, scope: Any) -> None:
        """Remember that an instrumentation speaks of agents."""
        if scope is not None and len(self._known) < _REMEMBERED:
            self._known[scope.name] = True

    def _judge(self, scope_name: str) -> bool:
        told = scope_name.lower()
        known = told.startswith(_SCOPES) or (
            told.startswith(_INSTRUMENTATIONS)
            and told.removeprefix(_INSTRUMENTATIONS).startswith(OTHERS.scopes)
        )
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[scope_name] = known
        return known
