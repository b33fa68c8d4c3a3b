"""Rule 2 with several readers: a hold ends when each that was reading has seen the zeros."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from tests.cli.prometheus import ask, job, running
from tests.patience import wait_for
from tests.processor.rig import Rig, invoke

from agent_analytics.cli._doctor import examine
from agent_analytics.exporters import exposition, make_wsgi_app, start_http_server
from agent_analytics.exporters._http.renderings import Rendered, Want, renderings_of
from agent_analytics.processor import AgentMetricsProcessor, Snapshot
from agent_analytics.processor._series.hold import MOST_READERS, Registries
from agent_analytics.processor._series.rows import Part

MakeRig = Callable[..., Rig]
HOLD = 30.0
NAME = "marketplace_agent_invocations_total"


@pytest.fixture
def held(make_rig: MakeRig) -> Rig:
    """Return a processor that holds newborn series for 30 s."""
    return make_rig(hold_seconds=HOLD)


def registered(*processors: AgentMetricsProcessor) -> CollectorRegistry:
    """Return a registry that processors stand in."""
    registry = CollectorRegistry()
    for processor in processors:
        registry.register(processor)
    return registry


def value(families: Iterable[Metric]) -> float:
    """Return how many invocations families show."""
    return sum(
        sample.value for family in families for sample in family.samples if sample.name == NAME
    )


def test_a_registry_ends_no_hold_before_http_has_seen_it(held: Rig) -> None:
    """A registry that is collected often waits for the Prometheus that reads over HTTP."""
    registry = registered(held.processor)
    assert held.value("invocations_total") == 0
    held.clock.now += 1
    held.run(invoke())
    shown: list[float] = []
    for _ in range(4):
        shown.append(value(registry.collect()))
        held.clock.now += HOLD / 2
    assert shown == [0] * 4, "the second reader has released what the first has not seen"
    assert held.value("invocations_total") == 0
    assert value(registry.collect()) == 1
    assert held.value("invocations_total") == 1


def test_http_ends_no_hold_before_a_registry_has_seen_it(held: Rig) -> None:
    """The same the other way round."""
    registry = registered(held.processor)
    assert value(registry.collect()) == 0
    held.run(invoke())
    assert held.value("invocations_total") == 0
    held.clock.now += HOLD
    assert held.value("invocations_total") == 0
    assert value(registry.collect()) == 0
    assert held.value("invocations_total") == 1


def test_two_registries_are_two_readers(held: Rig) -> None:
    """Each registry that the processor stands in sees the zeros first."""
    one, two = registered(held.processor), registered(held.processor)
    assert value(one.collect()) == value(two.collect()) == 0
    held.run(invoke())
    assert value(one.collect()) == 0
    held.clock.now += HOLD
    assert [value(one.collect()), value(two.collect()), value(one.collect())] == [0, 0, 1]
    assert value(two.collect()) == 1


def test_who_reads_for_the_first_time_sees_the_zeros(held: Rig) -> None:
    """That others have seen them, and a hold has passed, is nothing to a new reader."""
    held.run(invoke())
    assert held.value("invocations_total") == 0
    held.clock.now += HOLD
    registry = registered(held.processor)
    assert value(registry.collect()) == 0
    assert held.value("invocations_total") == 1


def test_who_has_gone_is_not_waited_for(held: Rig) -> None:
    """A registry that was not collected for a hold before the series were born is gone."""
    registry = registered(held.processor)
    assert value(registry.collect()) == 0
    held.clock.now += HOLD + 1
    held.run(invoke())
    assert held.value("invocations_total") == 0
    held.clock.now += HOLD
    assert held.value("invocations_total") == 1


def test_nobody_is_waited_for_beyond_ten_holds(held: Rig) -> None:
    """A registry that goes just when a series is born delays it by ten holds at most."""
    registry = registered(held.processor)
    assert value(registry.collect()) == 0
    held.run(invoke())
    assert held.value("invocations_total") == 0
    held.clock.now += 10 * HOLD - 1
    assert held.value("invocations_total") == 0
    held.clock.now += 1
    assert held.value("invocations_total") == 1


class Passes(Collector):
    """A collector of the user's, which passes on what the processor yields."""

    def __init__(self, processor: AgentMetricsProcessor) -> None:
        self._processor = processor

    def collect(self) -> Iterable[Metric]:
        """Yield the families of the processor."""
        yield from self._processor.collect()


