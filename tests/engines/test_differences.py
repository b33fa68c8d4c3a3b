"""The comparison of engines sees what differs, and what is declared is said to the reader."""

import math

import pytest
from tests.docs.pages import DOCS
from tests.engines.comparing import Differs, compare
from tests.engines.differences import DECLARED, outlived, undeclared
from tests.engines.questions import Answer, rules

ONE: Answer = {("agent_id=a",): 1.0, ("agent_id=b",): math.nan, ("since",): "2026-03-04"}


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        (ONE, Differs()),
        ({**ONE, ("agent_id=a",): 1 + 1e-12}, Differs()),
        ({**ONE, ("agent_id=a",): 1.001}, Differs(other=1)),
        ({**ONE, ("agent_id=a",): math.nan}, Differs(other=1)),
        ({**ONE, ("agent_id=a",): None}, Differs(other=1)),
        ({**ONE, ("since",): "2026-03-05"}, Differs(other=1)),
        ({**ONE, ("agent_id=c",): 0.0}, Differs(more=1)),
        ({**ONE, ("agent_id=c",): math.nan}, Differs(more_nan=1)),
        ({("agent_id=a",): 1.0, ("since",): "2026-03-04"}, Differs(lacks_nan=1)),
        ({}, Differs(lacks=2, lacks_nan=1)),
    ],
)
def test_what_differs_is_seen(found: Answer, differs: Differs) -> None:
    """A number, a text, a series too many or too few counts; the last bits of a number do not."""
    seen = compare(ONE, found)
    names = ("lacks", "lacks_nan", "more", "more_nan", "other")
    assert [getattr(seen, name) for name in names] == [getattr(differs, name) for name in names]
    assert bool(seen) == bool(differs)


def test_what_is_not_declared_fails() -> None:
    """A difference that nobody declared is named, and so is a declared one that is gone."""
    found = {"between: oncall.yml: AgentErrorRateHigh error-rate dense": Differs(other=1)}
    assert undeclared("Prometheus 3", found) == found
    assert outlived("Prometheus 3", found) == [
        pattern for each in DECLARED["Prometheus 3"] for pattern in each.questions
    ]
    declared = {"recording: report: acme, 7 days": Differs(other=1)}
    assert undeclared("Prometheus 3", declared) == {}
    assert "recording: report: *" not in outlived("Prometheus 3", declared)


def test_every_rule_is_asked_once() -> None:
    """No question hides another one of the same name."""
    names = [question.name for question in rules()]
    assert len(names) > 400
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("engine", DECLARED)
def test_the_page_says_why(engine: str) -> None:
    """The reason of every declared difference stands in docs/engines.md."""
    page = " ".join((DOCS / "engines.md").read_text(encoding="utf-8").split())
    assert [each.reason for each in DECLARED[engine] if each.reason not in page] == []
