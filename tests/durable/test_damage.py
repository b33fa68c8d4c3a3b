"""Files and directories that are not as they should be: said once, and counting goes on."""

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import forked

from agent_analytics.processor import Limits
from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import names

Start = Callable[..., Any]
HERE = Path(__file__).parent


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state directory in which a worker that is gone has counted five invocations."""
    path = tmp_path / "state"
    code = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from conftest import Worker\n"
        "one = Worker(sys.argv[1], service='shop')\n"
        "for _ in range(5): one.invoke()\n"
    )
    forked.run([sys.executable, "-c", code, str(path), str(HERE)], check=True)
    return path


def messages(caplog: pytest.LogCaptureFixture, word: str) -> int:
    """Return how many messages have a word."""
    return sum(word in record.getMessage() for record in caplog.records)


def test_a_torn_record_at_the_end_is_no_damage(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A crash while a series is added costs that series' first event at most, and no word."""
    slot = state / "slot-0000"
    data = bytearray(slot.read_bytes())
    end = len(data.rstrip(b"\0"))
    start = -(-end // 4096) * 4096
    data[start : start + 20] = b"\xa9blk" + bytes(range(16))
    slot.write_bytes(data)
    one = worker(state)
    one.invoke("other", marketplace_tenant_id="t")
    assert one.invocations() == 6
    assert not caplog.records


@pytest.mark.parametrize("content", [b"#!/bin/sh\n" * 1000, b"x", os.urandom(300_000)])
def test_a_foreign_file_is_left_alone(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """A file that is none of ours stays as it is, and another slot is taken."""
    (state / "slot-0001").write_bytes(content)
    one, two = worker(state), worker(state)
    one.invoke()
    two.invoke()
    assert one.invocations() == two.invocations() == 7
    assert (state / "slot-0001").read_bytes() == content
    assert messages(caplog, "slot-0001") == 2, "once in each of the two"


def test_a_file_of_a_later_version_is_left_alone(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A downgrade counts on in another slot, and loses nothing of the later version's."""
    slot = state / "slot-0000"
    data = bytearray(slot.read_bytes())
    header = form.unpack_header(bytes(data))
    assert header is not None
    packed = form.pack_header(header._replace(version=form.VERSION + 1))
    data[: len(packed)] = packed
    slot.write_bytes(data)
    one = worker(state)
    one.invoke()
    assert one.invocations() == 1
    assert slot.read_bytes() == bytes(data)
    assert messages(caplog, "later version") == 1


def test_a_directory_of_a_later_version_is_not_used(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Counting goes on in memory."""
    (state / "service.json").write_text(json.dumps({"format": 2, "service": "shop"}))
    one = worker(state)
    one.invoke()
    assert one.invocations() == 1
    assert one.processor.state_dir is None
    assert messages(caplog, "later version") == 1


@pytest.mark.parametrize("size", [0, 1, 5_000, 4096, 100_000])
def test_a_truncated_file(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture, size: int
) -> None:
    """What is left is used, what is gone is said, and counting goes on."""
    os.truncate(state / "slot-0000", size)
    one = worker(state)
    one.invoke()
    shown = one.invocations()
    assert shown in {1, 6}
    assert shown == 6 or size == 0 or messages(caplog, "slot-0000") >= 1


def test_a_directory_of_another_service_is_refused(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two services in one directory would be added up: the second counts in memory."""
    one = worker(state, service="library")
    one.invoke()
    assert one.invocations() == 1
    assert messages(caplog, "belongs to service 'shop'") == 1
    assert worker(state, service="shop").invocations() == 5


def test_a_path_that_is_a_file(
    worker: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Counting goes on in memory."""
    path = tmp_path / "file"
    path.write_text("")
    one = worker(path)
    one.invoke()
    assert one.invocations() == 1
    assert messages(caplog, "cannot be written to") == 1


READ_ONLY = """
import os, sys
sys.path.insert(0, sys.argv[2])
from conftest import Worker
import logging; logging.basicConfig()
warm = Worker(None)  # imports all there is to import while everything may be read
warm.invoke(); warm.invocations()
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
one = Worker(sys.argv[1], service="shop")
one.invoke()
print(one.invocations())
"""


def test_a_read_only_directory(state: Path, tmp_path: Path) -> None:
    """A worker without the right to write counts in memory, and says so."""
    for each in (state, *state.iterdir()):
        each.chmod(0o555 if each.is_dir() else 0o444)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    done = forked.run(
        [sys.executable, "-c", READ_ONLY, str(state), str(HERE)],
        capture_output=True,
        check=True,
    )
    assert float(done.stdout) == 1, done.stderr
    assert done.stderr.count("cannot be written to") == 1


FULL = """
import logging, resource, sys
sys.path.insert(0, sys.argv[2])
from conftest import Worker
logging.basicConfig()
one = Worker(sys.argv[1], service="shop")
one.invoke()
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for number in range(800):
    one.invoke(f"agent-{number}")
one.invoke()
print(one.invocations())
"""


@pytest.mark.parametrize("limit", [1 << 18, 1 << 19])
def test_a_full_disk(worker: Start, state: Path, limit: int) -> None:
    """Series that find no room are counted in memory; those that are stored stay exact.

    The limit on the size of files is the kernel's, as a full disk is.
    """
    done = forked.run(
        [sys.executable, "-c", FULL, str(state), str(HERE), str(limit)],
        capture_output=True,
        check=True,
    )
    assert float(done.stdout) == 807, done.stderr
    assert done.stderr.count("no room") == 1
    after = worker(state, limits=Limits(publisher_share=1.0))
    assert after.value("invocations_total", agent_id="finder") == 7
    assert 7 < after.invocations() < 807
    after.invoke("late")
    assert after.value("invocations_total", agent_id="late") == 1


def test_a_full_disk_before_the_first_series(tmp_path: Path) -> None:
    """A worker that gets no slot counts in memory."""
    code = FULL.replace("one.invoke()\nlimit", "limit")
    done = forked.run(
        [sys.executable, "-c", code, str(tmp_path / "state"), str(HERE), "8192"],
        capture_output=True,
        check=True,
    )
    assert float(done.stdout) == 801, done.stderr
    assert done.stderr.count("no slot can be taken") == 1


def test_a_kind_that_has_changed_goes_on(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that measures a listing otherwise shows of the old cells what it has, too."""
    monkeypatch.setitem(names.FINGERPRINTS, "listing", 1)
    one = worker(state)
    one.invoke()
    assert one.invocations() == 6
    assert not messages(caplog, "knows nothing of")


def test_a_kind_that_nothing_is_known_of(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks whose cells nobody describes are kept and not shown, which is said once."""
    with monkeypatch.context() as patch:
        patch.setitem(names.FINGERPRINTS, "listing", 1)
        worker(state).invoke()
    one = worker(state)
    one.invoke()
    assert [one.invocations(), one.invocations()] == [6, 6]
    assert messages(caplog, "knows nothing of") == 1


def test_a_slot_that_is_taken_away(
    worker: Start, state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever deletes a file in use is told what that means."""
    one = worker(state)
    one.invoke()
    assert one.invocations() == 6
    (state / "slot-0000").unlink()
    one.invoke()
    assert one.invocations() == 7
    assert messages(caplog, "taken away") == 1


def test_limits_of_this_machine_allow_the_test_of_a_full_disk() -> None:
    """The limit that stands for a full disk can be set here."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] != 0
