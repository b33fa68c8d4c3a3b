"""Readers of a state directory: whichever worker each asks, it sees the zeros of the newborn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from agent_analytics.processor._durable._files import format as form

Start = Callable[..., Any]
HOLD = 30.0
NAME = "marketplace_agent_invocations_total"


def registry_of(worker: Any) -> Callable[[], float]:  # noqa: ANN401 - as the fixture
    """Return what collects from a registry of a worker's, and says how many invocations it sees."""
    registry = CollectorRegistry()
    registry.register(worker.processor)
    return lambda: sum(
        sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == NAME
    )


def test_a_registry_of_one_worker_waits_for_http_at_another(worker: Start) -> None:
    """Who has read where stands in the directory: another worker waits for that reader."""
    one = worker(hold_seconds=HOLD)
    two = worker(hold_seconds=HOLD, wall=one.wall)
    collected = registry_of(two)
    one.invoke("first")
    two.invoke("first")
    assert one.invocations() == 0
    one.wall.now += 1
    two.invoke("second")
    seen: list[float] = []
    for _ in range(4):
        seen.append(collected())
        one.wall.now += HOLD / 2
    assert seen == [0, 0, 2, 2], "the first agent has been seen by both, the second by one"
    assert one.invocations() == 2
    assert collected() == 3
    assert one.invocations() == 3


def test_http_is_one_reader_whoever_serves(worker: Start) -> None:
    """What was seen at one worker counts at another one, for HTTP and for registries alike."""
    one = worker(hold_seconds=HOLD)
    two = worker(hold_seconds=HOLD, wall=one.wall)
    at_one, at_two = registry_of(one), registry_of(two)
    one.invoke()
    assert one.invocations() == at_one() == 0
    one.wall.now += HOLD
    assert at_two() == 1
    assert two.invocations() == 1


def test_a_reader_is_known_after_a_restart(worker: Start) -> None:
    """A worker that takes over waits for who has read at the one before."""
    one = worker(hold_seconds=HOLD)
    one.invoke("first")
    collected = registry_of(one)
    assert collected() == one.invocations() == 0
    two = worker(hold_seconds=HOLD, wall=one.wall)
    one.wall.now += 1
    two.invoke("second")
    assert two.invocations() == 0
    one.wall.now += HOLD
    assert two.invocations() == 1, "the registry has seen the first alone"
    assert registry_of(two)() == 1
    assert two.invocations() == 2


def test_what_an_earlier_release_has_seen(worker: Start, tmp_path: Path) -> None:
    """That release noted a time alone, of scrapes over HTTP: its holds go on."""
    one = worker(tmp_path / "state", hold_seconds=HOLD)
    one.invoke()
    for merged in one.processor._store.view.groups.values():  # noqa: SLF001 - what is stored
        assert not merged
    assert one.invocations() == 0
    for group in one.processor._store.view.groups.values():  # noqa: SLF001 - alike
        for merged in group.values():
            for part in merged.parts:
                part.state[form.SEEN] &= ~form.READERS_MASK
    one.wall.now += HOLD
    assert one.invocations() == 1


def test_an_earlier_release_finds_what_was_seen(worker: Start) -> None:
    """The cell is as before for who reads it as a time, to a quarter of a microsecond."""
    one = worker(hold_seconds=HOLD)
    one.invoke()
    assert registry_of(one)() == 0
    seen = {
        part.state[form.SEEN]
        for name in ("listing", "usage")
        for merged in one.processor._store.view.groups[name].values()  # noqa: SLF001 - alike
        for part in merged.parts
    }
    assert {at & ~form.READERS_MASK for at in seen} == {int(one.wall.now * 1e9)}
    assert {at & form.READERS_MASK for at in seen} == {2}


def test_a_look_writes_nothing(worker: Start, tmp_path: Path) -> None:
    """The doctor's look leaves the directory as it is, and the hold as well."""
    one = worker(tmp_path / "state", hold_seconds=HOLD, expire_seconds=3600)
    one.invoke()
    one.processor.look()
    slot = tmp_path / "state" / "slot-0000"
    before = slot.read_bytes()
    one.wall.now += HOLD
    one.processor.look()
    one.processor.look("sketches")
    assert slot.read_bytes() == before
    assert one.invocations() == 0
    assert one.invocations() == 1


@pytest.mark.parametrize("state", [True, False])
def test_a_look_at_an_idle_listing(worker: Start, tmp_path: Path, state: bool) -> None:  # noqa: FBT001 - a case
    """What has left, and what comes back, is seen as a scrape would see it, and goes on so."""
    one = worker(tmp_path / "s", hold_seconds=HOLD, expire_seconds=3600)
    if not state:
        one = type(one)(None, hold_seconds=HOLD, expire_seconds=3600)

    def looked() -> list[int]:
        blocks = one.processor.look().blocks
        return [sum(row[1][:16]) for kind, rows in blocks if kind.name == "listing" for row in rows]

    one.invoke(marketplace_outcome="success")
    one.invocations()
    one.wall.now += HOLD
    assert (one.invocations(), looked()) == (1, [1])
    one.wall.now += 3601
    assert looked() == []
    assert one.invocations() is None
    one.invoke(marketplace_outcome="success")
    one.wall.now += HOLD
    assert looked() == [1]
    assert one.invocations() == 1, "the look has not begun the return"
    one.wall.now += HOLD
    assert (one.invocations(), looked()) == (2, [2])
