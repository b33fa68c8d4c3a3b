"""What is stored stays readable: no kind of block changes under the series that are in it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._durable._files import names

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
    now = {name: names.FINGERPRINTS[name] for name in STORED}
    assert now == STORED


def test_a_later_cause_is_stored(worker: Callable[..., Any], tmp_path: Path) -> None:
    """A cause that has a block of its own adds up over workers and goes on after a restart."""
    euros = {
        v.OPERATION_NAME: v.CHAT,
        v.PUBLISHER_ID: "acme",
        v.AGENT_ID: "finder",
        v.INPUT_TOKENS: 1,
        "gen_ai.usage.cost.amount": 0.5,
        "gen_ai.usage.cost.currency": "EUR",
    }
    first, second = worker(tmp_path / "state"), worker(tmp_path / "state")
    first.span(euros)
    second.span(euros)
    second.span(euros)
    refused = "agent_analytics_refused_values_total"
    assert first.value(refused, cause="currency") == 3
    later = worker(tmp_path / "state")
    later.span(euros)
    assert later.value(refused, cause="currency") == 4
    assert later.value(refused) == 4
