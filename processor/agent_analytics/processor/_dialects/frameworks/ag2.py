"""AG2: the conventions, and records that only say what was used.

A record of a model call stands beside the call's span; that of a sub-task sums up calls that have
spans only where the sub-task's agent is instrumented, too.
"""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import APART, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_TYPE: Final = "ag2.span.type"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Find the records of usage."""
    del name
    if attributes.get(_TYPE) == "usage":
        facts.role = f.USAGE


AG2: Final = Dialect(
    name="ag2",
    scopes=("ag2", "opentelemetry.instrumentation.ag2"),
    # It hands on what the clients of Anthropic and Bedrock return.
    inputs=(
        Input("opentelemetry.instrumentation.ag2", Basis.BESIDE, APART),
        Input("opentelemetry.instrumentation.ag2", Basis.WITHIN),
    ),
    what=_what,
)
