"""Writes ``docs/frameworks/compatibility.md`` from the recordings and what they do not tell."""

# recorded spans are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from pathlib import Path

from tests.dialects import recordings as r

PAGE = Path(__file__).parents[2] / "docs" / "frameworks" / "compatibility.md"
WORDS = {
    r.INPUT: "input tokens",
    r.OUTPUT: "output tokens",
    r.CACHED: "cached tokens",
    r.REASONING: "reasoning tokens",
    r.MODELS: "model calls",
    r.TOOLS: "tool calls",
    r.INVOCATIONS: "invocations",
    r.TOOL_OUTCOMES: "outcomes of tool calls",
    r.OUTCOMES: "outcomes",
}
HEAD = """# Frameworks that were recorded

Written by `python -m tests.dialects.compatibility` from the recordings in `tests/dialects`, which
the tests play back. Everything is counted exactly but for what an instrumentation does not tell.

| framework | instrumentation | version | runs | not told |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    rows: dict[str, list[r.Case]] = {}
    for case in r.cases():
        rows.setdefault(case.variant, []).append(case)
    lines: list[str] = []
    for variant, runs in sorted(rows.items()):
        framework, _, instrumentation = variant.partition("/")
        versions = runs[0].truth.get("versions") or {}
        version = next((value for value in versions.values() if value), "")
        told: list[str] = []
        for scenario, items in r.UNTOLD.get(variant, {}).items():
            words = ", ".join(word for key, word in WORDS.items() if key in items)
            told.append(words if scenario == "*" else f"{scenario}: {words}")
        lines.append(
            f"| {framework} | {instrumentation} | {version} | {len(runs)} | {'; '.join(told)} |"
        )
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
