"""What a process has counted is there for the next, however it ended."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import forked

from agent_analytics.processor import Limits

Start = Callable[..., Any]

COUNT_AND_DIE = """
import os, signal, sys
from agent_analytics.exporters import configure
from agent_analytics.instrumentation import agent, record_install, tenant
runtime = configure(service_name="shop", metrics_port=None, state_dir=sys.argv[1], hold_seconds=0)

@agent(publisher_id="acme", agent_id="finder", price_usd="0.05", version="1.0")
def find(question):
    if question == "die":
        os.kill(os.getpid(), signal.SIGKILL)

record_install(publisher_id="acme", agent_id="finder", tenant_id="t-1", event_id="order-1")
for number in range(20):
    with tenant(f"t-{number}"):
        find("something")
find("die")
"""


def test_a_killed_process_loses_nothing_that_had_ended(worker: Start, tmp_path: Path) -> None:
    """The next process shows every invocation and cent, and none in progress."""
    state = tmp_path / "state"
    for _ in range(3):
        ended = forked.run([sys.executable, "-c", COUNT_AND_DIE, str(state)], check=False)
        assert ended.returncode == -9
    shown = worker(state)
    assert shown.value("invocations_total", outcome="success") == 60
    assert shown.value("revenue_usd_total") == 3.0
    assert shown.value("invocations_in_progress") == 0
    assert shown.value("installs_total") == 1, "the id of an event is remembered, too"
    assert shown.value("active_installs") == 1
    assert shown.value("info", agent_version="1.0") == 1
    assert shown.value("agent_analytics_spans_total", kind="invocation") == 60
    assert [name for name in os.listdir(state) if name.startswith("slot")] == ["slot-0000"]  # noqa: PTH208 - names are what is asked for


def test_registers_of_a_killed_process_are_shown(worker: Start, tmp_path: Path) -> None:
    """Twenty tenants are in the sketches after the process is gone."""
    state = tmp_path / "state"
    forked.run([sys.executable, "-c", COUNT_AND_DIE, str(state)], check=False)
    registers = [labels for _, labels in worker(state, tenant_key=None).series("sketches")]
    assert 18 <= len(registers) <= 20


def test_a_restarted_worker_goes_on_with_the_slot(worker: Start) -> None:
    """Its own counters go on, and so do their caps."""
    limits = Limits(tools_per_listing=2)
    first = worker(limits=limits)
    tool = {"gen_ai.operation.name": "execute_tool", "marketplace.publisher.id": "acme"}
    for name in ("a", "b"):
        first.span(tool | {"gen_ai.tool.name": name})
    stop(first)
    second = worker(limits=limits)
    for name in ("a", "c"):
        second.span(tool | {"gen_ai.tool.name": name})
    calls = {
        dict(labels)["tool"]: value
        for (name, labels), value in second.series().items()
        if name.endswith("tool_calls_total") and value
    }
    assert calls == {"a": 2, "b": 1, "_other": 1}


def test_exemplars_survive(worker: Start) -> None:
    """The trace of a slow invocation is found after a restart."""
    from agent_analytics.exporters import exposition  # noqa: PLC0415 - only needed here

    first = worker()
    first.invoke()
    stop(first)
    text = exposition(worker().processor, "application/openmetrics-text")[0].decode()
    assert 'trace_id="' in text


def test_two_workers_show_the_same_sum(worker: Start) -> None:
    """Whichever is asked, both workers' counts are in the answer."""
    one, two = worker(), worker()
    for _ in range(3):
        one.invoke()
    two.invoke()
    assert one.invocations() == two.invocations() == 4
    assert one.value("revenue_usd_total") == two.value("revenue_usd_total") == 0.2


def test_an_event_id_counts_once_in_all_workers(worker: Start) -> None:
    """A retry that reaches another worker is the same install."""
    one, two = worker(), worker()
    for each in (one, two, one, two):
        each.event("install", "order-7")
    two.event("install", "order-8")
    assert one.value("installs_total") == 2
    assert one.value("agent_analytics_duplicate_events_total") == 3


def test_many_event_ids_are_remembered_up_to_the_cap(worker: Start) -> None:
    """The last ids are known to a worker that saw none of them; older ones are forgotten."""
    limits = Limits(event_ids_per_publisher=600)
    one = worker(limits=limits)
    for number in range(1_000):
        one.event("install", f"order-{number}")
    two = worker(limits=limits)
    for number in range(400, 1_000):
        two.event("install", f"order-{number}")
    assert two.value("installs_total") == 1_000
    two.event("install", "order-0")
    assert one.value("installs_total") == 1_001


def test_the_living_alone_are_in_progress(worker: Start) -> None:
    """What a dead worker had in progress is not in progress any more."""
    one, two = worker(), worker()
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "marketplace.publisher.id": "acme",
        "marketplace.agent.id": "finder",
    }
    spans = [each.tracer.start_span("s", attributes=attributes) for each in (one, one, two)]
    assert two.value("invocations_in_progress") == 3
    stop(one)
    assert two.value("invocations_in_progress") == 1
    spans[2].end()
    assert two.value("invocations_in_progress") == 0


def test_another_key_begins_new_sketches(worker: Start, caplog: pytest.LogCaptureFixture) -> None:
    """Registers that were hashed with another key do not mix with those of this one."""
    first = worker(tenant_key="old")
    for number in range(50):
        first.invoke(marketplace_tenant_id=f"t-{number}")
    stop(first)
    with caplog.at_level(logging.WARNING):
        second = worker(tenant_key="new")
        assert second.value("sketch_register") is None
        second.invoke(marketplace_tenant_id="t-0")
        assert len(second.series("sketches")) == 1


def test_sketches_of_workers_merge_by_the_smallest(worker: Start) -> None:
    """The same tenants in two workers are the same registers."""
    one, two = worker(), worker()
    for number in range(500):
        one.invoke(marketplace_tenant_id=f"t-{number}")
    alone = one.series("sketches")
    for number in range(300):
        two.invoke(marketplace_tenant_id=f"t-{number}")
    assert one.series("sketches") == two.series("sketches") == alone


def test_sketches_rotate_in_workers_that_serve_no_scrape(worker: Start) -> None:
    """A tenant leaves after two epochs, wherever it was seen."""
    one, two = worker(), worker()
    two.wall = one.wall
    serving = worker(wall=one.wall)
    one.invoke(marketplace_tenant_id="t-1")
    assert serving.value("sketch_register") is not None
    one.wall.now += 900
    one.processor.snapshot("sketches")
    one.invoke(marketplace_tenant_id="t-2")
    assert len(serving.series("sketches")) == 2
    one.wall.now += 900
    one.processor.snapshot("sketches")
    assert len(serving.series("sketches")) == 1
    del two


def stop(one: Any) -> None:  # noqa: ANN401 - a Worker of the conftest
    """Let go of a worker's slot as the kernel does when it dies."""
    from agent_analytics.processor._durable._files.locks import unlock  # noqa: PLC0415 - when it is needed, not before

    store = one.processor._store  # noqa: SLF001 - a death has no public interface
    store._slot._closer.detach()  # noqa: SLF001 - what no public name shows
    unlock(store._slot._lock)  # noqa: SLF001 - what no public name shows
