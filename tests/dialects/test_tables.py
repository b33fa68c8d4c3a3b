"""The tables of the dialects are read as they stand: no attribute means two things."""

from collections import Counter

from agent_analytics.processor._dialects import _reader
from agent_analytics.processor._dialects._tokens import COUNTS

FIELDS = _reader._FIELDS  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # read by the reader alone


def test_each_attribute_has_one_meaning() -> None:
    """An attribute that stood in two fields would be read into one of them only."""
    meanings = Counter(
        key
        for field in FIELDS
        for key in {key for dialect in _reader.DIALECTS for key in getattr(dialect, field)}
    )
    meanings.update(key for count in COUNTS for key in (*count.attributes, *count.own))
    assert [key for key, count in meanings.items() if count > 1] == []


def test_every_field_of_a_dialect_is_read() -> None:
    """A field that holds attributes and is read nowhere would be a table for nobody."""
    elsewhere = {
        "name", "scopes", "kind_keys", "kinds", "names", "suffixes", "prefixes", "no_calls",
        "unmarked", "failures", "first_chunk_ms", "first_chunk_events", "states_success",
        "what", "more", "events_fail",
    }  # fmt: skip
    assert set(_reader.Dialect.__dataclass_fields__) == {*FIELDS, *elsewhere}
