"""Newborn series are held, restored ones are not, and idle listings come back without a jump."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
HOLD = 30.0


def test_a_hold_goes_on_when_another_worker_serves_the_next_scrape(worker: Start) -> None:
    """One worker shows the zeros, another releases the series."""
    one = worker(hold_seconds=HOLD)
    two = worker(hold_seconds=HOLD, wall=one.wall)
    one.invoke()
    assert one.invocations() == 0
    one.wall.now += HOLD
    assert two.invocations() == 1
    assert one.invocations() == 1


def test_a_hold_goes_on_after_a_restart(worker: Start) -> None:
    """A series that no scrape has seen at 0 is still held by the next process."""
    one = worker(hold_seconds=HOLD)
    one.invoke()
    one.wall.now += HOLD + 1
    two = worker(hold_seconds=HOLD, wall=one.wall)
    assert two.invocations() == 0, "no scrape has seen the zeros"
    one.wall.now += 1
    assert two.invocations() == 1


def test_a_restored_series_is_never_held(worker: Start) -> None:
    """What was shown once is shown by whoever comes next, at once."""
    one = worker(hold_seconds=HOLD)
    one.invoke()
    one.invocations()
    one.wall.now += HOLD
    assert one.invocations() == 1
    two = worker(hold_seconds=HOLD, wall=one.wall)
    two.invoke()
    assert two.invocations() == 2


def test_a_series_with_history_in_any_slot_is_not_held(worker: Start) -> None:
    """A second worker's first invocation of a known listing counts at once."""
    one = worker(hold_seconds=HOLD)
    one.invoke()
    one.invocations()
    one.wall.now += HOLD
    assert one.invocations() == 1
    two = worker(hold_seconds=HOLD, wall=one.wall)
    two.invoke()
    assert one.invocations() == 2


def test_what_is_born_with_a_listing_is_released_with_it(worker: Start) -> None:
    """A tool that came before the first scrape waits no longer than its listing."""
    one = worker(hold_seconds=HOLD)
    one.invoke()
    one.wall.now += 10
    one.span(
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "search",
            "marketplace.publisher.id": "acme",
            "marketplace.agent.id": "finder",
        }
    )
    assert one.value("tool_calls_total") == 0
    one.wall.now += HOLD - 10
    assert one.value("tool_calls_total") == 1


def test_a_clock_that_was_set_back_holds_nothing_for_long(worker: Start) -> None:
    """A block from the future is shown at once."""
    one = worker(hold_seconds=HOLD)
    one.invoke()
    one.wall.now -= 86_400
    assert one.invocations() == 1


@pytest.mark.parametrize("state", [True, False])
def test_an_idle_listing_leaves_and_returns_with_its_old_values(
    worker: Start,
    tmp_path: Path,
    state: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """On its return it shows what it left with for one hold, then what it has."""
    one = worker(tmp_path / "s", hold_seconds=HOLD, expire_seconds=3600)
    if not state:
        one = type(one)(None, hold_seconds=HOLD, expire_seconds=3600)
    for _ in range(2):
        one.invoke("idle")
        one.invoke("busy")
        one.invocations()
        one.wall.now += HOLD
    shown = [one.value("invocations_total", agent_id="idle")]
    for _ in range(3):
        one.wall.now += 1800
        one.invoke("busy")
        shown.append(one.value("invocations_total", agent_id="idle"))
    assert shown[-1] is None
    assert one.value("info", agent_id="idle") is None
    assert one.value("invocations_total", agent_id="busy") == 5
    for _ in range(4):
        one.invoke("idle")
    back = [one.value("invocations_total", agent_id="idle")]
    one.wall.now += HOLD - 1
    back.append(one.value("invocations_total", agent_id="idle"))
    one.wall.now += 1
    back.append(one.value("invocations_total", agent_id="idle"))
    assert back == [2, 2, 6]


def test_another_worker_brings_an_idle_listing_back(worker: Start) -> None:
    """What a listing left with stands in the directory and not in the worker that served it."""
    one = worker(hold_seconds=HOLD, expire_seconds=3600)
    one.invoke()
    one.invocations()
    one.wall.now += HOLD
    assert one.invocations() == 1
    one.wall.now += 3600
    assert one.invocations() is None
    two = worker(hold_seconds=HOLD, expire_seconds=3600, wall=one.wall)
    assert two.invocations() is None
    two.invoke()
    assert two.invocations() == 1
    one.wall.now += HOLD
    assert two.invocations() == 2
    assert one.invocations() == 2
    one.wall.now += 3600
    assert two.invocations() is None
    one.invoke()
    assert two.invocations() == 2


def test_a_listing_in_use_does_not_expire(worker: Start) -> None:
    """An invocation that takes longer than the expiry keeps its listing in view."""
    one = worker(expire_seconds=60)
    one.invoke()
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "marketplace.publisher.id": "acme",
        "marketplace.agent.id": "finder",
    }
    span = one.tracer.start_span("s", attributes=attributes)
    one.invocations()
    one.wall.now += 600
    assert one.invocations() == 1
    span.end()
    assert one.invocations() == 2


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "1"])
def test_expire_seconds_that_make_no_sense_are_refused(worker: Start, seconds: object) -> None:
    """Only a positive number is one."""
    with pytest.raises(ValueError, match="expire_seconds"):
        worker(expire_seconds=seconds)


def test_a_callback_knows_active_installs(worker: Start) -> None:
    """Where the marketplace knows them, its word counts."""
    one = worker(active_installs=lambda: {("acme", "finder"): 41})
    one.event("install")
    assert one.value("active_installs", publisher_id="acme", agent_id="finder") == 41


def test_active_installs_are_installs_less_uninstalls(worker: Start) -> None:
    """Over all workers, since the first install ever."""
    one, two = worker(), worker()
    for _ in range(3):
        one.event("install")
    two.event("uninstall")
    assert two.value("active_installs") == 2
