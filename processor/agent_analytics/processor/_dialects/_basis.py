"""What instrumentations count as input: with what was read from and written to the cache, or not.

The conventions count both as part of the input. Which instrumentation does, since which version
and for which provider, was read in its source; the row says where. It is the same for the life of
a process: figures can only contradict it.
"""

from typing import Final, NamedTuple

from agent_analytics.instrumentation._figures import Basis


class Scope(NamedTuple):
    """An instrumentation scope: its name, and its version if it has one."""

    name: str
    version: str | None = None


class Meaning(NamedTuple):
    """What an instrumentation counts where."""

    basis: Basis
    reasoning_beside: bool = False


_UNKNOWN: Final = Meaning(Basis.UNKNOWN)


def meaning_of(scope: Scope, provider: str | None, model: str | None) -> Meaning:  # noqa: ARG001
    """Return what a call's span means."""
    return _UNKNOWN
