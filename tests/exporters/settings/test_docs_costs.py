"""docs/costs.md: its program runs as it stands, and its questions are of metrics that exist."""

import os
import re
import sys
from pathlib import Path

import promql_parser
from tests import forked
from tests.patience import patience

from agent_analytics.processor.catalogue import CATALOGUE

PAGE = (Path(__file__).parents[3] / "docs" / "costs.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_the_program(tmp_path: Path) -> None:
    """With the table beside it, the program prints what the page says."""
    (table,), (program,), (wanted,) = blocks("json"), blocks("python"), blocks("text")
    (tmp_path / "prices.json").write_text(table)
    found = forked.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True,
        timeout=patience(), env={**os.environ},
    )  # fmt: skip
    assert sorted(found.stdout.splitlines()) == sorted(wanted.splitlines())


def test_the_questions() -> None:
    """Each is PromQL, of metrics of the catalogue; so is every metric that the page names."""
    samples = {sample for metric in CATALOGUE.values() for sample in metric.samples}
    questions = blocks("promql")
    assert len(questions) == 3
    for question in questions:
        promql_parser.parse(question)
    named = set(re.findall(r"marketplace_agent_\w+", PAGE)) - {
        "marketplace_agent_model_cost", "marketplace_agent_wasted", "marketplace_agent_unpriced",
    }  # fmt: skip
    assert len(named) >= 7
    assert named <= samples
