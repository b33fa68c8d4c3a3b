"""LiteLLM's own callback, which gives calls the names of its functions as operations."""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import BEDROCK, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_OPERATION: Final = "gen_ai.operation.name"
#: Before 1.80, which named no operation.
_REQUEST: Final = "llm.request.type"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    del name
    operation = attributes.get(_OPERATION, attributes.get(_REQUEST))
    if type(operation) is str and operation in v.LITELLM_ASKS:
        facts.role = f.MODEL


LITELLM: Final = Dialect(
    name="litellm",
    scopes=("litellm",),
    # It adds all up; its Bedrock long left out what was written.
    inputs=(
        Input("litellm", Basis.UNKNOWN, frozenset({BEDROCK})),
        Input("litellm", Basis.WITHIN),
    ),
    what=_what,
)
