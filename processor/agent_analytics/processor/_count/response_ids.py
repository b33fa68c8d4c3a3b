"""The ids that models gave their answers: one answer is one call, however often it is recorded.

A response that is fetched again, or polled until it is there, carries the id of the call that was
paid for; so do views of one call in runs that nothing else joins, and answers out of a cache. Ids
are remembered by publisher, the latest of each: nobody's ids push out anybody else's.
"""

from typing import Final, NamedTuple

from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.values import MAX_TOKENS

#: Ids that are remembered for each publisher.
_MOST: Final = 4_096
#: A shorter id may be given to two calls: some servers draw one of a thousand.
_SURE: Final = 20
_TOKENS: Final = marks.MODEL_TOKENS_BELOW | marks.AGENT_TOKENS_BELOW


def is_sure(answer: str) -> bool:
    """Tell whether no two answers have an id."""
    return len(answer) >= _SURE


def plain(count: object) -> int:
    """Return a number of tokens, or 0 for what is none."""
    return count if type(count) is int and 0 <= count <= MAX_TOKENS else 0


class Answer(NamedTuple):
    """What was counted of an answer.

    Attributes:
        flags: As for what is below a node.
        sent: Its input, in tokens.
        received: Its output.
    """

    flags: int
    sent: int
    received: int


class ResponseIds:
    """The ids of answers that were counted lately, by publisher."""

    def __init__(self) -> None:
        #: Hashes of ids, which may be of any length; those of Python cannot be chosen from outside.
        self._seen: dict[str, dict[int, Answer]] = {}

    def counted(self, publisher: str, ids: tuple[str, ...], sent: int, received: int) -> int:
        """Return the flags of what was counted of an answer, 0 for a new one; under the lock.

        Args:
            publisher: Whose call it is.
            ids: What several instrumentations have as its id.
            sent: The input that is recorded now, in tokens; 0 where none is.
            received: The output alike.
        """
        seen = self._seen.get(publisher)
        if seen is None:
            return 0
        flags = 0
        for one in ids:
            answer = seen.get(hash(one))
            if answer is None:
                continue
            other = bool(sent or received) and answer[1:] not in {(sent, received), (0, 0)}
            if not other or is_sure(one):
                flags |= answer.flags
        return flags

    def note(
        self, publisher: str, ids: tuple[str, ...], flags: int, sent: int, received: int
    ) -> None:
        """Remember what was counted of an answer by now; under the lock."""
        seen = self._seen.setdefault(publisher, {})
        if not (sent or received):
            flags &= ~_TOKENS  # what is not there yet may come
        for one in ids:
            key = hash(one)
            before = seen.pop(key, None)
            if before is not None and not (sent or received):
                sent, received = before[1:]
            seen[key] = Answer(flags, sent, received)
        while len(seen) > _MOST:
            del seen[next(iter(seen))]
