"""Prints into docs/configuration.md what leaves over OTLP, from the declaration in the code."""

import re
from pathlib import Path

from agent_analytics.exporters._leaving.policy import table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
BEGIN, END = "<!-- what leaves: scripts/leaving_doc.py -->\n", "<!-- end of what leaves -->\n"


def written(page: str) -> str:
    """Return a page with the table of this moment."""
    inside = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
    return inside.sub(lambda _: f"\n{table()}\n", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
