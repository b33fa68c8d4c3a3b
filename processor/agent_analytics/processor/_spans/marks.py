"""Marks of open spans: what kind each is, which way it goes, what was counted beneath it.

A node is kept for every open span of an agent and for every open span inside one, so that
children find their invocation through any number of spans between, and so that what a parent
repeats of its children is seen to be a repetition. Spans outside agents leave no trace here.
"""

from collections.abc import Mapping
from typing import Final

from agent_analytics.instrumentation import vocabulary as v

# --- kinds ---------------------------------------------------------------------------------------

OTHER: Final = 0
INVOCATION: Final = 1
#: An agent inside an invocation of its own listing, or one that nobody can be credited with.
AGENT: Final = 2
TOOL: Final = 3
INFERENCE: Final = 4
#: A foreign span whose run is not understood yet (``_runs.foreign_span``).
FOREIGN_SPAN: Final = 5
#: A span that never has to do with agents: a request, a query.
LIBRARY: Final = 6

# --- ways that a span goes ------------------------------------------------------------------------

#: In the project's own words: counted when it ends.
NATIVE: Final = 0
#: Of a framework: kept with its run until that is understood.
FOREIGN: Final = 1
#: Perhaps of a framework: the span may say so as late as its end.
UNDECIDED: Final = 2
#: Nothing to do with agents, or nothing that this processor can count.
IGNORED: Final = 3

#: What decorators make spans of.
CALLS: Final = (v.EXECUTE_TOOL, v.INVOKE_AGENT)

# --- flags: what has been counted below a node, up to the next invocation ------------------------

#: A model call.
CALL_BELOW: Final = 1
#: Tokens, from a model call.
MODEL_TOKENS_BELOW: Final = 2
#: Tokens, from an agent's own figure.
AGENT_TOKENS_BELOW: Final = 4
#: Cost.
COST_BELOW: Final = 8
#: An invocation that ended in an error or a timeout: cost that comes later is wasted too.
FAILED: Final = 16
#: An invocation that was recorded before under the same event id: nothing in it counts.
DUPLICATE: Final = 32
#: Cost that no user stated: tokens at a known price, or what an instrumentation states.
PRICED_BELOW: Final = 64
#: Tokens whose cost is not known, or by the public price list alone.
LACKING_BELOW: Final = 128
#: An invocation that counted figures of its own when it ended: calls that come later repeat them.
REPEATS: Final = 1024
#: An invocation that was counted by version: cost that comes later is that version's, too.
RELEASED: Final = 2048

# --- flags: what is known above a node -----------------------------------------------------------

#: A user stated what all of it cost.
USER_COST_ABOVE: Final = 256
#: An instrumentation states what all of it cost.
STATED_ABOVE: Final = 512
ABOVE: Final = USER_COST_ABOVE | STATED_ABOVE

#: Flags of usage alone.
USAGE: Final = MODEL_TOKENS_BELOW | AGENT_TOKENS_BELOW | COST_BELOW | PRICED_BELOW | LACKING_BELOW

# --- flags: which flags of usage went on from a node to all above it, shifted by ----------------

#: ... where no tool and no agent was on the way to them.
DIRECT: Final = 16
#: ... where one was.
THROUGH_WORK: Final = 24
PASSED: Final = (USAGE << DIRECT) | (USAGE << THROUGH_WORK)


def usage_flags(attributes: Mapping[str, object]) -> int:
    """Return the flags of what an agent's own span says of its usage."""
    flags = 0
    if v.INPUT_TOKENS in attributes or v.OUTPUT_TOKENS in attributes:
        flags |= AGENT_TOKENS_BELOW
    if v.COST_USD in attributes:
        flags |= COST_BELOW
    return flags
