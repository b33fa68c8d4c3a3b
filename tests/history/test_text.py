"""The text that becomes blocks: what the processes of a listing would have exposed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent_analytics.demo._history import Clock, Ledger, Pace, Profile
from agent_analytics.demo._history._simulation.openmetrics import Text
from agent_analytics.demo._history._simulation.population import Population
from agent_analytics.demo._history._simulation.registers import Registers
from agent_analytics.demo._history._simulation.simulate import simulate
from agent_analytics.demo._history.build import Writer
from agent_analytics.demo._history.clock import make_clock
from agent_analytics.instrumentation.vocabulary import OUTCOMES
from agent_analytics.processor import catalogue
from agent_analytics.processor.sketches import EPOCH_SECONDS

END = 1_795_523_456
PROFILE = Profile(
    "northwind", "invoice-reader", ("apps-2",), conversational=True, streaming=True, evaluated=True
)
INVOCATIONS = catalogue.INVOCATIONS.name
#: Values by Unix time, by name and labels.
Samples = dict[tuple[str, frozenset[tuple[str, str]]], dict[int, float]]

_LINE = re.compile(r"([a-z_:]+)\{([^}]*)\} (\S+) (\d+)")
_LABEL = re.compile(r'([a-z_]+)="([^"]*)"')


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Return the time of a past of two days; the process restarts in its middle."""
    return make_clock(end=END, days=2, pace=Pace(dense_days=0.2), moments=(1.0,))


@pytest.fixture(scope="module")
def restart(clock: Clock) -> int:
    """Return when the process restarts."""
    return clock.ago(1.0)


@pytest.fixture(scope="module")
def ledger(clock: Clock, restart: int) -> Ledger:
    """Simulate a listing."""
    population = Population(3, clock, 600)
    return simulate(PROFILE, clock, seed=3, population=population, restarts={"apps-2": (restart,)})


