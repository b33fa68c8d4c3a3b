"""The terminal, drawn into windows of several sizes."""

from io import StringIO

import pytest
from rich.console import Console

from agent_analytics.demo._market.listings import LISTINGS
from agent_analytics.demo._terminal.board import Board, Row, distinct_insights
from agent_analytics.demo._terminal.view import Screen
from agent_analytics.insights import Insight

ADDRESSES = {
    "metrics": "http://127.0.0.1:45678/metrics",
    "Prometheus": "http://127.0.0.1:45679",
    "Alertmanager": "http://127.0.0.1:45680",
}


def insight(agent: str = "finder", **changes: str) -> Insight:
    """Return an insight about a listing of acme."""
    fields: dict[str, str] = {
        "severity": "critical",
        "audience": "oncall",
        "name": "error-rate",
        **changes,
    }
    return Insight(
        category="reliability",
        title="Error rate above 5 %",
        description="19.9% of the invocations failed in the last 1m; the limit is 5%.",
        recommendation="Look at the commonest failures by error type first.",
        publisher_id="acme",
        agent_id=agent,
        **fields,  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    )


def board() -> Board:
    """Return a board with every listing and four insights."""
    rows = [
        Row(
            (listing.publisher, listing.agent), 12.345, 0.199, 14.36, None, 12_345.6, 41, "critical"
        )
        for listing in LISTINGS
    ]
    return Board(rows, [insight(agent) for agent in ("finder", "writer", "third", "fourth")], 383.2)


def draw(width: int, height: int, *, news: int = 0) -> list[str]:
    """Return the lines of a screen in a window."""
    screen = Screen(ADDRESSES, board(), "00:36")
    screen.news.extend(f"paged: brightdesk/ticket-triage after {line}.0 s" for line in range(news))
    output = StringIO()
    console = Console(width=width, height=height, file=output)
    console.print(screen, end="")
    return output.getvalue().splitlines()


class TestScreen:
    """What fits into a window, and what must always be there."""

    @pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (140, 45), (220, 60)])
    @pytest.mark.parametrize("news", [0, 3, 20])
    def test_it_fits(self, width: int, height: int, news: int) -> None:
        """No line is cut off at the right or at the bottom."""
        lines = draw(width, height, news=news)
        assert len(lines) <= height
        assert max(len(line) for line in lines) <= width

    @pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 45)])
    def test_figures_are_whole(self, width: int, height: int) -> None:
        """Every figure of a row is there in full, in the order of its heading."""
        row = next(line for line in draw(width, height) if "ticket-triage" in line)
        assert row.split()[-6:] == ["12.35", "19.9", "14.36", "–", "12,346", "41"]

    @pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 45)])
    def test_insights_say_what_and_how_much_and_what_to_do(self, width: int, height: int) -> None:
        """Severity, listing, title, number and recommendation of the first insight are shown."""
        text = " ".join(" ".join(draw(width, height)).split())
        assert "CRITICAL acme/finder · Error rate above 5 %" in text
        assert "19.9% of the invocations failed" in text
        assert "→ Look at the commonest failures" in text
        assert "Insights: 4 firing" in text

    def test_every_listing_fits_into_a_tall_window(self) -> None:
        """Nothing is left out where there is room."""
        text = "\n".join(draw(140, 60))
        assert [listing.agent for listing in LISTINGS if listing.agent not in text] == []

    def test_addresses_are_whole(self) -> None:
        """They can be copied from a narrow window."""
        text = "\n".join(draw(80, 24))
        assert [url for url in ADDRESSES.values() if url not in text] == []


def test_an_insight_for_two_audiences_is_shown_once() -> None:
    """On-call's stands for both, and the most severe comes first."""
    found = distinct_insights(
        [
            insight(audience="publisher"),
            insight("slow", severity="warning", name="response-time"),
            insight(),
        ]
    )
    assert [(each.agent_id, each.audience) for each in found] == [
        ("finder", "oncall"),
        ("slow", "oncall"),
    ]
