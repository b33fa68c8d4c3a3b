"""What a state directory holds when the machine was started anew.

Pages of the files may be older then than what was last scraped, so nothing is held at 0 again.
"""

from collections.abc import Callable
from typing import Any

import pytest
from tests.durable.test_restart import stop

from agent_analytics.processor._durable._files import slots
from agent_analytics.processor.machine import boot

Start = Callable[..., Any]
HOLD = 30.0
EPOCH = 900


@pytest.fixture
def reboot(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Return what ends a worker and starts the machine anew."""

    def start_anew(one: Any) -> None:  # noqa: ANN401 - a Worker of the conftest
        stop(one)
        monkeypatch.setattr(slots, "boot", lambda: boot() + 1)

    return start_anew


@pytest.mark.parametrize("counts", [True, False])
def test_series_are_shown_at_once(
    worker: Start,
    reboot: Callable[[Any], None],
    counts: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """What no scrape had seen is not held, whether the next worker counts before its scrape."""
    one = worker(hold_seconds=HOLD)
    one.invoke()
    reboot(one)
    two = worker(hold_seconds=HOLD, wall=one.wall)
    if counts:
        two.invoke()
    assert two.invocations() == 1 + counts


@pytest.mark.parametrize("scraped", [True, False])
@pytest.mark.parametrize("epochs", [0, 1])
def test_sketches_keep_their_epoch(
    worker: Start,
    reboot: Callable[[Any], None],
    scraped: bool,  # noqa: FBT001 - a parameter of the test
    epochs: int,
) -> None:
    """A scrape shows the registers that it would have shown had the machine not stopped."""
    one = worker(tenant_key="key")
    for number in range(5):
        one.invoke(marketplace_tenant_id=f"t-{number}")
        if scraped and number == 2:
            one.series("sketches")
    shown = set(one.series("sketches")) if scraped else None
    reboot(one)
    one.wall.now += EPOCH * epochs
    two = worker(tenant_key="key", wall=one.wall)
    two.invoke(marketplace_tenant_id="t-9")
    found = set(two.series("sketches"))
    assert len(found) >= 5
    if shown is not None:
        assert shown <= found


def test_a_listing_that_came_back_leaves_nothing_behind(
    worker: Start, reboot: Callable[[Any], None]
) -> None:
    """What a listing had left with is forgotten on its return, and stays so."""
    one = worker(hold_seconds=HOLD, expire_seconds=3600)
    one.invoke()
    one.invocations()
    one.wall.now += HOLD
    assert one.invocations() == 1
    one.wall.now += 3600
    assert one.invocations() is None
    one.invoke()
    assert one.invocations() == 1
    one.wall.now += HOLD
    assert one.invocations() == 2
    reboot(one)
    two = worker(hold_seconds=HOLD, expire_seconds=3600, wall=one.wall)
    assert two.invocations() == 2
    two.invoke()
    assert two.invocations() == 3