class Slotted:
    """A collector that no weak reference can be made to."""

    __slots__ = ("_processor",)

    def __init__(self, processor: AgentMetricsProcessor) -> None:
        self._processor = processor

    def collect(self) -> Iterable[Metric]:
        """Yield the families of the processor."""
        yield from self._processor.collect()


class Subclass(AgentMetricsProcessor):
    """A processor of the user's, which adds something to each collection."""

    collected = 0

    def collect(self) -> Iterable[Metric]:
        """Count, and yield the families of the processor."""
        self.collected += 1
        return super().collect()


def test_a_request_for_some_names_is_of_the_same_registry(held: Rig) -> None:
    """``?name[]=`` makes a registry for one request, in front of the one that is asked."""
    registry = registered(held.processor)
    assert value(registry.restricted_registry([NAME]).collect()) == 0
    held.run(invoke())
    assert value(registry.collect()) == 0
    held.clock.now += HOLD
    assert value(registry.restricted_registry([NAME]).collect()) == 1


@pytest.mark.parametrize("passes", [Passes, Slotted])
def test_a_collector_in_front_is_a_reader(
    held: Rig, passes: Callable[[AgentMetricsProcessor], Collector]
) -> None:
    """Two collectors of the user's own, in one registry or two, are two readers."""
    one, two = passes(held.processor), passes(held.processor)
    assert value(one.collect()) == value(two.collect()) == 0
    held.run(invoke())
    assert value(one.collect()) == 0
    held.clock.now += HOLD
    assert [value(one.collect()), value(two.collect()), value(one.collect())] == [0, 0, 1]


def test_a_subclass_passes_the_registry_on() -> None:
    """The registry is the reader, however many methods of the processor's stand between."""
    processor = Subclass(hold_seconds=HOLD)
    one, two = registered(processor), registered(processor)
    list(one.collect())
    list(two.collect())
    assert processor.collected == 2
    registries: Any = processor._registries  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # who they are
    assert registries.number(one) != registries.number(two)


def test_a_function_that_collects_is_one_reader(held: Rig) -> None:
    """Whoever calls ``collect()`` without being an object is one reader."""
    held.run(invoke())
    assert value(held.processor.collect()) == 0
    held.clock.now += HOLD
    assert value(held.processor.collect()) == 1


def test_numbers_of_registries_that_are_gone_are_given_again() -> None:
    """However many registries come and go, those that there are have numbers of their own."""
    numbers = Registries()
    kept = CollectorRegistry()
    assert numbers.number(kept) == 1
    for _ in range(3 * MOST_READERS):
        passing = CollectorRegistry()
        assert numbers.number(passing) == 2
        del passing
    many = [CollectorRegistry() for _ in range(MOST_READERS)]
    found = [numbers.number(each) for each in many]
    assert found == [2, 3, 4, 5, 6, 7, 7, 7]
    assert numbers.number(kept) == 1


def test_exposition_and_http_are_one_reader(held: Rig) -> None:
    """Who renders by hand sees for the server, and the other way round."""
    assert renderings_of(held.processor).get(Want("metrics"))
    held.run(invoke())
    assert held.value("invocations_total") == 0
    held.clock.now += HOLD
    answer = renderings_of(held.processor).get(Want("metrics"))
    assert isinstance(answer, Rendered)
    assert f'{NAME}{{publisher_id="acme",agent_id="finder",outcome="success"}} 1' in str(
        answer.body
    )


def test_sketches_are_no_scrape_of_the_metrics(held: Rig) -> None:
    """Who reads the registers alone has seen no zeros, and nobody waits for that reader."""
    held.run(invoke())
    exposition(held.processor, part="sketches")
    held.clock.now += HOLD
    assert held.value("invocations_total") == 0
    assert held.value("invocations_total") == 1


# --- who only looks ------------------------------------------------------------------------------


def looked(processor: AgentMetricsProcessor, part: Part = "metrics") -> float:
    """Return how many invocations somebody sees who only looks."""
    rows = [
        row
        for kind, found in processor.look(part).blocks
        if kind.name == "listing"
        for row in found
    ]
    return sum(sum(cells[:-8]) - cells[16] for _, cells, _ in rows) if rows else 0


