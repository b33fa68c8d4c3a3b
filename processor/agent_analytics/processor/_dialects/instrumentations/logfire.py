"""Logfire's own instrumentations of clients: the conventions, and a log where a stream has ended.

The span of a streamed call ends before its answer begins; what the call used stands in a log, which
is a span without a length.
"""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_TYPE: Final = "logfire.span_type"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Find the logs: they record the usage of calls that have spans."""
    del name
    if facts.role == f.MODEL and attributes.get(_TYPE) == "log":
        facts.role = f.USAGE


LOGFIRE: Final = Dialect(
    name="logfire",
    scopes=("logfire.openai", "logfire.anthropic", "logfire.google_genai", "logfire.litellm"),
    # What it keeps of usage is put into the words of the conventions.
    inputs=(Input("logfire", Basis.WITHIN),),
    what=_what,
)
