"""Calls that come after the invocation that has repeated what they used.

An exporter that hands its spans on from a thread of its own (LangSmith's), or a library that writes
once a stream is over, is late: the invocation has ended, and its own figures, read off what it
returned, were counted. Calls are set aside as far as those figures hold them.
"""

from typing import Final

from agent_analytics.processor import _nodes
from agent_analytics.processor._billing import Counts
from agent_analytics.processor._nodes import Node

#: Invocations that are remembered, the latest.
_MOST: Final = 1_000


class Repeats:
    """What the latest invocations counted of themselves and no call has claimed; under the lock."""

    def __init__(self) -> None:
        self._left: dict[int, tuple[Node, int, int]] = {}

    def note(self, node: Node, counts: Counts) -> None:
        """Remember that an invocation counted its own figures as it ended."""
        node.flags |= _nodes.REPEATS
        self._left[id(node)] = (node, counts[0], counts[1])
        if len(self._left) > _MOST:
            del self._left[next(iter(self._left))]

    def claim(self, node: Node, counts: Counts) -> bool:
        """Tell whether the figures of an invocation hold those of a call in it, and take them off.

        Args:
            node: The invocation's.
            counts: Those of the call.
        """
        found = self._left.get(id(node))
        if found is None or found[0] is not node:
            return False
        sent, received = found[1] - counts[0], found[2] - counts[1]
        if sent < 0 or received < 0:
            return False
        if sent or received:
            self._left[id(node)] = (node, sent, received)
        else:
            del self._left[id(node)]
        return True
