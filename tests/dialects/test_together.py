"""Runs of every kind at the same time in one process are kept apart, whatever their traces say."""

import random

import pytest
from tests.dialects import recordings as r
from tests.dialects.counted import comparable
from tests.dialects.recordings import Case, cases
from tests.dialects.replay import Counts, Player, counts, expected
from tests.dialects.together import SECOND, copy_of, interleaved

pytestmark = pytest.mark.wide

VARIANTS = sorted({case.variant for case in cases()})
KINDS = (r.INVOCATIONS, r.TOOLS, r.MODELS, "tokens")
BEGIN = 1_800_000_000 * SECOND


def of(variant: str) -> list[Case]:
    """Return the recorded runs of a variant that left spans."""
    return [case for case in cases() if case.variant == variant and case.recording["spans"]]


def truth_of(chosen: list[Case]) -> Counts:
    """Return what all of the runs together want counted."""
    wanted = Counts()
    for case in chosen:
        one = expected(case.truth)
        for kind in KINDS:
            getattr(wanted, kind).update(getattr(one, kind))
    return wanted


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.5, 5.0])
@pytest.mark.parametrize("variant", VARIANTS)
def test_runs_of_every_kind_at_once(variant: str, spread: float) -> None:
    """Three of each recorded run of a variant, begun within some seconds, add up exactly."""
    chosen = [case for case in of(variant) for _ in range(3)]
    draw = random.Random(f"{variant} {spread}")
    played = [
        copy_of(case.recording, number, BEGIN + int(draw.random() * spread * SECOND))
        for number, case in enumerate(chosen, 1)
    ]
    player = Player()
    player.play(interleaved(played))
    untold = frozenset[str]().union(*(case.untold for case in chosen))
    told = counts(player.processor)
    assert comparable(told, untold) == comparable(truth_of(chosen), untold)
    assert told.health["in_progress"] == 0


@pytest.mark.parametrize("variant", ["pydantic-ai/native", "langchain/openinference+otel-genai"])
def test_hundred_of_one_run(variant: str) -> None:
    """A hundred runs of one agent within half a second are a hundred invocations."""
    case = next(case for case in of(variant) if case.scenario == "ok")
    draw = random.Random(variant)
    played = [
        copy_of(case.recording, number, BEGIN + int(draw.random() * SECOND / 2))
        for number in range(1, 101)
    ]
    player = Player()
    player.play(interleaved(played))
    assert comparable(counts(player.processor), case.untold) == comparable(
        truth_of([case] * 100), case.untold
    )
