"""Strands: the conventions, with outcomes of tools and times in words of its own."""

from typing import Final

from agent_analytics.processor._dialects._dialect import Dialect

STRANDS: Final = Dialect(
    name="strands",
    scopes=("strands", "strands-agents"),
    states_success=True,
    first_chunk_ms=("gen_ai.server.time_to_first_token",),
    failures={"tool.status": ("error",), "gen_ai.tool.status": ("error",)},
)
