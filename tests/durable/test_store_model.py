"""The store against a dict, whatever happens to its workers."""

# ruff: noqa: SLF001 - a crash has no public interface
# pyright: reportPrivateUsage=false

import fcntl
import os
import shutil
import struct
import tempfile
from collections import defaultdict
from pathlib import Path
from threading import RLock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.effort import examples

from agent_analytics.processor._durable import DurableStore
from agent_analytics.processor._series import schema as _schema

WORKERS = 4
SCHEMAS = st.sampled_from([_schema.LISTING, _schema.TOOL, _schema.ERROR_TYPE, _schema.RATING])
LABELS = st.tuples(st.sampled_from(["acme", "übung", "x" * 190]), st.sampled_from(["a", "b\n"]))
AMOUNTS = st.integers(1, 1 << 50)


class Store(RuleBasedStateMachine):
    """Workers that open blocks and add to them, crash, come back, and fork."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp(prefix="durable-"))
        self.workers: dict[int, DurableStore] = {}
        self.truth: defaultdict[tuple[str, tuple[str, ...], int], int] = defaultdict(int)
        self.most = 0

    def teardown(self) -> None:
        """Take the files away."""
        self.workers.clear()
        shutil.rmtree(self.path)

    def store(self, worker: int) -> DurableStore:
        """Return a worker's store, started if it does not live."""
        found = self.workers.get(worker)
        if found is None:
            found = self.workers[worker] = DurableStore(
                self.path, "shop", b"key", RLock(), lambda: 1_700_000_000.0
            )
            self.most = max(self.most, len(self.workers))
        return found

    @rule(
        worker=st.integers(0, WORKERS - 1),
        schema=SCHEMAS,
        labels=LABELS,
        cell=st.integers(0, 6),
        amount=AMOUNTS,
    )
    def add(
        self,
        worker: int,
        schema: _schema.Schema,
        labels: tuple[str, str],
        cell: int,
        amount: int,
    ) -> None:
        """A worker counts."""
        own = labels if schema is _schema.LISTING else (*labels, "value")
        place = cell % schema.size
        block = self.store(worker).open_block(schema, own, 0.0)
        block.cells[place] += amount
        self.truth[schema.name, own, place] += amount

    @rule(worker=st.integers(0, WORKERS - 1), many=st.integers(200, 900))
    def grow(self, worker: int, many: int) -> None:
        """A worker meets so many error types that its file grows."""
        store = self.store(worker)
        for number in range(many):
            labels = ("acme", "a", f"Error{number}" + "x" * 150)
            store.open_block(_schema.ERROR_TYPE, labels, 0.0).cells[0] += 1
            self.truth[_schema.ERROR_TYPE.name, labels, 0] += 1

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), torn=st.booleans(), junk=st.binary(min_size=1, max_size=200))
    def crash(self, data: st.DataObject, torn: bool, junk: bytes) -> None:  # noqa: FBT001 - a parameter of the test
        """A worker dies, perhaps while it adds a block."""
        worker = data.draw(st.sampled_from(sorted(self.workers)))
        store = self.workers.pop(worker)
        file = store._slot.file
        if torn and file is not None:
            index, position = file._free
            with file.path.open("r+b") as raw:
                raw.seek(sum(len(each.memory) for each in file._segments[:index]) + position)
                raw.write(struct.pack("=4s", b"\xa9blk") + junk)
        # The kernel lets go of a dead process's locks; here the process lives on.
        if store._slot._lock >= 0:
            fcntl.flock(store._slot._lock, fcntl.LOCK_UN)

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        """A worker ends in order."""
        del self.workers[data.draw(st.sampled_from(sorted(self.workers)))]

    @invariant()
    def every_worker_shows_the_sum(self) -> None:
        """Whoever is asked, and if it has just been started, says what the dict says."""
        fresh = DurableStore(self.path, "shop", b"key", RLock(), lambda: 1_700_000_000.0)
        for store in (fresh, *self.workers.values()):
            store.view.refresh()
            found: defaultdict[tuple[str, tuple[str, ...], int], int] = defaultdict(int)
            for members in store.view.listings.values():
                for schema, merged in members:
                    for copy in merged.copies(set(range(WORKERS)), ()):
                        for place, value in enumerate(copy):
                            if value:
                                found[schema.name, merged.labels, place] += value
            assert found == self.truth

    @invariant()
    def there_are_no_more_slots_than_workers(self) -> None:
        """The number of files is that of the workers that lived at once."""
        slots = [name for name in os.listdir(self.path) if name.startswith("slot-")]  # noqa: PTH208 - names are what is asked for
        assert len(slots) <= self.most


TestStore = Store.TestCase
TestStore.settings = settings(
    max_examples=examples(10),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
