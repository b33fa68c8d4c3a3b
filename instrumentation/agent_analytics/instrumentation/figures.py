"""One meaning for all figures: input is all input, output is all output, parts are parts.

The conventions count what was read from and written to the cache as part of the input, and
reasoning as part of the output. Not everybody does. What an emitter means is known by its name or
by the spelling (``Basis``); a total that is stated decides where that leaves input and output
short.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple


class Basis(IntEnum):
    """Whether input, as it is stated, contains what was read from and written to the cache."""

    #: Known to.
    WITHIN = 0
    #: Known not to.
    BESIDE = 1
    #: As the conventions say, and a total may say otherwise.
    UNKNOWN = 2
    #: Most likely not, and a total may say otherwise.
    DOUBTFUL = 3


class Figures(NamedTuple):
    """Tokens of one model call as they are stated; ``None`` is what is not.

    Attributes:
        input: Sent.
        output: Received.
        cached: Read from the cache.
        written: Written to the cache.
        written_1h: The part of it that is kept for an hour.
        reasoning: Spent on reasoning.
        tool_prompt: Returned to the model by tools of its provider.
        total: All together.
        fresh: The part of the input that had nothing to do with the cache.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    written: int | None = None
    written_1h: int | None = None
    reasoning: int | None = None
    tool_prompt: int | None = None
    total: int | None = None
    fresh: int | None = None


class Settled(NamedTuple):
    """Tokens of one model call as the conventions count them.

    Attributes:
        input: All that was sent.
        output: All that was received.
        cached: The part of the input that was read from the cache.
        written: The part of the input that was written to the cache; the two do not overlap.
        written_1h: The part of the written that is kept for an hour.
        reasoning: The part of the output that was spent on reasoning.
        contradicted: Whether the figures cannot mean what they were taken to mean.
    """

    input: int
    output: int
    cached: int
    written: int
    written_1h: int
    reasoning: int
    contradicted: bool


def settle(
    stated: Figures,
    basis: Basis = Basis.UNKNOWN,
    *,
    reasoning_beside: bool = False,
    rest_is_input: bool = False,
) -> Settled:
    """Return figures as the conventions count them.

    Args:
        stated: The figures; each is 0 or more.
        basis: What the input is taken to contain.
        reasoning_beside: Whether reasoning is taken to be counted beside the output.
        rest_is_input: Whether what a total has beyond everything stated was sent, and not received.
    """
    if stated.fresh is not None:
        stated, basis = _with_fresh(stated, stated.fresh, basis)
    cached, reasoning = stated.cached or 0, stated.reasoning or 0
    written = max(stated.written or 0, stated.written_1h or 0)
    sent = next(_inputs(stated, cached, written, basis))
    received = next(_outputs(stated, reasoning, beside=reasoning_beside))
    total = stated.total
    if total is not None and sent + received != total:
        certain = basis in (Basis.WITHIN, Basis.BESIDE)
        if not certain or sent + received < total:
            # The nearest to what was expected that makes the total, if one does.
            outputs = list(_outputs(stated, reasoning, beside=reasoning_beside))
            sent, received = next(
                (
                    (one, other)
                    for one in _inputs(stated, cached, written, basis)
                    for other in outputs
                    if one + other == total
                ),
                (sent, received),
            )
        missing = total - sent - received
        if missing > 0:
            if rest_is_input or (stated.input is None and stated.output is not None):
                sent += missing
            else:
                received += missing
    within = stated.input is not None and sent == stated.input + (stated.tool_prompt or 0)
    contradicted = (
        stated.input is not None
        and cached + written > 0
        and (
            (basis is Basis.WITHIN and not within)
            or (basis is Basis.UNKNOWN and cached + written > stated.input)
        )
    )
    return Settled(sent, received, cached, written, stated.written_1h or 0, reasoning, contradicted)


def _with_fresh(stated: Figures, fresh: int, basis: Basis) -> tuple[Figures, Basis]:
    """Return the figures and their meaning where the fresh part of the input stands beside."""
    parts = (stated.cached or 0) + max(stated.written or 0, stated.written_1h or 0)
    if stated.input is None:
        return stated._replace(input=fresh + parts), Basis.WITHIN
    if stated.input == fresh + parts:
        return stated, Basis.WITHIN
    return stated, Basis.BESIDE if stated.input == fresh else basis


def _inputs(stated: Figures, cached: int, written: int, basis: Basis) -> Iterator[int]:
    """Yield what all input may be, the likeliest first; each holds what it must."""
    tools = stated.tool_prompt or 0
    if stated.input is None:
        yield cached + written + tools
        return
    given = stated.input
    parts = cached + written
    beside = given + parts
    within = [given] if parts <= given else []
    first = [beside, *within] if basis in (Basis.BESIDE, Basis.DOUBTFUL) else [*within, beside]
    # Only one of the two is within: some count what was read in, and not what was written.
    mixed = [given + part for part, rest in ((written, cached), (cached, written)) if rest <= given]
    for one in dict.fromkeys((*first, *mixed)):
        yield one + tools
    if tools:
        for one in dict.fromkeys((*first, *mixed)):
            if tools + parts <= one:
                yield one


def _outputs(stated: Figures, reasoning: int, *, beside: bool) -> Iterator[int]:
    """Yield what all output may be, the likeliest first."""
    if stated.output is None:
        yield reasoning
        return
    made = stated.output
    if beside or reasoning > made:
        yield made + reasoning
    if reasoning <= made:
        yield made
    if reasoning and not beside and reasoning <= made:
        yield made + reasoning
