"""What may become part of another of its kind, and knows of which by now."""

from typing import Self


class Joined:
    """What another of its kind may take in, which may be taken in itself.

    Attributes:
        into: What it was taken into; ``None`` while it is one of its own.
    """

    __slots__ = ("into",)
    into: Self | None

    def last(self) -> Self:
        """Return what it is part of by now, itself if nothing has taken it in."""
        passed: list[Self] = []
        one = self
        while one.into is not None:
            passed.append(one)
            one = one.into
        for each in passed:  # so that no chain is walked twice
            each.into = one
        return one
