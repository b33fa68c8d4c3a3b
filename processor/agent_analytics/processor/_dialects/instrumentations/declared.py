"""Workflows that a decorator of the user's own declares, as others declare an agent.

Instrumentations call any chain or graph of a framework a workflow. Whoever writes ``@workflow`` of
Traceloop's SDK round a function, or starts a workflow with OpenTelemetry's own helper for GenAI
spans, says of that function that it is one run of what was built.
"""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    del name, attributes
    facts.declared = facts.role == f.WORKFLOW


DECLARED: Final = Dialect(
    name="declared", scopes=("traceloop.tracer", "opentelemetry.util.genai", "agentops"), what=_what
)