def test_a_look_ends_no_hold(held: Rig) -> None:
    """Whoever looks sees what the others see, and changes nothing for them."""
    held.run(invoke())
    assert looked(held.processor) == 0
    held.clock.now += HOLD
    assert looked(held.processor) == 0
    assert held.value("invocations_total") == 0
    assert looked(held.processor) == 0
    assert held.value("invocations_total") == 1
    assert looked(held.processor) == 1


def test_a_look_shows_all_where_nothing_is_held(make_rig: MakeRig) -> None:
    """Without holds there is nothing to wait for."""
    rig = make_rig(hold_seconds=0)
    rig.run(invoke())
    assert looked(rig.processor) == 1


@pytest.mark.parametrize("others", [False, True])
def test_the_server_knows_who_only_looks(held: Rig, others: bool) -> None:  # noqa: FBT001 - a case
    """A request that says so is no scrape, unless a scrape shares its rendering."""
    held.run(invoke())
    renderings = renderings_of(held.processor)
    renderings.get(Want("metrics", looks=not others))
    held.clock.now += HOLD
    assert held.value("invocations_total") == (1 if others else 0)


@pytest.mark.parametrize("app", ["server", "wsgi"])
def test_the_doctor_ends_no_hold(held: Rig, app: str) -> None:
    """Whoever examines a service while an agent is new takes no first event from Prometheus."""
    held.run(invoke())
    if app == "server":
        with start_http_server(held.processor) as server:
            examine(f"{server.url}/metrics", "none")
            held.clock.now += HOLD
            examine(f"{server.url}/metrics", "none")
    else:
        environ: dict[str, Any] = {"HTTP_AGENT_ANALYTICS_READER": "none"}
        setup_testing_defaults(environ)
        environ["PATH_INFO"] = "/metrics"

        def started(*_: object) -> Callable[[bytes], object]:
            return bytes

        make_wsgi_app(held.processor)(environ, started)
        held.clock.now += HOLD
    assert held.value("invocations_total") == 0
    assert held.value("invocations_total") == 1


# --- a child, and real Prometheus ----------------------------------------------------------------


def test_a_child_begins_with_nobody(held: Rig) -> None:
    """Readers of the parent are not waited for in a forked child."""
    registry = registered(held.processor)
    assert value(registry.collect()) == 0
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        held.run(invoke())
        first = held.value("invocations_total")
        held.clock.now += HOLD
        os.write(writer, f"{first} {held.value('invocations_total')}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        assert answer.read() == "0 1"
    os.waitpid(pid, 0)


class Watched(AgentMetricsProcessor):
    """A processor that counts its scrapes over HTTP."""

    scrapes = 0

    def snapshot(self, part: Part = "metrics") -> Snapshot:
        """Count a scrape."""
        taken = super().snapshot(part)
        self.scrapes += part == "metrics"
        return taken


@pytest.mark.slow
def test_a_real_prometheus_beside_a_second_reader(tmp_path: Path) -> None:
    """What Prometheus stores of a newborn counter begins with 0, whoever else reads often."""
    processor = Watched(hold_seconds=1.0)
    rig = Rig()
    rig.provider.add_span_processor(processor)
    registry = registered(processor)
    with start_http_server(processor) as server:
        slow = job(
            "agent-analytics",
            server.url.removeprefix("http://"),
            scrape_interval="2s",
            scrape_timeout="2s",
        )
        with running(tmp_path, [slow]) as url:
            seen = processor.scrapes
            wait_for(lambda: processor.scrapes > seen, "a scrape", every=0.01)
            seen = processor.scrapes
            for _ in range(3):
                rig.run(invoke())
            wait_for(lambda: value(registry.collect()) and processor.scrapes, "the values")
            wait_for(lambda: processor.scrapes >= seen + 3, "two more scrapes", every=0.1)
            query = f"{NAME}%7Boutcome%3D%22success%22%7D%5B1m%5D"
            found = wait_for(
                lambda: [
                    [float(number) for _, number in one["values"]]
                    for one in ask(url, f"/api/v1/query?query={query}")["result"]
                    if float(one["values"][-1][1]) == 3
                ],
                "what Prometheus stored",
                every=0.1,
            )
    assert found[0][0] == 0
    assert set(found[0]) == {0, 3}
