"""Calls that come after the invocation that has repeated what they used.

An exporter that hands its spans on from a thread of its own (LangSmith's), or a library that writes
once a stream is over, is late: the invocation has ended, and its own figures, read off what it
returned, were counted. Calls are set aside as far as those figures hold them.
"""

from agent_analytics.processor._count.core import Node
from agent_analytics.processor._spans.values import Counts


def claim(node: Node, counts: Counts) -> bool:
    """Tell whether the figures of an invocation hold those of a call in it, and take them off.

    Args:
        node: The invocation's, which has noted its figures.
        counts: Those of the call.
    """
    sent, received, _, _ = counts
    left_sent, left_received, cached, reasoning = node.unclaimed
    if sent > left_sent or received > left_received:
        return False
    node.unclaimed = (left_sent - sent, left_received - received, cached, reasoning)
    return True
