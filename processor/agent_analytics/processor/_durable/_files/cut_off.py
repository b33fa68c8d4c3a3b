"""What is put back where a stretch of a file was cut off under its writer.

What was cut off reads as zeros where the file was made longer again, and what was counted since
then stands on these. What came before is known from the last time that the file was looked at.
"""

from collections.abc import Sequence

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files import names
from agent_analytics.processor._durable._files.format import Entry
from agent_analytics.processor._series.health import LAST_SPAN


def salvaged(
    found: bytes, kept: bytes | bytearray, size: int, blocks: Sequence[Entry], header: bytes
) -> bytearray:
    """Return the content of a segment: what is there still, and for the rest what was kept.

    Args:
        found: What the file has of the segment; empty where that is not to be used.
        kept: What it was when it was whole, or as far as that is known.
        size: Of the segment, in bytes.
        blocks: The records that are known to be in it.
        header: What it begins with, if it is the first of the file.
    """
    whole = bytearray(kept[:size]) + bytes(max(0, size - len(kept)))
    if header and not whole.startswith(form.MAGIC):
        whole[: len(header)] = header
    if not found:
        return whole
    content = bytearray(found) + bytes(size - len(found))
    if header and not content.startswith(form.MAGIC):
        content[: form.PAGE] = whole[: form.PAGE]
    for entry in blocks:
        start, end = entry.start, entry.end
        if not content.startswith(form.ENTRY_MAGIC, start):
            since = bytes(content[start:end])
            content[start:end] = whole[start:end]
            if entry.schema in names.ADDED:
                _add(content, since, entry)
        elif len(found) < end:
            cut = max(start, len(found) & ~7)
            content[cut:end] = whole[cut:end]
    return content


def _add(content: bytearray, since: bytes, entry: Entry) -> None:
    """Add what a block's cells have counted since they were zeros."""
    first = entry.run + form.STATE_CELLS - entry.start // 8
    time = first + LAST_SPAN if entry.schema == names.HEALTH else -1
    with memoryview(content) as view, view.cast("q") as cells, memoryview(since) as seen:
        counted = seen.cast("q")
        for index in range(first, first + entry.size):
            if index == time:
                cells[entry.start // 8 + index] = max(
                    cells[entry.start // 8 + index], counted[index]
                )
            elif counted[index]:
                cells[entry.start // 8 + index] += counted[index]
        counted.release()
