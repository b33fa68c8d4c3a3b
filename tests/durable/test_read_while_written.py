"""A reader that comes while blocks are written finds each of them, then or at its next turn."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent_analytics.processor._durable._files import file
from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files.file import BlockFile
from agent_analytics.processor._durable._files.mapped import Stored

Start = Callable[..., Any]
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
INVOCATION = {
    "gen_ai.operation.name": "invoke_agent",
    "marketplace.publisher.id": "acme",
    "marketplace.agent.id": "finder",
}


class Torn:
    """A file of three blocks, the second of which its writer has not finished, and a reader."""

    def __init__(self, path: Path) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        self.writer = BlockFile.create(path, self.descriptor, bytes(16), bytes(8))
        _, second, _ = (self.writer.append("s", (label,), 4, 1, 0) for label in "abc")
        self.memory = self.writer.segments[0].memory
        self.start = second.entry.start
        self.magic = self.memory[self.start : self.start + 4]
        self.memory[self.start : self.start + 4] = bytes(4)
        reader = BlockFile.open(path, self.descriptor)
        assert reader is not None
        self.reader = reader

    def finish(self) -> None:
        """Let the writer go on."""
        self.memory[self.start : self.start + 4] = self.magic

    @staticmethod
    def labels(found: list[Stored]) -> list[str]:
        """Return the labels of blocks."""
        return [stored.entry.labels[0] for stored in found]


@pytest.fixture
def torn(tmp_path: Path) -> Iterator[Torn]:
    """Return a file with a block that is being written."""
    one = Torn(tmp_path / "slot-0000")
    yield one
    os.close(one.descriptor)


def test_a_block_that_was_being_written_is_found_at_the_next_turn(torn: Torn) -> None:
    """No other block has to be written for that."""
    assert torn.labels(torn.reader.scan()) == ["a", "c"]
    assert torn.reader.sync() == []
    torn.finish()
    assert torn.labels(torn.reader.sync()) == ["b"]


def test_a_block_that_is_never_finished_is_given_up(
    torn: Torn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill has torn is not looked for at every scrape: later blocks are found without it."""
    monkeypatch.setattr(file, "_PATIENCE_SECONDS", 0.0)
    assert torn.labels(torn.reader.scan()) == ["a", "c"]
    torn.finish()
    assert torn.reader.sync() == []
    torn.writer.append("s", ("d",), 4, 1, 0)
    assert torn.labels(torn.reader.sync()) == ["d"]


def test_a_block_that_is_finished_while_it_is_looked_at(
    torn: Torn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer may finish it, and the next one, between two looks."""
    look = form.next_candidate

    def slowly(*where: Any) -> int:  # noqa: ANN401 - as the function
        following = look(*where)
        torn.finish()
        return following

    monkeypatch.setattr(form, "next_candidate", slowly)
    assert torn.labels(torn.reader.scan()) == ["a", "b", "c"]


def test_scrapes_while_children_begin(worker: Start) -> None:
    """What is shown while children make their first series lacks none of them in the end."""
    one = worker()
    for turn in range(1, 6):
        with one.tracer.start_as_current_span("s", attributes=INVOCATION):
            pids: list[int] = []
            for _ in range(6):
                pid = os.fork()
                if pid == 0:
                    one.tracer.start_span("t", attributes=TOOL).end()
                    one.event("install")
                    os._exit(0)
                pids.append(pid)
            for pid in pids:
                one.series()
                os.waitpid(pid, 0)
        assert one.value("tool_calls_total", agent_id="finder", tool="search") == 6 * turn