@pytest.fixture(scope="module")
def files(clock: Clock, ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write the listing."""
    text = Text(tmp_path_factory.mktemp("text"), clock.scrapes, {INVOCATIONS: "copied:level"}, 60)
    Writer(clock, text).listing(PROFILE, ledger)
    return list(text.finish())


@pytest.fixture(scope="module")
def samples(files: list[Path]) -> Samples:
    """Read the listing back."""
    found: Samples = {}
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[-1] == "# EOF"
        for line in lines:
            if line.startswith("#"):
                continue
            match = _LINE.fullmatch(line)
            assert match, line
            name, labels, value, time = match.groups()
            series = found.setdefault((name, frozenset(_LABEL.findall(labels))), {})
            assert int(time) not in series
            series[int(time)] = float(value)
    return found


def of(samples: Samples, name: str, **labels: str) -> dict[int, float]:
    """Return the one series that has these labels."""
    found = [
        values
        for (sample, has), values in samples.items()
        if sample == name and frozenset(labels.items()) <= has
    ]
    assert len(found) == 1
    return found[0]


def test_promtool_takes_it(files: list[Path], tmp_path: Path) -> None:
    """Every line is accepted by the program that makes blocks of it."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    for path in files:
        done = subprocess.run(
            [promtool, "tsdb", "create-blocks-from", "openmetrics", path, tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_each_series_is_one_of_the_catalogue(samples: Samples) -> None:
    """Names and labels are those of the catalogue, plus what a scrape adds; edges are floats."""
    known = {name: metric for metric in catalogue.LISTING_METRICS for name in metric.samples}
    for name, labels in samples:
        if name == "copied:level":
            continue
        names = {label for label, _ in labels}
        edge = {"le"} if name.endswith("_bucket") else set[str]()
        assert names == {*known[name].labels, "job", "instance"} | edge
        assert all("." in value or value == "+Inf" for label, value in labels if label == "le")


@pytest.mark.parametrize("outcome", range(4))
def test_counters_are_what_had_happened_by_each_scrape(
    samples: Samples, ledger: Ledger, clock: Clock, restart: int, outcome: int
) -> None:
    """At each scrape a counter equals the events since the process began."""
    values = of(samples, INVOCATIONS, outcome=OUTCOMES[outcome])
    times = ledger.invocations.time
    for began, ended in ((clock.start, restart), (restart, clock.last)):
        scrapes = [scrape for scrape in sorted(values) if began < scrape <= ended]
        for scrape in scrapes[1:]:
            happened = sum(
                began < time <= scrape and ledger.invocations.outcome[index] == outcome
                for index, time in enumerate(times)
            )
            # What the first scrape saw was held, and is shown by the next.
            assert values[scrape] == happened
        assert values[scrapes[0]] == 0


def test_a_block_is_born_at_its_first_event_and_shows_zero(
    samples: Samples, ledger: Ledger, clock: Clock
) -> None:
    """Every counter's first sample is 0, at the first scrape after the listing's first event."""
    born = clock.scrapes[clock.slot(ledger.installs.time[0])]
    assert min(of(samples, INVOCATIONS, outcome="success")) == born
    for (name, _), values in samples.items():
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            assert values[min(values)] == 0


def test_a_process_that_restarts_begins_at_zero_under_the_same_name(
    samples: Samples, restart: int
) -> None:
    """The counter falls after a restart, and its series goes on."""
    values = of(samples, INVOCATIONS, outcome="success")
    after = min(scrape for scrape in values if scrape > restart)
    assert values[restart] > 0
    assert values[after] == 0


def test_histograms_agree_with_the_ledger(samples: Samples, ledger: Ledger, clock: Clock) -> None:
    """Buckets hold what took at most their edge; the sum is exact to the nanosecond."""
    name = catalogue.INVOCATION_DURATION.name
    truth = ledger.truth((clock.ago(1.0), clock.last))
    for edge in catalogue.INVOCATION_SECONDS:
        bucket = of(samples, f"{name}_bucket", outcome="success", le=repr(edge))
        assert bucket[clock.last] == sum(seconds <= edge for seconds in truth.seconds)
    count = of(samples, f"{name}_count", outcome="success")[clock.last]
    assert count == len(truth.seconds)
    total = of(samples, f"{name}_sum", outcome="success")[clock.last]
    assert total == pytest.approx(truth.mean_seconds * count, rel=1e-12)


def test_money_is_exact(samples: Samples, ledger: Ledger, clock: Clock) -> None:
    """Revenue, cost and refunds are the ledger's nano-dollars."""
    truth = ledger.truth((clock.ago(1.0), clock.last))
    for metric, nano in (
        (catalogue.REVENUE, truth.revenue),
        (catalogue.MODEL_COST, truth.cost),
        (catalogue.WASTED_COST, truth.wasted),
        (catalogue.REFUNDS, truth.refunds),
    ):
        assert of(samples, metric.name)[clock.last] == nano / 10**9


def test_registers_hold_the_smallest_hash_of_two_epochs(
    samples: Samples, ledger: Ledger, clock: Clock
) -> None:
    """At the last dense scrapes, registers are those of the tenants since the epoch before."""
    hasher = Registers().tenants
    for scrape in (clock.last, clock.last - 300, clock.last - 1800):
        since = (scrape // EPOCH_SECONDS - 1) * EPOCH_SECONDS
        expected: dict[str, float] = {}
        for tenant in ledger.tenants((since, scrape)):
            register, value = hasher.place(f"tenant-{tenant}")
            expected[str(register)] = min(value, expected.get(str(register), 1.0))
        shown = {
            dict(labels)["register"]: values[scrape]
            for (name, labels), values in samples.items()
            if name == catalogue.SKETCH_REGISTER.name
            and ("kind", catalogue.SKETCH_TENANTS) in labels
            and scrape in values
        }
        assert shown == expected


def test_a_rule_that_copies_is_written_beside(samples: Samples) -> None:
    """The copy has the same values a minute later."""
    original = of(samples, INVOCATIONS, outcome="success")
    copy = of(samples, "copied:level", outcome="success")
    assert copy == {time + 60: value for time, value in original.items()}
