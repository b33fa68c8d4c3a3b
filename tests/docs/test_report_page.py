"""docs/report.md: what it says of figures is what the code does."""

import re

from tests.docs import pages

from agent_analytics.insights._report.pages import text
from agent_analytics.processor import catalogue

PAGE = " ".join((pages.DOCS / "report.md").read_text(encoding="utf-8").split())


def test_the_edges_of_response_times() -> None:
    """The page names every edge of the histogram, and what is shown beyond the first and last."""
    (named,) = re.findall(r"The edges are ([\d., and]+) seconds", PAGE)
    edges = tuple(float(number) for number in re.findall(r"[\d.]+", named))
    assert edges == tuple(catalogue.INVOCATION_SECONDS)
    assert f'"{text.quantile(edges[0] * 1000)}"' in PAGE
    assert f'"{text.quantile(edges[-1] * 1000)}"' in PAGE
    below = max(edge for edge in edges if edge < 12)
    above = min(edge for edge in edges if edge > 12)
    assert f"12 s means between {below:g} and {above:g} s" in PAGE


def test_the_error_of_estimates() -> None:
    """The standard error that the page names is that of the number of registers."""
    assert round(100 / catalogue.SKETCH_REGISTERS**0.5) == 3
    assert "a standard error of 3 %" in PAGE
