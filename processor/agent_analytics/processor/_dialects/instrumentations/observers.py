"""Vendors whose SDKs say in an attribute of their own what a span is, and the rest as others do."""

from typing import Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects.dialect import Dialect

AGENTOPS: Final = Dialect(
    name="agentops",
    scopes=("agentops",),
    signs=("agentops.span.kind",),
    kind_keys=("agentops.span.kind", "gen_ai.request.type"),
    kinds={
        "agent": f.AGENT,
        "tool": f.TOOL,
        "llm": f.MODEL,
        "workflow": f.WORKFLOW,
        "session": f.WORKFLOW,
        "chat": f.MODEL,
        "completion": f.MODEL,
    },
)

#: Alibaba's, LoongSuite's and others'.
LOONGSUITE: Final = Dialect(
    name="loongsuite",
    signs=("gen_ai.span.kind", "gen_ai.span_kind_name"),
    kind_keys=("gen_ai.span.kind", "gen_ai.span_kind_name"),
    kinds={"agent": f.AGENT, "tool": f.TOOL, "llm": f.MODEL, "workflow": f.WORKFLOW},
)

LAMINAR: Final = Dialect(
    name="laminar",
    scopes=("lmnr",),
    signs=("lmnr.span.type",),
    kind_keys=("lmnr.span.type",),
    kinds={"llm": f.MODEL, "tool": f.TOOL, "executor": f.AGENT},
)
