"""The tables of the dialects are read as they stand: no attribute means two things."""

from collections import Counter
from pathlib import Path

import agent_analytics.processor
from agent_analytics.processor._dialects import reader, shape
from agent_analytics.processor._dialects._shared.tokens import COUNTS

PROCESSOR = Path(agent_analytics.processor.__file__).parent
FIELDS = shape.FIELDS


def test_each_attribute_has_one_meaning() -> None:
    """An attribute that stood in two fields would be read into one of them only."""
    meanings = Counter(
        key
        for field in FIELDS
        for key in {key for dialect in reader.DIALECTS for key in getattr(dialect, field)}
    )
    meanings.update(key for count in COUNTS for key in (*count.attributes, *count.own))
    assert [key for key, count in meanings.items() if count > 1] == []


def _sources() -> dict[str, str]:
    """Return the text of each module of the processor that is no file of a dialect."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in PROCESSOR.rglob("*.py")}
    return {name: text for name, text in texts.items() if ": Final = Dialect(" not in text}


def test_every_field_of_a_dialect_is_read() -> None:
    """A field that is read nowhere would be a table for nobody."""
    text = "".join(_sources().values())
    fields = set(reader.Dialect.__dataclass_fields__) - {"name"}
    read = {field for field in fields if f'"{field}"' in text or f"dialect.{field}" in text}
    assert fields - read == set()


def test_words_of_a_dialect_stand_in_its_file() -> None:
    """What says that a vendor's instrumentation is at work is written in its dialect alone."""
    vendors = [dialect for dialect in reader.DIALECTS if dialect.name != "opentelemetry"]
    words = {
        word
        for dialect in vendors
        for word in (*dialect.signs, *dialect.kind_keys, *dialect.metadata, *dialect.entities)
        if not word.startswith(("gen_ai.", "llm."))
    }
    elsewhere = {
        (name.removeprefix("_"), word)
        for name, text in _sources().items()
        for word in words
        if f'"{word}"' in text
    }
    # A span round what a server of MCP runs is known by its kind alone.
    assert elsewhere == {("protocols.py", "traceloop.span.kind")}
