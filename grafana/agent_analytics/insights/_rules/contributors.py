"""What an insight mostly comes from, as it is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """The largest part of what an insight comes from.

    Attributes:
        dimension: What it is, such as ``error type``, ``tool`` or ``model``.
        name: Its name, such as the tool's.
        share: Its share of the whole, 0 to 1.
        of: The whole, in words that follow "of the", such as ``failed tool calls``.
        over: The period of the share, such as ``7 days``.
    """

    dimension: str
    name: str
    share: float
    of: str
    over: str


def contributor(labels: Mapping[str, str], share: float) -> Contributor:
    """Return what a series of ``marketplace_insight_contributor`` says."""
    return Contributor(
        dimension=labels.get("dimension", ""),
        name=labels.get("contributor", ""),
        share=min(max(round(share, 6), 0.0), 1.0),
        of=labels.get("of", ""),
        over=labels.get("over", ""),
    )
