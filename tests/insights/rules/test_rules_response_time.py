"""The response-time rules on both sides of every boundary, run by promtool."""

from collections.abc import Callable, Mapping

import pytest

ALERT = "AgentResponsesSlow"
NAME = "marketplace_agent_invocation_duration_seconds"
Check = Callable[..., None]


def responses(quick: str, every: str, *, outcome: str = "success") -> dict[str, str]:
    """Return a duration histogram at 10 s, between decoy edges that would answer otherwise."""
    listing = f'publisher_id="acme", agent_id="finder", outcome="{outcome}"'
    return {
        f'{NAME}_bucket{{{listing}, le="7.5"}}': "0+1x90",
        f'{NAME}_bucket{{{listing}, le="10.0"}}': quick,
        f'{NAME}_bucket{{{listing}, le="15.0"}}': every,
        f'{NAME}_bucket{{{listing}, le="+Inf"}}': every,
        f"{NAME}_count{{{listing}}}": every,
        f"{NAME}_sum{{{listing}}}": "0+77777x90",
    }


def firing(share: str, *, traffic: str, window: str) -> tuple[Mapping[str, str], str]:
    """Return the alert that is expected, with the share of slow responses that it tells."""
    return (
        {
            "publisher_id": "acme",
            "agent_id": "finder",
            "audience": "oncall",
            "severity": "warning",
            "category": "performance",
            "insight": "response-time",
            "traffic": traffic,
        },
        (
            f"{share} of the responses of finder of acme took longer than 10 s in the last"
            f" {window}; with more than 5% the p95 response time is above 10 s."
        ),
    )


@pytest.mark.parametrize(
    ("series", "shares"),
    [
        pytest.param(responses("0+95x90", "0+100x90"), [], id="at 5 %"),
        pytest.param(responses("0+949x90", "0+1000x90"), ["5.1%"], id="just above 5 %"),
        pytest.param(responses("0+613x90", "0+1000x90"), ["38.7%"], id="well above 5 %"),
        pytest.param(
            {
                **responses("0+96x90", "0+100x90"),
                **responses("0+0x90", "0+911x90", outcome="error"),
                **responses("0+0x90", "0+613x90", outcome="timeout"),
                **responses("0+0x90", "0+717x90", outcome="cancelled"),
            },
            [],
            id="only responses count",
        ),
        pytest.param(
            {
                **responses("0+94x90", "0+100x90"),
                **responses("0+999x90", "0+999x90", outcome="error"),
            },
            ["6%"],
            id="quick errors do not hide slow responses",
        ),
        pytest.param(responses("0+0x90", "0+0x90"), [], id="no traffic"),
        pytest.param({"up": "1x90"}, [], id="no data"),
    ],
)
def test_dense_boundary(check_rules: Check, series: dict[str, str], shares: list[str]) -> None:
    """A busy agent alerts when more than 5 % of its responses take over 10 s, and not at 5 %."""
    expected = [firing(share, traffic="dense", window="5m") for share in shares]
    check_rules(
        rules="oncall.yml", interval="15s", series=series, expect={("15m", ALERT): expected}
    )


@pytest.mark.parametrize(
    ("slow", "expected"),
    [
        pytest.param(37, [], id="below both floors"),
        pytest.param(44, [firing("100%", traffic="sparse", window="1h")], id="above the sparse"),
        pytest.param(56, [firing("100%", traffic="sparse", window="1h")], id="below the dense"),
        pytest.param(67, [firing("100%", traffic="dense", window="5m")], id="above the dense"),
    ],
)
def test_floors(
    check_rules: Check, slow: int, expected: list[tuple[Mapping[str, str], str]]
) -> None:
    """Sixty responses in five minutes are asked over five, forty in an hour over the hour."""
    check_rules(
        rules="oncall.yml",
        interval="15s",
        series=responses("0x90", f"0x20 {slow}x70"),
        expect={("8m", ALERT): expected},
    )


@pytest.mark.parametrize(
    ("series", "shares"),
    [
        pytest.param(responses("0+38x90", "0+40x90"), [], id="at 5 %"),
        pytest.param(responses("0+37x90", "0+40x90"), ["7.5%"], id="above 5 %"),
        pytest.param(responses("0+30x75 2290+40x15", "0+40x90"), [], id="over by now"),
    ],
)
def test_sparse_boundary(check_rules: Check, series: dict[str, str], shares: list[str]) -> None:
    """A quiet agent alerts over an hour, and only while the last quarter of it is bad."""
    expected = [firing(share, traffic="sparse", window="1h") for share in shares]
    check_rules(
        rules="oncall.yml", interval="5m", series=series, expect={("410m", ALERT): expected}
    )


def test_waits_and_is_kept(check_rules: Check) -> None:
    """The fast question has to be bad for 15 s, the slow one is told for a quarter after."""
    check_rules(
        rules="oncall.yml",
        interval="5s",
        series=responses("0x90", "0x20 67x70"),
        expect={
            ("1m55s", ALERT): [],
            ("2m", ALERT): [firing("100%", traffic="dense", window="5m")],
        },
    )
    check_rules(
        rules="oncall.yml",
        interval="5m",
        series=responses("0+30x75 2290+40x15", "0+40x90"),
        expect={},
        count={("395m", ALERT): 1},
    )


def test_stops_after_recovery(check_rules: Check) -> None:
    """The alert ends within the window and the two minutes for which it is kept."""
    series = responses("0+80x40 3300+100x50", "0+100x90")
    check_rules(
        rules="oncall.yml",
        interval="15s",
        series=series,
        expect={
            ("10m", ALERT): [firing("20%", traffic="dense", window="5m")],
            ("16m30s", ALERT): [],
        },
        count={("15m", ALERT): 1},
    )
