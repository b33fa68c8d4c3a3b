"""A release that is to come: kinds of blocks are added, and some are changed although none should.

It is this checkout with some lines replaced, in processes of its own.
"""

from pathlib import Path

import pytest
from tests.durable.releases import (
    FIRST,
    ROOT,
    Release,
    Series,
    beside,
    expected,
    fixture,
    in_progress,
    of,
    once,
    patched,
    unpack,
)

from agent_analytics.processor import catalogue
from agent_analytics.processor._series import schema

LATER = ("marketplace_agent_later_total", (("agent_id", "finder"), ("publisher_id", "acme")))
NAMED = ("marketplace_agent_named_total", (*LATER[1], ("tool", "search")))

_METRICS = (
    "INVOCATION_ERRORS: Final = Metric(",
    (
        f'LATER: Final = Metric("{LATER[0]}", "counter", "Later.")\n'
        f'NAMED: Final = Metric("{NAMED[0]}", "counter", "Named.", _listing("tool"))\n'
        "INVOCATION_ERRORS: Final = Metric("
    ),
)
_LISTED = ("LISTING_METRICS: Final = (\n", "LISTING_METRICS: Final = (\n    LATER,\n    NAMED,\n")
#: A counter of a listing, and one of what has a name in it: each of a kind of its own.
ADDED = {
    catalogue: [_METRICS, _LISTED],
    schema: [
        (
            "LISTINGS: Final = BlockKind(LISTING,",
            (
                'LATER = Schema("later", 1, (Series(catalogue.LATER, (), "cell", 0),))\n'
                'NAMED = Schema("named", 1, (Series(catalogue.NAMED, (), "cell", 0),))\n'
                "LATERS: Final = BlockKind(LATER, with_listing=True)\n"
                'NAMEDS: Final = BlockKind(NAMED, "tools_per_listing", "named")\n'
                "LISTINGS: Final = BlockKind(LISTING,"
            ),
        ),
        ("    RELEASES,\n)", "    RELEASES,\n    LATERS,\n    NAMEDS,\n)"),
    ],
}
#: A cell in front of others of a listing, other edges, and a kind that has another's name.
CHANGED = {
    catalogue: [
        _METRICS,
        _LISTED,
        (
            "TOOL_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5,",
            "TOOL_SECONDS: Final = (0.01, 0.02, 0.1, 0.2, 0.25, 0.5,",
        ),
        (
            "    0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0,",
            "    0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 12.0, 15.0,",
        ),
    ],
    schema: [
        (
            "_SINGLES: Final = len(OUTCOMES) * OUTCOME_CELLS\n",
            "_SINGLES: Final = len(OUTCOMES) * OUTCOME_CELLS + 1\n",
        ),
        (
            "        Series(catalogue.INSTALLS, (),",
            (
                '        Series(catalogue.LATER, (), "cell", _SINGLES - 1),\n'
                "        Series(catalogue.INSTALLS, (),"
            ),
        ),
        ('Schema("error_type", 1,', 'Schema("mistake", 1,'),
    ],
}


def edges(shown: Series) -> set[tuple[str, str]]:
    """Return the buckets that there are, by metric and edge."""
    found = {(name, dict(labels).get("le", "")) for name, labels in shown}
    return {(name, edge) for name, edge in found if edge}


def without(shown: Series, gone: set[tuple[str, str]]) -> Series:
    """Return what is shown but for some buckets."""
    return {key: n for key, n in shown.items() if (key[0], dict(key[1]).get("le", "")) not in gone}


@pytest.mark.slow
def test_a_kind_is_added(tmp_path: Path) -> None:
    """Old totals go on in old blocks for both releases; the new ones wait for the newer release."""
    later = patched(tmp_path / "later", ADDED)
    now = once(tmp_path / "now", "count", "x")
    then = once(tmp_path / "then", "count", "x", packages=later)
    assert (then.pop(LATER), then.pop(NAMED)) == (1, 1)
    assert of(now, then) == now
    state = tmp_path / "state"
    beside(state, ROOT, later, now, then)
    shown = once(state, "show", packages=later)
    assert (shown[LATER], shown[NAMED]) == (2, 2)


@pytest.mark.slow
def test_a_kind_is_added_to_the_first_release(tmp_path: Path) -> None:
    """The same beside the first release, which says that it does not know what the kind is."""
    later, first = patched(tmp_path / "later", ADDED), unpack(FIRST, tmp_path / "first")
    then = once(tmp_path / "then", "count", "x", packages=later)
    beside(
        tmp_path / "state", first, later, once(tmp_path / "old", "count", "x", packages=first), then
    )
    assert once(tmp_path / "state", "show", packages=later)[LATER] == 2


def test_a_kind_is_changed(tmp_path: Path) -> None:
    """Totals go on by metric, forward, beside each other and back; unknown are only new edges."""
    later = patched(tmp_path / "later", CHANGED)
    state, before = fixture(FIRST, tmp_path)
    now, then = (
        once(tmp_path / "now", "count", "x"),
        once(tmp_path / "then", "count", "x", packages=later),
    )
    new = edges(then) - edges(now)
    gone = edges(now) - edges(then)
    assert new
    assert gone
    known = without(now, gone)
    with Release(state, later) as worker:
        shown = worker("show")
        assert of(shown, without(before, gone)) == without(before, gone)
        with Release(state) as beside_it:
            beside_it("count", "third")
            worker("count", "fourth")
            both = expected((before, 1), (now, 1), (then, 1))
            both = {key: value for key, value in both.items() if key in known}
            for shown in (worker("show"), beside_it("show")):
                assert of(both, shown) == pytest.approx(both)
            worker("open")
    with Release(state) as back:
        shown = back("show")
        assert of(both, shown) == pytest.approx(both)
        assert in_progress(shown) == 0
        back("count", "fifth")
    again = expected((both, 1), (now, 1))
    again = {key: value for key, value in again.items() if key in both}
    shown = once(state, "show", packages=later)
    assert of(again, shown) == pytest.approx(again)
    assert shown[LATER] == 0
