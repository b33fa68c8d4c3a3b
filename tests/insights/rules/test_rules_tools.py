"""The rules about failing tools on both sides of every boundary, run by promtool."""

from collections.abc import Callable, Mapping

import pytest

ALERT = "AgentToolFailing"
Check = Callable[..., None]


def calls(tool: str = "search", **values: str) -> dict[str, str]:
    """Return the call counters of a tool by outcome."""
    name = "marketplace_agent_tool_calls_total"
    listing = f'publisher_id="acme", agent_id="finder", tool="{tool}"'
    return {f'{name}{{{listing}, outcome="{key}"}}': text for key, text in values.items()}


def firing(
    share: str, *, traffic: str = "dense", window: str = "5m", tool: str = "search"
) -> tuple[Mapping[str, str], str]:
    """Return the alert that is expected, with the share of failed calls that it tells."""
    return (
        {
            "publisher_id": "acme",
            "agent_id": "finder",
            "tool": tool,
            "audience": "oncall",
            "severity": "warning",
            "category": "reliability",
            "insight": "tool-failures",
            "traffic": traffic,
        },
        (
            f"{share} of the calls of tool {tool} by finder of acme failed in the last {window};"
            " the limit is 10%."
        ),
    )


@pytest.mark.parametrize(
    ("series", "shares"),
    [
        pytest.param(calls(success="0+90x90", error="0+7x90", timeout="0+3x90"), [], id="at 10 %"),
        pytest.param(
            calls(success="0+897x90", error="0+71x90", timeout="0+32x90"),
            ["10.3%"],
            id="just above 10 %",
        ),
        pytest.param(
            calls(success="0+90x90", error="0+10x90", cancelled="0+813x90"),
            [],
            id="cancelled calls are no failures",
        ),
        pytest.param(
            calls(success="0+88x90", error="0+12x90", cancelled="0+813x90"),
            ["12%"],
            id="cancelled calls do not dilute",
        ),
        pytest.param(calls(success="0x90", error="0x90"), [], id="no traffic"),
        pytest.param({"up": "1x90"}, [], id="no data"),
    ],
)
def test_dense_boundary(check_rules: Check, series: dict[str, str], shares: list[str]) -> None:
    """A busy tool alerts when more than 10 % of its judged calls fail, and not at 10 %."""
    check_rules(
        rules="oncall.yml",
        interval="15s",
        series=series,
        expect={("15m", ALERT): [firing(share) for share in shares]},
    )


def test_one_bad_tool_among_good_ones(check_rules: Check) -> None:
    """The tool that fails is named, although all calls of the agent together are fine."""
    series = {
        **calls("search", success="0+9000x90", error="0+9x90"),
        **calls("mail", success="0+77x90", error="0+23x90"),
    }
    check_rules(
        rules="oncall.yml",
        interval="15s",
        series=series,
        expect={("15m", ALERT): [firing("23%", tool="mail")]},
    )


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        pytest.param(17, [], id="below both floors"),
        pytest.param(22, [firing("100%", traffic="sparse", window="1h")], id="above the sparse"),
        pytest.param(28, [firing("100%", traffic="sparse", window="1h")], id="below the dense"),
        pytest.param(34, [firing("100%")], id="above the dense"),
    ],
)
def test_floors(
    check_rules: Check, failed: int, expected: list[tuple[Mapping[str, str], str]]
) -> None:
    """Thirty calls in five minutes are asked over five, twenty in an hour over the hour."""
    check_rules(
        rules="oncall.yml",
        interval="15s",
        # Cancelled calls say nothing about a tool, and do not reach the floor for it.
        series=calls(success="0x90", error=f"0x20 {failed}x70", cancelled="0x20 500x70"),
        expect={("8m", ALERT): expected},
    )


@pytest.mark.parametrize(
    ("series", "shares"),
    [
        pytest.param(calls(success="0+18x90", error="0+2x90"), [], id="at 10 %"),
        pytest.param(calls(success="0+17x90", error="0+3x90"), ["15%"], id="above 10 %"),
        pytest.param(calls(success="0+10x75 770+20x15", error="0+10x75 750x15"), [], id="over"),
    ],
)
def test_sparse_boundary(check_rules: Check, series: dict[str, str], shares: list[str]) -> None:
    """A tool that is called now and then alerts over an hour, while its last quarter is bad."""
    expected = [firing(share, traffic="sparse", window="1h") for share in shares]
    check_rules(
        rules="oncall.yml", interval="5m", series=series, expect={("410m", ALERT): expected}
    )


def test_waits_and_is_kept(check_rules: Check) -> None:
    """The fast question has to be bad for 15 s, the slow one for a minute and is kept longer."""
    for failed, before, after, alert in (
        (34, "1m55s", "2m", firing("100%")),
        (22, "2m40s", "2m45s", firing("100%", traffic="sparse", window="1h")),
    ):
        check_rules(
            rules="oncall.yml",
            interval="5s",
            series=calls(success="0x90", error=f"0x20 {failed}x70"),
            expect={(before, ALERT): [], (after, ALERT): [alert]},
        )
    check_rules(
        rules="oncall.yml",
        interval="5m",
        series=calls(success="0+10x75 770+20x15", error="0+10x75 750x15"),
        expect={},
        count={("395m", ALERT): 1},
    )


def test_stops_after_recovery(check_rules: Check) -> None:
    """The alert ends within the window and the two minutes for which it is kept."""
    series = calls(success="0+80x40 3300+100x50", error="0+20x40 800x50")
    check_rules(
        rules="oncall.yml",
        interval="15s",
        series=series,
        expect={
            ("10m", ALERT): [firing("20%")],
            ("15m30s", ALERT): [],
        },
        count={("14m", ALERT): 1},
    )
