"""The satisfaction rules on both sides of every boundary, run by promtool."""

from collections.abc import Callable, Mapping

import pytest

ALERT = "AgentRatingLow"
Check = Callable[..., None]


def ratings(total: str, count: str) -> dict[str, str]:
    """Return the sum and count of a listing's ratings, with decoy buckets."""
    name = "marketplace_agent_feedback_rating"
    listing = 'publisher_id="acme", agent_id="finder"'
    return {
        f'{name}_bucket{{{listing}, le="3.0"}}': "0+4444x90",
        f"{name}_sum{{{listing}}}": total,
        f"{name}_count{{{listing}}}": count,
    }


def firing(mean: str) -> tuple[Mapping[str, str], str]:
    """Return the alert that is expected, with the mean rating that it tells."""
    return (
        {
            "publisher_id": "acme",
            "agent_id": "finder",
            "audience": "oncall",
            "severity": "warning",
            "category": "quality",
            "insight": "satisfaction",
            "traffic": "dense",
        },
        (f"Tenants rated finder of acme {mean} of 5 on average in the last 1h; the limit is 3.5."),
    )


@pytest.mark.parametrize(
    ("series", "means"),
    [
        pytest.param(ratings("0+35x90", "0+10x90"), [], id="at 3.5"),
        pytest.param(ratings("0+349x90", "0+100x90"), ["3.49"], id="just below 3.5"),
        pytest.param(ratings("0+127x90", "0+100x90"), ["1.27"], id="well below 3.5"),
        pytest.param(ratings("0+451x90", "0+100x90"), [], id="good"),
        pytest.param(ratings("0x90", "0x90"), [], id="no ratings"),
        pytest.param({"up": "1x90"}, [], id="no data"),
    ],
)
def test_boundary(check_rules: Check, series: dict[str, str], means: list[str]) -> None:
    """A listing is told of when its mean rating is below 3.5, and not at 3.5."""
    expected = [firing(mean) for mean in means]
    check_rules(rules="oncall.yml", interval="1m", series=series, expect={("80m", ALERT): expected})


def test_floor(check_rules: Check) -> None:
    """A handful of ratings says nothing: twenty in an hour are asked for."""
    for count, means in ((18, []), (22, ["2.00"])):
        check_rules(
            rules="oncall.yml",
            interval="1m",
            series=ratings(f"0x9 {2 * count}x80", f"0x9 {count}x80"),
            expect={("30m", ALERT): [firing(mean) for mean in means]},
        )


def test_stops_after_recovery(check_rules: Check) -> None:
    """Better ratings end the alert once the hour is good and the quarter is over."""
    series = ratings("0+20x60 1250+50x140", "0+10x200")
    check_rules(
        rules="oncall.yml",
        interval="1m",
        series=series,
        expect={
            ("1h", ALERT): [firing("2.00")],
            ("2h", ALERT): [],
        },
        count={("1h40m", ALERT): 1},
    )
