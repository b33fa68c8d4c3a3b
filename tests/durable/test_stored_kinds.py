"""What is stored stays readable: no kind of block changes under the series that are in it."""

from agent_analytics.processor._durable import _names

#: Kinds of blocks of a state directory that 0.x has written, each with its fingerprint.
STORED = {
    "listing": 2609001024,
    "error_type": 124298759,
    "first_chunk": 223415628,
    "model": 3335667005,
    "usage": 727277674,
    "cached": 3910384335,
    "reasoning": 3817101252,
    "tool": 923492978,
    "rating": 3587993066,
    "evaluation": 4254082590,
    "health": 1048756259,
    "version": 1,
    "event_ids": 1,
    "tenants": 1024,
    "conversations": 1024,
}


def test_no_stored_kind_changes() -> None:
    """Figures that are new are in blocks of their own: every total that is stored goes on."""
    now = {name: _names.FINGERPRINTS[name] for name in STORED}
    assert now == STORED
