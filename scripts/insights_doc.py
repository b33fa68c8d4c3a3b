"""Prints into docs/insights.md which insights there are, from their specs."""

import re
from pathlib import Path

from agent_analytics.insights.rules import insights_table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "insights.md"
BEGIN, END = "<!-- insights: scripts/insights_doc.py -->\n", "<!-- end of insights -->\n"


def written(page: str) -> str:
    """Return a page with the table of this moment."""
    inside = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
    return inside.sub(lambda _: f"\n{insights_table()}\n", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
