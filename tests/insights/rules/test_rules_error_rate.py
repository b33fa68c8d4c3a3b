"""The error-rate rules on both sides of every boundary, run by promtool."""

from collections.abc import Callable, Mapping

import pytest

ALERT = "AgentErrorRateHigh"
Check = Callable[..., None]


def invocations(publisher: str = "acme", agent: str = "finder", **values: str) -> dict[str, str]:
    """Return a listing's invocation counters by outcome."""
    name = "marketplace_agent_invocations_total"
    listing = f'publisher_id="{publisher}", agent_id="{agent}"'
    return {f'{name}{{{listing}, outcome="{key}"}}': text for key, text in values.items()}


def firing(
    share: str,
    *,
    traffic: str = "dense",
    window: str = "1m",
    publisher: str = "acme",
    agent: str = "finder",
) -> tuple[Mapping[str, str], str]:
    """Return the alert that is expected, with the share of failures that it tells."""
    return (
        {
            "publisher_id": publisher,
            "agent_id": agent,
            "audience": "oncall",
            "severity": "critical",
            "category": "reliability",
            "insight": "error-rate",
            "traffic": traffic,
        },
        (
            f"{share} of the invocations of {agent} of {publisher} failed in the last {window};"
            " the limit is 5%."
        ),
    )


@pytest.mark.parametrize(
    ("series", "shares"),
    [
        pytest.param(
            invocations(success="0+475x60", error="0+13x60", timeout="0+12x60"), [], id="at 5 %"
        ),
        pytest.param(
            invocations(success="0+19x60", error="0+1x60", timeout="0+0x60"), [], id="5 % of few"
        ),
        pytest.param(
            invocations(success="0+474x60", error="0+17x60", timeout="0+9x60"),
            ["5.2%"],
            id="above 5 %",
        ),
        pytest.param(
            invocations(success="0+949x60", error="0+51x60", timeout="0+0x60"),
            ["5.1%"],
            id="just above 5 %",
        ),
        pytest.param(
            invocations(
                success="0+471x60", error="0+20x60", timeout="0+9x60", cancelled="0+7e3x60"
            ),
            ["5.8%"],
            id="cancelled invocations do not dilute",
        ),
        pytest.param(
            invocations(success="0+475x60", error="0+25x60", cancelled="0+9000x60"),
            [],
            id="cancelled invocations are no errors",
        ),
        pytest.param(invocations(success="0+0x60", error="0+0x60"), [], id="no traffic"),
        pytest.param({"up": "1x60"}, [], id="no data"),
        pytest.param(
            invocations(success="0x20 931x40", error="0x20 37x40", timeout="0x20 12x40"),
            [],
            id="newborn released in one jump at 5 %",
        ),
        pytest.param(
            invocations(success="0x20 929x40", error="0x20 38x40", timeout="0x20 13x40"),
            ["5.204%"],
            id="newborn released in one jump above 5 %",
        ),
    ],
)
def test_dense_boundary(check_rules: Check, series: dict[str, str], shares: list[str]) -> None:
    """A busy agent pages when more than 5 % of its judged invocations fail, and not at 5 %."""
    expected = [firing(share) for share in shares]
    check_rules(rules="oncall.yml", interval="5s", series=series, expect={("2m", ALERT): expected})


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        pytest.param(invocations(success="9x60", error="0x20 1x40"), [], id="one failed call"),
        pytest.param(
            invocations(success="0x60", error="0x20 36x40", cancelled="0x20 500x40"),
            [],
            id="below both, however many are cancelled",
        ),
        pytest.param(
            invocations(success="0x20 5x40", error="0x20 43x40"),
            [firing("89.58%", traffic="sparse", window="30m")],
            id="below the dense floor",
        ),
        pytest.param(
            invocations(success="0x20 5x40", error="0x20 62x40"),
            [firing("92.54%")],
            id="above the dense floor",
        ),
    ],
)
def test_floors(
    check_rules: Check, series: dict[str, str], expected: list[tuple[dict[str, str], str]]
) -> None:
    """Sixty invocations a minute are asked over a minute, forty in half an hour over that."""
    check_rules(
        rules="oncall.yml", interval="5s", series=series, expect={("2m20s", ALERT): expected}
    )


def test_burst_pages_within_a_minute_and_recovers(check_rules: Check) -> None:
    """A fifth of 100 invocations a second failing pages 25 s later, and stops after recovery."""
    # Healthy for five minutes, a burst of two minutes, healthy again.
    series = invocations(
        success="0+500x60 30400+400x23 40100+500x60", error="0x60 100+100x23 2400x60"
    )
    check_rules(
        rules="oncall.yml",
        interval="5s",
        series=series,
        expect={
            ("5m10s", ALERT): [],
            ("6m30s", ALERT): [firing("20%")],
            # The last bad evaluation is told on for a minute.
            ("9m10s", ALERT): [],
        },
        count={("5m25s", ALERT): 1, ("8m30s", ALERT): 1},
    )


def test_second_agent_fires_while_the_first_does(check_rules: Check) -> None:
    """Each listing is judged by its own figures, also two of one name by two publishers."""
    series = {
        **invocations(success="0+90x80", error="0+10x80"),
        **invocations("globex", success="0+93x40 3713+93x40", error="0x40 7+7x40"),
        **invocations("initech", success="0+500x80", error="0x80"),
    }
    check_rules(
        rules="oncall.yml",
        interval="5s",
        series=series,
        expect={
            ("3m", ALERT): [firing("10%")],
            ("6m", ALERT): [firing("10%"), firing("7%", publisher="globex")],
        },
    )


@pytest.mark.parametrize(
    ("series", "shares"),
    [
        pytest.param(invocations(success="0+57x60", error="0+3x60"), [], id="at 5 %"),
        pytest.param(invocations(success="0+47x60", error="0+3x60"), ["6%"], id="above 5 %"),
        pytest.param(
            invocations(success="0+16x40 640+20x20", error="0+4x40 160x20"), [], id="over by now"
        ),
        pytest.param(invocations(success="0x60", error="0+1x60"), [], id="30 in 30 minutes"),
        pytest.param(
            invocations(success="0x60", error="0+1.5x60"), ["100%"], id="45 in 30 minutes"
        ),
    ],
)
def test_sparse_boundary(check_rules: Check, series: dict[str, str], shares: list[str]) -> None:
    """A quiet agent pages over half an hour, and only while the last five minutes are bad."""
    expected = [firing(share, traffic="sparse", window="30m") for share in shares]
    check_rules(rules="oncall.yml", interval="1m", series=series, expect={("50m", ALERT): expected})


def test_sparse_waits_and_is_kept(check_rules: Check) -> None:
    """The slow question has to be bad for 15 s, and is told for five minutes after."""
    jump = invocations(success="5x60", error="0x20 43x40")
    alert = firing("100%", traffic="sparse", window="30m")
    check_rules(
        rules="oncall.yml",
        interval="5s",
        series=jump,
        expect={("1m45s", ALERT): [], ("1m55s", ALERT): [], ("2m", ALERT): [alert]},
    )
    recovered = invocations(success="0+16x40 660+20x20", error="0+4x40 160x20")
    check_rules(
        rules="oncall.yml",
        interval="1m",
        series=recovered,
        expect={
            ("50m", ALERT): [],
        },
        count={("47m", ALERT): 1},
    )
