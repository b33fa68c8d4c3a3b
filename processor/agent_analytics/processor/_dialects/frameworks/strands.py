"""Strands: the conventions, with outcomes of tools and times in words of its own."""

from typing import Final

from agent_analytics.processor._dialects._shared.input_row import APART, Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect

STRANDS: Final = Dialect(
    name="strands",
    scopes=("strands", "strands-agents"),
    states_success=True,
    # It hands on what its models return, with a total that says which it is (0.1 to 1.40); since
    # then it adds up by that total.
    inputs=(Input("strands", Basis.DOUBTFUL, APART),),
    first_chunk_ms=("gen_ai.server.time_to_first_token",),
    failures={"tool.status": ("error",), "gen_ai.tool.status": ("error",)},
)
