"""A clock that goes ahead and comes back: nothing waits until that day comes."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.durable.conftest import Clock, Worker

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._series.sketch import EPOCH_SECONDS

Start = Callable[..., Any]
NOW = 1_700_000_100.0
AHEAD = [EPOCH_SECONDS * 2.5, 86_400.0, 10 * 365 * 86_400.0]


def registers(one: Worker) -> int:
    """Scrape the sketches, and return how many tenants they show."""
    return len([name for name, _ in one.series("sketches") if name.endswith("sketch_register")])


def rotates(one: Worker, tenants: int) -> None:
    """See that who was seen leaves within two epochs, and who comes is shown."""
    shown = 0
    for epoch in range(3):
        one.wall.now += EPOCH_SECONDS
        one.invoke(marketplace_tenant_id=f"new-{epoch}")
        shown = registers(one)
        assert 1 <= shown <= (tenants + 2 if epoch == 0 else 3), f"epoch {epoch}"
    assert shown <= 2, "this epoch and the one before"


@pytest.mark.parametrize("ahead", AHEAD)
@pytest.mark.parametrize("durable", [True, False])
def test_sketches_rotate_when_the_clock_is_back(
    worker: Start,
    caplog: pytest.LogCaptureFixture,
    ahead: float,
    durable: bool,  # noqa: FBT001 - a case
) -> None:
    """Tenants of epochs that have not come are shown once more and leave, which is said."""
    one = worker(wall=Clock(NOW)) if durable else Worker(None, wall=Clock(NOW))
    one.invoke(marketplace_tenant_id="before")
    assert registers(one) == 1
    one.wall.now += ahead
    one.invoke(marketplace_tenant_id="ahead")
    assert registers(one) == 2
    one.wall.now -= ahead
    one.invoke(marketplace_tenant_id="back")
    assert registers(one) >= 1, "who came since the last scrape is shown"
    rotates(one, 3)
    assert any("clock was set back" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("ahead", AHEAD)
def test_a_worker_that_starts_on_a_slot_from_the_future(worker: Start, ahead: float) -> None:
    """Who takes over a slot of a worker whose clock was ahead rotates its sketches."""
    gone = worker(wall=Clock(NOW + ahead))
    gone.invoke(marketplace_tenant_id="ahead")
    registers(gone)
    _died(gone)
    one = worker(wall=Clock(NOW))
    one.invoke(marketplace_tenant_id="back")
    assert registers(one) == 2
    rotates(one, 2)


@pytest.mark.parametrize("scraped", [True, False])
def test_epochs_of_a_dead_worker_from_the_future_are_dropped(
    worker: Start,
    caplog: pytest.LogCaptureFixture,
    scraped: bool,  # noqa: FBT001 - a case
) -> None:
    """What a scrape had shown by then is not shown again; else once, and then it leaves."""
    first, second = worker(wall=Clock(NOW)), worker(wall=Clock(NOW + 86_400))
    first.invoke(marketplace_tenant_id="now")
    second.invoke(marketplace_tenant_id="ahead")
    if scraped:
        assert registers(second) == 2
    _died(second)
    assert registers(first) == (1 if scraped else 2)
    assert any("from the future are dropped" in record.getMessage() for record in caplog.records)
    rotates(first, 2)


def test_a_worker_that_is_not_scraped_sets_itself_right(worker: Start) -> None:
    """The first span after the clock is back is enough."""
    serving, one = worker(wall=Clock(NOW)), worker(wall=Clock(NOW + 86_400))
    serving.invoke(marketplace_tenant_id="serving")
    one.invoke(marketplace_tenant_id="ahead")
    one.wall.now = NOW
    one.processor._store.begin_epoch()  # noqa: SLF001 - what the upkeep of a span does
    for _ in range(2):
        registers(serving)
        for each in (serving, one):
            each.wall.now += EPOCH_SECONDS
            each.processor._store.begin_epoch()  # noqa: SLF001 - the same
    assert registers(serving) == 0


@pytest.mark.parametrize("durable", [True, False])
def test_an_idle_listing_leaves_and_returns(
    worker: Start,
    durable: bool,  # noqa: FBT001 - a case
) -> None:
    """Neither the age of a listing nor its return waits for the day that the clock showed."""
    more: dict[str, Any] = {"expire_seconds": 100.0, "hold_seconds": 0.0, "wall": Clock(NOW)}
    one = worker(**more) if durable else Worker(None, **more)
    one.invoke()
    one.wall.now += 86_400
    one.invoke()
    assert one.invocations() == 2
    one.wall.now -= 86_400
    assert one.invocations() == 2
    one.wall.now += 101
    assert one.invocations() is None, "idle since the clock was set back"
    one.wall.now += 86_400
    one.invoke()
    one.invocations()
    one.wall.now -= 86_400
    assert one.invocations() == 3


@pytest.mark.parametrize("seed", range(4))
def test_a_clock_that_jumps_about(worker: Start, seed: int) -> None:
    """However often the clock jumps, each scrape shows who came since the last one."""
    dice = random.Random(seed)
    one = worker(wall=Clock(NOW))
    for turn in range(30):
        one.wall.now = NOW + dice.choice([0, 1, -1]) * dice.choice([1.0, 900.0, 1e4, 1e8])
        before = registers(one)
        one.invoke(marketplace_tenant_id=f"t-{turn}")
        assert registers(one) >= min(before, 1)
        assert registers(one) >= 1
    one.wall.now = NOW
    registers(one)
    rotates(one, 31)


def _died(one: Worker) -> None:
    """Let go of a slot as the kernel does when its worker dies."""
    from agent_analytics.processor._durable._files.locks import unlock  # noqa: PLC0415 - when it is needed, not before

    processor: Any = one.processor
    store: Any = processor._store  # noqa: SLF001 - a death has no public interface
    store._slot._closer.detach()  # noqa: SLF001 - what no public name shows
    unlock(store._slot._lock)  # noqa: SLF001 - what no public name shows


def test_the_cells_that_these_tests_are_about(worker: Start, tmp_path: Path) -> None:
    """The last scrape of sketches stands in the file, and is set right with the clock."""
    one = worker(wall=Clock(NOW + 86_400))
    one.invoke(marketplace_tenant_id="t")
    registers(one)
    one.wall.now = NOW
    registers(one)
    data = (tmp_path / "state" / "slot-0000").read_bytes()
    cells = memoryview(data[: form.PAGE]).cast("q")
    assert cells[form.SCRAPED] == int(NOW // EPOCH_SECONDS)
