"""How many examples a test of a property tries: few in `make test`, many in `make test-all`."""

from hypothesis import settings


def examples(each_hundred: int) -> int:
    """Return how many examples to try where the profile tries so many for a hundred.

    Costly properties try fewer than cheap ones, in every profile.
    """
    return max(1, settings().max_examples * each_hundred // 100)
