"""What an instrumentation counts as input: with what the cache holds, or beside it."""

from typing import Final, NamedTuple

from agent_analytics.instrumentation.figures import Basis

#: Whose own interfaces count the cache beside the input.
ANTHROPIC: Final = "anthropic"
BEDROCK: Final = "bedrock"
APART: Final = frozenset({ANTHROPIC, BEDROCK})


class Input(NamedTuple):
    """What the input of one instrumentation contains; the first of a scope that fits counts.

    Attributes:
        scope: Beginning of the scope's name, up to a boundary of words.
        basis: What its input contains.
        hosts: The providers that it is so for; all where there is none.
        before: The first version that it is not so for; a scope without a version does not fit.
    """

    scope: str
    basis: Basis
    hosts: frozenset[str] = frozenset()
    before: tuple[int, ...] = ()


__all__ = ["ANTHROPIC", "APART", "BEDROCK", "Basis", "Input"]
