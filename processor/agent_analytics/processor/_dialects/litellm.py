"""LiteLLM's own callback, which gives calls the names of its functions as operations."""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import _facts as f
from agent_analytics.processor._dialects._dialect import Dialect
from agent_analytics.processor._dialects._facts import Facts

_OPERATION: Final = "gen_ai.operation.name"
_FUNCTIONS: Final = (
    "completion",
    "text_completion",
    "responses",
    "anthropic_messages",
    "generate_content",
    "generate_content_stream",
)
#: Its functions that ask a model for an answer, and each one's asynchronous twin.
_ASKS: Final = frozenset({*_FUNCTIONS, *(f"a{function}" for function in _FUNCTIONS)})


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    del name
    operation = attributes.get(_OPERATION)
    if type(operation) is str and operation in _ASKS:
        facts.role = f.MODEL


LITELLM: Final = Dialect(name="litellm", scopes=("litellm",), what=_what)
