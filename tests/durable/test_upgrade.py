"""A state directory outlives an upgrade: what release c2f417d counted goes on where it stands."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.processor import catalogue
from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files.file import BlockFile
from agent_analytics.processor._durable._files.names import FURTHER_HEALTH, LAYOUT
from agent_analytics.processor._series.schema import RELEASE
from agent_analytics.processor.machine import boot

STORED = Path(__file__).parent / "revision_1"
OLD = "c2f417d"
ROOT = Path(__file__).parents[2]
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
Block = tuple[str, str, int, tuple[str, ...]]

LISTING = (("agent_id", "finder"), ("publisher_id", "acme"))
SUCCESSES = (
    "marketplace_agent_invocations_total",
    tuple(sorted([*LISTING, ("outcome", "success")])),
)

#: The gauge of the moment, and the time of the last span.
MOVING = {catalogue.OPEN_SPANS.name, catalogue.LAST_SPAN.name}


@pytest.fixture(params=[boot(), 1], ids=["same boot", "started anew"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of the directory that release c2f417d wrote, before this boot or in it."""
    with tarfile.open(STORED / "state.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    for slot in (tmp_path / "state").glob("slot-*"):
        with slot.open("r+b") as opened:
            file = BlockFile.open(slot, opened.fileno())
            assert file is not None
            file.counters[form.BOOT] = request.param
    return tmp_path / "state"


def parse(text: str) -> Series:
    """Return the samples of a scrape."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name not in MOVING
    }


def traffic(verb: str, state: Path, path: str | None = None) -> Series:
    """Run the traffic in a process of its own, under a release that stands somewhere else."""
    environment = {**os.environ, "PYTHONPATH": path} if path else None
    done = subprocess.run(
        [sys.executable, str(STORED / "traffic.py"), verb, str(state)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return parse(done.stdout)


def blocks(state: Path) -> set[Block]:
    """Return every block of a state directory: its slot, what it is of, and its labels."""
    found: set[Block] = set()
    for slot in sorted(state.glob("slot-*")):
        with slot.open("r+b") as opened:
            file = BlockFile.open(slot, opened.fileno())
            assert file is not None
            for stored in file.scan():
                entry = stored.entry
                found.add((slot.name, entry.schema, entry.fingerprint, entry.labels))
    return found


def shown_before() -> Series:
    """Return what release c2f417d showed of the state directory."""
    return parse((STORED / "metrics.txt").read_text(encoding="utf-8"))


def after_as_much_again(series: Series) -> Series:
    """Return what is there once the traffic was counted again: ids of events are remembered."""
    once = shown_before()
    after = {
        key: value if key[0].endswith(("_info", "_register", "_installs")) else value + once[key]
        for key, value in series.items()
    }
    repeated = 2  # the install with an id of each of the two workers
    for name, labels, more in (
        ("marketplace_agent_installs_total", LISTING, -repeated),
        ("agent_analytics_spans_total", (("kind", "event"),), -repeated),
        ("agent_analytics_spans_total", (("kind", "duplicate"),), repeated),
        ("agent_analytics_duplicate_events_total", (), repeated),
    ):
        after[name, labels] += more
    return after


def of(names: Series, series: Series) -> Series:
    """Return those series that are in others, too."""
    return {key: series[key] for key in names if key in series}


def test_every_total_is_found(state: Path) -> None:
    """This release shows of the directory what c2f417d showed, health and sketches included."""
    before = shown_before()
    assert before[SUCCESSES] == 4
    assert of(before, traffic("show", state)) == before


def test_counting_goes_on_in_the_same_blocks(state: Path) -> None:
    """What is counted is added to what was there; new are only blocks of what is new."""
    stored = blocks(state)
    before = shown_before()
    after = traffic("count", state)
    assert of(before, after) == pytest.approx(after_as_much_again(before))
    now = blocks(state)
    assert stored <= now
    assert {schema for _, schema, _, _ in now - stored} == {FURTHER_HEALTH, LAYOUT, RELEASE.name}


def test_a_rollback_goes_on_too(state: Path, tmp_path: Path) -> None:
    """Release c2f417d shows what this one counted, and counts on."""
    old = release(OLD, tmp_path / "old")
    before = shown_before()
    now = of(before, traffic("count", state))
    assert traffic("show", state, old) == now
    assert traffic("count", state, old) == pytest.approx(after_as_much_again(now))


def release(commit: str, directory: Path) -> str:
    """Unpack the packages of a commit, and return the path that finds them."""
    packages = ("instrumentation", "processor", "exporters")
    archive = subprocess.run(
        ["git", "archive", commit, *packages],  # noqa: S607 - git is wherever it is
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        pytest.skip(f"the history of this checkout has no {commit}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as packed:
        packed.extractall(directory, filter="data")
    return os.pathsep.join(str(directory / name) for name in packages)
