"""Rule 2: the first event counts, since a newborn series shows 0 until a scrape has seen it."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from tests.processor.rig import Labels, Rig, chat, event, invoke, tool

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Schema
from agent_analytics.processor._series.store import Block, MemoryStore

MakeRig = Callable[..., Rig]
HOLD = 30.0


@pytest.fixture
def held(make_rig: MakeRig) -> Rig:
    """Return a processor that holds newborn series for 30 s."""
    return make_rig(hold_seconds=HOLD)


def increase(levels: Iterable[float]) -> float:
    """Return what Prometheus sees happen between the scrapes of a counter."""
    return sum(max(after - before, 0) for before, after in pairwise(levels))


def test_a_newborn_shows_zero_until_seen_and_old_enough(held: Rig) -> None:
    """It takes both a scrape that saw the zero and the time of the hold."""
    held.run(invoke())
    assert held.value("invocations_total") == 0
    held.clock.now += HOLD - 1
    assert held.value("invocations_total") == 0
    held.clock.now += 1
    assert held.value("invocations_total") == 1


def test_age_alone_does_not_release(held: Rig) -> None:
    """The first scrape sees 0 even where the hold has passed."""
    held.run(invoke())
    held.clock.now += 2 * HOLD
    assert held.value("invocations_total") == 0
    assert held.value("invocations_total") == 1


def test_a_scrape_alone_does_not_release(held: Rig) -> None:
    """Any number of scrapes within the hold see 0, for there may be several scrapers."""
    held.run(invoke())
    assert [held.value("invocations_total") for _ in range(5)] == [0] * 5


def test_cap_where_nobody_scrapes(held: Rig) -> None:
    """After ten holds a value is shown to the first who asks."""
    held.run(invoke())
    held.clock.now += 10 * HOLD
    assert held.value("invocations_total") == 1


def test_siblings_are_born_with_the_first_span(held: Rig) -> None:
    """Outcomes, revenue, fees, installs are there at 0 before they first happen."""
    with held.span(invoke()):
        series = held.series()
    labels = (("agent_id", "finder"), ("publisher_id", "acme"))
    for outcome in v.OUTCOMES:
        key = ("marketplace_agent_invocations_total", (labels[0], ("outcome", outcome), labels[1]))
        assert series[key] == 0
    for name in ("revenue", "refunds", "fees", "model_cost", "wasted_cost"):
        assert series[f"marketplace_agent_{name}_usd_total", labels] == 0
    assert series["marketplace_agent_installs_total", labels] == 0
    assert series["marketplace_agent_uninstalls_total", labels] == 0


def test_siblings_are_released_together(held: Rig) -> None:
    """What follows the first span shows at once: its series have shown 0 before."""
    held.run(invoke(), {v.OUTCOME: "success"})
    held.value("invocations_total")
    held.clock.now += HOLD
    held.value("invocations_total")
    held.run(invoke(), {v.OUTCOME: "cancelled", v.REVENUE_USD: "1"})
    held.run(event("install"))
    assert held.value("invocations_total", outcome="cancelled") == 1
    assert held.value("revenue_usd_total") == 1
    assert held.value("installs_total") == 1


def test_families_of_one_start_are_released_together(held: Rig) -> None:
    """The tool, model and error of a first invocation show in the scrape that shows the listing."""
    with held.span(invoke(), {v.OUTCOME: "error"}):
        held.clock.now += 2
        held.run(tool())
        held.run(chat(1, 1))
        held.clock.now += 2
    held.value("invocations_total")
    held.clock.now += HOLD - 4
    metrics = ("invocations", "tool_calls", "inference_calls", "invocation_errors")
    series = [held.value(f"{metric}_total") for metric in metrics]
    assert series in ([0] * 4, [1] * 4)
    held.clock.now += 4
    held.value("invocations_total")
    assert [held.value(f"{metric}_total") for metric in metrics] == [1] * 4


def test_a_later_tool_has_a_hold_of_its_own(held: Rig) -> None:
    """A tool that first appears in an old listing shows 0 first, its listing's series do not."""
    held.run(invoke())
    held.value("invocations_total")
    held.clock.now += HOLD
    assert held.value("invocations_total") == 1
    with held.span(invoke()):
        held.run(tool())
    assert held.value("tool_calls_total") == 0
    assert held.value("tool_call_duration_seconds_count") == 0
    assert held.value("invocations_total") == 2
    held.clock.now += HOLD
    assert held.value("tool_calls_total") == 1


