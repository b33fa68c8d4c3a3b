"""One exposition shows all workers of a state directory: its limits hold for all of them."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests import forked
from tests.durable.conftest import Worker

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits

HERE: Final = Path(__file__).parent
LIMITS: Final = Limits(max_samples=8_000, max_exposition_bytes=1_500_000)
REFUSED: Final = "agent_analytics_refused_series_total"
Start = Callable[..., Worker]


def size(worker: Worker) -> tuple[int, int]:
    """Return the samples and the bytes of a scrape."""
    body = exposition(worker.processor)[0]
    return sum(not line.startswith(b"#") for line in body.splitlines()), len(body)


def assert_within(worker: Worker, limits: Limits = LIMITS) -> None:
    """See that a scrape keeps the limits."""
    samples, length = size(worker)
    assert samples <= limits.max_samples
    assert length <= limits.max_exposition_bytes


def test_workers_share_one_exposition(worker: Start) -> None:
    """Workers that meet different names come to no more than one, and lose nothing."""
    workers = [worker(limits=LIMITS) for _ in range(4)]
    for number in range(200):
        workers[number % 4].invoke(f"agent-{number}")
    for each in workers:
        assert_within(each)
        assert each.invocations() == 200
        assert each.value(REFUSED, cause="listing") == workers[0].value(REFUSED, cause="listing")
    workers[0].invoke("mine", **{v.PUBLISHER_ID.replace(".", "_"): "honest"})
    assert workers[3].value("invocations_total", publisher_id="honest", agent_id="mine") == 1
    assert_within(workers[3])


def test_what_several_workers_have_takes_room_once(worker: Start) -> None:
    """A name that another worker has brought costs nothing, not even where all is full."""
    one, other = worker(limits=LIMITS), worker(limits=LIMITS)
    for number in range(100):
        one.invoke(f"agent-{number}")
    named = {labels for (name, labels) in one.series() if name == "marketplace_agent_info"}
    for number in range(100):
        other.invoke(f"agent-{number}")
    series = other.series()
    assert {labels for (name, labels) in series if name == "marketplace_agent_info"} == named
    counts = [
        value for (name, _), value in series.items() if name == "marketplace_agent_installs_total"
    ]
    assert other.invocations() == 200
    assert 10 < len(counts) < 100
    assert other.value("invocations_total", agent_id="agent-0") == 2


def test_what_was_admitted_stays_over_restarts(worker: Start) -> None:
    """A worker that starts on a full directory goes on with every series, and adds none."""
    one = worker(limits=LIMITS)
    for number in range(100):
        one.invoke(f"agent-{number}")
    before = one.series()
    del one
    again = worker(limits=LIMITS)
    for number in range(100):
        again.invoke(f"agent-{number}")
    now = again.series()
    assert now.keys() == before.keys()
    assert again.invocations() == 200
    assert all(
        now[key] >= old
        for key, old in before.items()
        if key[0].startswith("marketplace") and key[0].endswith("total")
    )


def test_a_directory_from_before(worker: Start, tmp_path: Path) -> None:
    """What was exposed before there were limits stays and goes on; only new names have no room."""
    one = worker(limits=Limits())
    for number in range(100):
        one.invoke(f"agent-{number}")
    before = one.series()
    del one
    (tmp_path / "state" / "shares").unlink()
    small = worker(limits=LIMITS)
    for number in range(100):
        small.invoke(f"agent-{number}")
    small.invoke("late")
    small.invoke("other", **{v.PUBLISHER_ID.replace(".", "_"): "honest"})
    assert before.keys() <= small.series().keys()
    assert small.value("invocations_total", agent_id="agent-99") == 2
    assert small.value("invocations_total", agent_id="late") is None
    assert small.value("invocations_total", publisher_id="acme", agent_id="_other") == 1
    assert small.invocations() == 202
    filled = small.value("agent_analytics_exposition_filled_ratio", of="samples")
    assert filled is not None
    assert filled > 1


def test_series_of_a_worker_of_an_earlier_version(worker: Start, tmp_path: Path) -> None:
    """What a worker brings that knows nothing of shares is reckoned with at the next scrape."""
    one = worker(limits=LIMITS)
    one.invoke("mine")
    aside = tmp_path / "aside"
    earlier = worker(aside, limits=Limits())
    for number in range(40):
        earlier.invoke(f"agent-{number}")
    del earlier
    (aside / "slot-0000").rename(tmp_path / "state" / "slot-0007")
    assert one.invocations() == 41
    one.invoke("late")
    assert one.value("invocations_total", agent_id="late") is None
    assert one.invocations() == 42


@pytest.mark.parametrize("damage", ["garbage", "header", "cells"])
def test_a_damaged_file_of_shares(worker: Start, tmp_path: Path, damage: str) -> None:
    """Where nobody can read what was admitted, counting goes on, each worker within limits."""
    one = worker(limits=LIMITS)
    for number in range(10):
        one.invoke(f"agent-{number}")
    del one
    path = tmp_path / "state" / "shares"
    data = bytearray(path.read_bytes())
    if damage == "garbage":
        data = bytearray(random.Random(3).randbytes(len(data)))
    elif damage == "header":
        data[:8] = b"NONE\0\0\0\0"
    else:
        data[4096:] = random.Random(3).randbytes(len(data) - 4096)
    path.write_bytes(data)
    again = worker(limits=LIMITS)
    for number in range(100):
        again.invoke(f"agent-{number}")
    assert again.invocations() == 110
    assert_within(again)


FLOOD: Final = """
import sys
sys.path.insert(0, sys.argv[2])
from conftest import Worker
from agent_analytics.processor import Limits
one = Worker(sys.argv[1], limits=Limits(max_samples=8_000, max_exposition_bytes=1_500_000))
print("ready", flush=True)
sys.stdin.readline()
for number in range(60):
    one.invoke(f"agent-{sys.argv[3]}-{number}")
one.processor.shutdown()
"""


def test_processes_that_flood_at_the_same_time(worker: Start, tmp_path: Path) -> None:
    """Processes that bring names all at once keep the limits together."""
    processes = [
        forked.start(
            [sys.executable, "-c", FLOOD, str(tmp_path / "state"), str(HERE), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for number in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    after = worker(limits=LIMITS)
    assert after.invocations() == 180
    assert_within(after)
    after.invoke("mine", **{v.PUBLISHER_ID.replace(".", "_"): "honest"})
    assert after.value("invocations_total", publisher_id="honest", agent_id="mine") == 1
