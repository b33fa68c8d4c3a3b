"""What is said while the demo and the history are prepared."""

import io
import re

import pytest
from rich.console import Console

from agent_analytics.demo._terminal.steps import Steps


def test_each_step_is_named_before_and_timed_after() -> None:
    """Elsewhere than on a terminal, a step is a line when it begins and one when it has ended."""
    output = io.StringIO()
    steps = Steps(Console(file=output))
    with steps.step("starting it"):
        assert output.getvalue() == "starting it …\n"
    assert re.fullmatch(r"starting it …\nstarting it: \d+\.\d s\n", output.getvalue())
    assert steps.seconds >= 0


def test_a_terminal_shows_a_clock() -> None:
    """On a terminal the step stands beside a clock while it goes on, and one line of it stays."""
    output = io.StringIO()
    steps = Steps(Console(file=output, force_terminal=True, width=80))
    with steps.step("starting it"):
        pass
    text = output.getvalue()
    assert "0:00:00" in text
    assert re.search(r"starting it: \d+\.\d s\n$", text)


def test_a_step_that_fails_is_not_said_to_have_ended() -> None:
    """What goes wrong passes through, and no time is given."""
    output = io.StringIO()
    steps = Steps(Console(file=output))
    with pytest.raises(ZeroDivisionError), steps.step("starting it"):
        _ = 1 / 0
    assert output.getvalue() == "starting it …\n"