def test_the_gauge_is_not_held(held: Rig) -> None:
    """Invocations in progress show at once: a gauge has no first event to lose."""
    with held.span(invoke()):
        assert held.value("invocations_in_progress") == 1
    assert held.value("invocations_in_progress") == 0


def test_without_hold_everything_shows(rig: Rig) -> None:
    """With ``hold_seconds=0`` the first scrape shows every value."""
    rig.run(invoke())
    assert rig.value("invocations_total") == 1


def test_registering_is_no_scrape_and_collecting_is(held: Rig) -> None:
    """Only who collects has seen the zeros."""
    held.run(invoke(), {v.OUTCOME: "success"})
    held.clock.now += HOLD
    registry = CollectorRegistry()
    registry.register(held.processor)
    line = (
        'marketplace_agent_invocations_total{agent_id="finder",outcome="success",'
        'publisher_id="acme"} '
    )
    assert f"{line}0.0\n" in generate_latest(registry).decode()
    assert f"{line}1.0\n" in generate_latest(registry).decode()


def test_the_sketches_are_no_scrape(held: Rig) -> None:
    """Who reads the registers has not seen the counters."""
    held.run(invoke())
    exposition(held.processor, part="sketches")
    held.clock.now += HOLD
    assert held.value("invocations_total") == 0


def test_held_histograms_and_exemplars_stay_consistent(held: Rig) -> None:
    """While held a histogram is all 0 and shows no exemplar."""
    with held.span(invoke(), {v.TIME_TO_FIRST_CHUNK: 1.5}):
        held.run(tool())
    for name in ("invocation_duration", "tool_call_duration", "time_to_first_chunk"):
        for suffix in ("bucket", "sum", "count"):
            assert held.value(f"{name}_seconds_{suffix}") == 0
    assert b"trace_id" not in exposition(held.processor, "application/openmetrics-text")[0]


class Restored(MemoryStore):
    """A store whose blocks all have a history: each starts at 10,000."""

    def open_block(self, schema: Schema, labels: tuple[str, ...], now: float) -> Block:
        """Return a block that was counted on before."""
        fresh = super().open_block(schema, labels, now)
        fresh.cells[0] = 10_000
        return Block(schema, labels, fresh.cells, born=None)


def test_a_restored_series_is_never_held(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holding a series with a history would turn an increase of 3 into 10,003."""
    monkeypatch.setattr("agent_analytics.processor._wiring.MemoryStore", Restored)
    rig = make_rig(hold_seconds=HOLD)
    rig.clock.now = 1.0
    rig.run(invoke(), {v.OUTCOME: "success"})
    assert rig.value("invocations_total", outcome="success") == 10_001


@pytest.mark.parametrize(
    "scrape_seconds",
    [*(pytest.param(often, marks=pytest.mark.slow) for often in (5, 7)), 15, 29, 30, 60],
)
def test_increase_over_many_young_series_loses_nothing(held: Rig, scrape_seconds: int) -> None:
    """What Prometheus sees happen in a workload of newborns equals what happened."""
    levels: dict[tuple[str, Labels], list[float]] = {}
    truth = 0
    for second in range(400):
        if second < 240 and second % 3 == 0:
            with held.span(invoke(agent=f"agent-{second // 12}")):
                held.run(tool(f"tool-{second // 6}"))
            truth += 1
        if second % scrape_seconds == 0:
            for key, value in held.series().items():
                if key[0] in {
                    "marketplace_agent_invocations_total",
                    "marketplace_agent_tool_calls_total",
                }:
                    levels.setdefault(key, []).append(value)
        held.clock.now += 1
    seen: dict[str, float] = {}
    for (name, _), series in levels.items():
        assert series[0] == 0
        seen[name] = seen.get(name, 0) + increase(series)
    assert len(seen) == 2
    assert set(seen.values()) == {truth}
