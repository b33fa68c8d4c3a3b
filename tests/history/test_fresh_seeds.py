"""The whole check on seeds that nobody has seen, and how its shares are counted."""

import pytest

from agent_analytics.demo._history import Score, Verdict
from agent_analytics.demo.history_check import main, per_insight


@pytest.mark.prove
def test_ten_fresh_seeds() -> None:
    """Of ten pasts that nothing was tuned to, 99 of 100 insights are found and have a reason."""
    assert main(["--fresh", "10"]) == 0


def test_what_is_counted_of_each_insight() -> None:
    """Each insight has what was planted, raised, found, missed and false, over all moments."""
    finder, writer = ("acme", "finder", "error-rate"), ("acme", "writer", "error-rate")
    other = ("acme", "writer", "wasted-spend")
    score = Score(
        [
            Verdict(0.0, frozenset({finder}), frozenset({other}), frozenset({finder, other})),
            Verdict(20.0, frozenset({finder, writer}), frozenset(), frozenset({finder, other})),
        ]
    )
    assert per_insight(score) == {
        "error-rate": {"planted": 3, "raised": 2, "found": 2, "missed": 1, "false": 0},
        "wasted-spend": {"planted": 0, "raised": 2, "found": 0, "missed": 0, "false": 1},
    }
    assert score.precision == 0.75
    assert score.recall == pytest.approx(2 / 3)
