"""Calls that come after the invocation that has repeated what they used.

An exporter that hands its spans on from a thread of its own (LangSmith's), or a library that writes
once a stream is over, is late: the invocation has ended, and its own figures, read off what it
returned, were counted. Calls are set aside as far as those figures hold them.
"""

from agent_analytics.processor import _nodes
from agent_analytics.processor._billing import Counts
from agent_analytics.processor._nodes import Node


def note(node: Node, counts: Counts) -> None:
    """Remember that an invocation counted its own figures as it ended; under the lock."""
    node.flags |= _nodes.REPEATS
    node.unclaimed = counts[:2]


def claim(node: Node, counts: Counts) -> bool:
    """Tell whether the figures of an invocation hold those of a call in it, and take them off.

    Args:
        node: The invocation's, which has noted its figures.
        counts: Those of the call.
    """
    sent, received = node.unclaimed[0] - counts[0], node.unclaimed[1] - counts[1]
    if sent < 0 or received < 0:
        return False
    node.unclaimed = (sent, received)
    return True
