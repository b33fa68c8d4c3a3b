"""Versions in a state directory: of all workers, over restarts, and within their own room."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._series.schema import RELEASE, RELEASE_USED, Schema

DAY = 86_400
MakeWorker = Callable[..., Any]

#: The fingerprint of the kind: it keeps its cells for good.
STORED = 904_479_477


def release(worker: Any, version: str, agent: str = "finder", times: int = 1) -> None:  # noqa: ANN401 - a worker of these tests
    """Run invocations of a version."""
    for _ in range(times):
        worker.span(
            {
                v.OPERATION_NAME: v.INVOKE_AGENT,
                v.PUBLISHER_ID: "acme",
                v.AGENT_ID: agent,
                v.AGENT_VERSION: version,
                v.COST_USD: "0.5",
            }
        )


def versions(worker: Any) -> dict[str, float]:  # noqa: ANN401 - the same
    """Return the invocations of each version that is shown."""
    found: dict[str, float] = {}
    for (_, labels), value in worker.series(
        only="marketplace_agent_release_invocations_total"
    ).items():
        version = dict(labels)["version"]
        found[version] = found.get(version, 0) + value
    return found


def test_the_kind_keeps_its_cells() -> None:
    """What is stored of versions stays readable, and the cell that no series has is the last."""
    assert names.FINGERPRINTS[RELEASE.name] == STORED
    assert isinstance(RELEASE, Schema)
    assert RELEASE.size == RELEASE_USED + 1 == 9


def test_versions_of_all_workers_add_up(worker: MakeWorker) -> None:
    """Any worker shows what every worker counted by version, also one that is gone."""
    first, second = worker(), worker()
    release(first, "1.0", times=3)
    release(second, "1.0", times=2)
    release(second, "2.0")
    for each in (first, second):
        assert versions(each) == {"1.0": 5, "2.0": 1}
        assert each.value("release_model_cost_usd_total", version="1.0") == 2.5
    second.processor.shutdown()
    assert versions(first) == {"1.0": 5, "2.0": 1}


def test_a_restart_goes_on_and_makes_way_for_the_newest(worker: MakeWorker) -> None:
    """Each release restarts the service: the new version is shown at once, the old ones go on."""
    for number in range(8):
        one = worker()
        one.wall.now += number * 7 * DAY
        release(one, f"v{number}", times=2)
        if number:
            release(one, f"v{number - 1}")
        found = versions(one)
        assert found[f"v{number}"] == 2
        assert len(found) <= 4
        if number:
            assert found[f"v{number - 1}"] == 3
        one.processor.shutdown()
        del one


def test_what_is_in_use_for_long_stays(worker: MakeWorker) -> None:
    """A version that a worker has counted for weeks is in use, whatever comes beside it."""
    stable, canary = worker(), worker()
    release(stable, "stable")
    for number in range(8):
        for each in (stable, canary):
            each.wall.now += 2 * DAY
        release(stable, "stable")
        stable.upkeep()
        release(canary, f"canary-{number}")
        assert {"stable", f"canary-{number}"} <= set(versions(canary))
        assert len(versions(canary)) <= 4


def test_what_is_no_longer_in_use_is_not_kept_by_a_worker_that_waits(worker: MakeWorker) -> None:
    """A worker without calls does not say of its version that it is in use."""
    idle, busy = worker(), worker()
    release(idle, "idle")
    for number in range(6):
        for each in (idle, busy):
            each.wall.now += 2 * DAY
        idle.upkeep()
        release(busy, f"v{number}")
    assert "idle" not in versions(busy)


def test_workers_share_the_room_of_releases(worker: MakeWorker) -> None:
    """What releases may come to is admitted once for all workers, and beside all others."""
    small = Limits(max_samples=3_000)
    first, second = worker(limits=small), worker(limits=small)
    for number in range(30):
        release(first, "1.0", f"agent-{number}")
        release(second, "1.0", f"agent-{number + 30}")
    name = "agent_analytics_releases_filled_ratio"
    assert first.value(name) == second.value(name)
    assert 0 < first.value(name) <= 1
    shown = [key for key in first.series() if "_release_" in key[0]]
    assert 0 < len(shown) <= small.max_samples // 4
    assert first.invocations() == 60
    later = worker(limits=small)
    release(later, "1.0", "agent-0")
    assert later.value(name) == first.value(name)


def test_a_directory_without_room_for_them(worker: MakeWorker, tmp_path: Path) -> None:
    """A directory that was written before there were releases has them from the next call on."""
    one = worker(tmp_path / "state")
    one.invoke()
    assert versions(one) == {}
    one.processor.shutdown()
    later = worker(tmp_path / "state")
    release(later, "1.0")
    assert versions(later) == {"1.0": 1}
    assert later.invocations() == 2
