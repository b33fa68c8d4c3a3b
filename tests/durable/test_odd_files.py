"""Whatever has the name of a file of a state directory, programs start, count and are served."""

import itertools
import logging
import os
import random
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.durable.disks import fill, mounted, read_only
from tests.durable.odd import NAMES, ODD
from tests.durable.test_target import installs
from tests.patience import patience
from tests.ports import free_port

from agent_analytics.exporters import configure
from agent_analytics.instrumentation import record_install
from agent_analytics.processor import inspect_state, service_of


@contextmanager
def in_time() -> Generator[None]:
    """Fail where something waits for ever, as the reading of a pipe does."""
    timer = threading.Timer(patience(30), lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def counted(state: Path) -> float | None:
    """Run a program that is configured with a state directory and counts one; what is served."""
    port = free_port()
    with in_time(), configure("shop", port, state_dir=str(state), hold_seconds=0):
        record_install(publisher_id="acme", agent_id="finder", tenant_id="t", event_id="e")
        record_install(publisher_id="acme", agent_id="finder", tenant_id="t", event_id="e")
        service_of(state)
        with in_time():
            inspect_state(state)
        return installs(port)


@pytest.mark.parametrize(("name", "kind"), list(itertools.product(NAMES, ODD)))
def test_each_odd_thing_as_each_file(tmp_path: Path, name: str, kind: str) -> None:
    """One event is counted and served, twice, and what is odd and not ours stays as it is."""
    state = tmp_path / "state"
    state.mkdir()
    ODD[kind](state / name)
    before = os.lstat(state / name)
    assert counted(state) == 1
    assert counted(state) in {1, 2}, "the second start may count on"
    assert not (tmp_path / f"nowhere-{name}").exists()
    elsewhere = tmp_path / f"elsewhere-{name}"
    assert not elsewhere.exists() or elsewhere.read_text() == "precious"
    if kind == "directory":
        assert (state / name / "kept").read_text() == "kept"
        assert os.lstat(state / name).st_mode == before.st_mode


#: Names that Python reads as numbers, or as the number of another slot, and names that are no text.
NEARLY = (
    "slot-²",
    "slot-①",
    "slot-\u0660",
    "slot-00000",
    "slot-0",
    "slot-000²",
    "slot-",
    "slot-\udcff",
)


@pytest.mark.parametrize("name", NEARLY)
@pytest.mark.parametrize("copied", [False, True])
def test_names_that_are_nearly_a_slots(tmp_path: Path, name: str, *, copied: bool) -> None:
    """A backup beside a slot, or any file of such a name, is no slot, counts nothing, and stays."""
    state = tmp_path / "state"
    assert counted(state) == 1
    (state / name).write_bytes((state / "slot-0000").read_bytes() if copied else b"precious")
    before = (state / name).read_bytes()
    assert counted(state) == 1, "the event was counted before"
    assert (state / name).read_bytes() == before


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    odd=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(sorted(ODD)), min_size=2),
    order=st.randoms(use_true_random=False),
)
def test_several_odd_things_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, odd: dict[str, str], order: random.Random
) -> None:
    """Several at once, and more of them while a program is counting."""
    state = tmp_path_factory.mktemp("odd") / "state"
    state.mkdir()
    names = sorted(odd)
    order.shuffle(names)
    first, later = names[: len(names) // 2], names[len(names) // 2 :]
    for name in first:
        ODD[odd[name]](state / name)
    port = free_port()
    with in_time(), configure("shop", port, state_dir=str(state), hold_seconds=0):
        record_install(publisher_id="acme", agent_id="finder", tenant_id="t")
        for name in later:
            if not os.path.lexists(state / name):
                ODD[odd[name]](state / name)
        record_install(publisher_id="acme", agent_id="finder", tenant_id="t", event_id="e")
        assert installs(port) == 2
    assert counted(state)


@pytest.mark.parametrize("kind", sorted({*ODD} - {"directory"}))
def test_the_directory_itself(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where the directory should be is something else: counted in memory, which is said."""
    state = tmp_path / "folder" / "state"
    state.parent.mkdir()
    ODD[kind](state)
    assert counted_in_memory(state) == 1
    assert [r for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
@pytest.mark.parametrize("order", ["full", "made, full", "made, full, read-only"])
def test_a_disk_without_room(tmp_path: Path, kind: str, order: str) -> None:
    """A program starts, counts and is served on a full disk, and where nothing can be written."""
    with mounted(kind, tmp_path, 2048) as disk:
        state = disk / "state"
        if order.startswith("made"):
            assert counted_in_memory(state) == 1
        fill(disk)
        for each in state.glob("service*"):
            each.unlink()  # it cannot be written again
        assert counted_in_memory(state) in {1, 2}
        if order.endswith("read-only"):
            with read_only(disk, tmp_path) as other:
                assert counted_in_memory(other / "state") == 1
                assert counted_in_memory(other / "new") == 1


def counted_in_memory(state: Path) -> float | None:
    """Do what ``counted`` does where there is no state directory to look into."""
    port = free_port()
    with in_time(), configure("shop", port, state_dir=str(state), hold_seconds=0):
        record_install(publisher_id="acme", agent_id="finder", tenant_id="t")
        return installs(port)
