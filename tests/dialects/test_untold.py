"""What is declared as not told by an instrumentation is indeed not told."""

from collections.abc import Iterator

import pytest
from tests.dialects import recordings as r
from tests.dialects.counted import comparable, expected
from tests.dialects.recordings import UNTOLD, Case, cases
from tests.dialects.replay import Player, counts
from tests.frameworks.compatibility import results


def declared() -> Iterator[tuple[str, str, str]]:
    """Return each variant, scenario and item that is declared."""
    for variant, scenarios in UNTOLD.items():
        for scenario, items in scenarios.items():
            for item in sorted(items):
                yield variant, scenario, item


def differs(case: Case, item: str) -> bool:
    """Return whether a recording would be wrong if the item were not declared."""
    player = Player()
    player.play(case.recording)
    less = case.untold - {item}
    if item in {r.TOOLS, r.INVOCATIONS}:  # of these, the outcomes are told only with them
        less -= {r.TOOL_OUTCOMES, r.OUTCOMES}
    return comparable(counts(player.processor), less) != comparable(expected(case.truth), less)


@pytest.mark.parametrize(("variant", "scenario", "item"), list(declared()))
def test_without_the_declaration_a_run_would_be_wrong(
    variant: str, scenario: str, item: str
) -> None:
    """A recorded or live run differs in what is declared, so a declaration cannot outlive it."""
    live = {f"{one['framework']}/{one['instrumentation']}": one for one in results()}
    if variant in live and item in live[variant]["not_told"].get(scenario, ()):
        return
    runs = [
        case
        for case in cases()
        if case.variant == variant and scenario in {"*", case.scenario.removeprefix("given_")}
    ]
    assert any(differs(case, item) for case in runs)


def test_nothing_is_declared_twice() -> None:
    """What is not told of every run need not be declared of one."""
    for variant, scenarios in UNTOLD.items():
        every = scenarios.get("*", frozenset())
        for scenario, items in scenarios.items():
            assert scenario == "*" or not items & every, f"{variant}/{scenario}"
