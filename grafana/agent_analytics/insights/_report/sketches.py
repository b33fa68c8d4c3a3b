"""What merged registers of a sketch tell, reckoned outside Prometheus.

The same estimates as :func:`.rollups.distinct` and :func:`.rollups.in_both` have in
a query, which reads registers several times for them.
"""

from collections.abc import Mapping
from typing import TypeVar

from agent_analytics.processor import catalogue

_Key = TypeVar("_Key")


def distinct(registers: Mapping[_Key, float]) -> float:
    """Return how many distinct ids registers have seen: the maximum-likelihood estimate.

    Args:
        registers: The smallest hash in (0, 1) of each register that has seen any.
    """
    m = catalogue.SKETCH_REGISTERS
    return m * len(registers) / (m - sum(1 - smallest for smallest in registers.values()))


def in_both(now: Mapping[_Key, float], then: Mapping[_Key, float]) -> float:
    """Return how many distinct ids two sets of registers share.

    The share of equal registers among all of both is the Jaccard index of the two sets of ids.
    """
    both = {key: min(now.get(key, 1.0), then.get(key, 1.0)) for key in (*now, *then)}
    if not both:
        return 0.0
    equal = sum(then.get(key) == smallest for key, smallest in now.items())
    return equal / len(both) * distinct(both)
