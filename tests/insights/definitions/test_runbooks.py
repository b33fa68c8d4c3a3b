"""Runbooks: where alerts link them, and their queries about the alert's own listing."""

import csv
import re
import runpy
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.cli import main
from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._definitions.spec.model import Spec
from agent_analytics.insights._rules.rule_files import render_rules
from agent_analytics.insights._rules.runbooks import FIRST_LOOK, first_look
from agent_analytics.insights.report import Report, render

ROOT = Path(__file__).parents[3]
MADE: dict[str, Any] = runpy.run_path(str(ROOT / "tests/report/test_render.py"))
BASE = "https://runbooks.example/agents/"
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize("finding", OF_PUBLISHERS, ids=lambda finding: finding.slug)
def test_pages_have_the_queries_that_are_filled_in(finding: Spec) -> None:
    """A runbook's queries are those that the report fills in, so that neither goes stale."""
    page = (ROOT / "docs/runbooks" / f"{finding.slug}.md").read_text("utf-8")
    blocks = "".join(re.findall("```promql\n(.*?)```", page, flags=re.DOTALL))
    shown = re.sub(r"\n\s+", " ", blocks).splitlines()
    assert tuple(shown) == FIRST_LOOK[finding.slug]
    for number, query in enumerate(shown):
        selectors = re.findall(r"\{([^}]*)\}", query)
        assert selectors
        assert all('publisher_id="P"' in selector for selector in selectors)
        if number == 0:
            # Later ones may look at other listings of the publisher, or at its other tools.
            wanted = {f'{label}="{place}"' for label, place in zip(finding.by, "PAT", strict=False)}
            assert all(wanted <= set(selector.split(", ")) for selector in selectors)


@given(NAMES, NAMES, NAMES)
@settings(max_examples=examples(100), deadline=None)
def test_any_label_stays_a_label(publisher: str, agent: str, tool: str) -> None:
    """Whatever a publisher, listing or tool is called, the query asks for exactly that."""
    for query in (
        *first_look("tool-failures", publisher, agent, tool),
        *first_look("error-rate", publisher, agent, ""),
    ):
        assert not re.search("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", query)
        promql_parser.parse(query)
    (one, _) = first_look("tool-failures", publisher, agent, tool)
    parsed: Any = promql_parser.parse(one)
    selector = parsed.expr.args[0].vector_selector
    found = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
    assert found == {"publisher_id": publisher, "agent_id": agent, "tool": tool}


def test_the_base_of_links_is_a_setting(tmp_path: Path) -> None:
    """Every alert links its page below a base URL, from Python and from the command line."""
    assert main(["rules", "--output", str(tmp_path), "--runbooks", BASE]) == 0
    for name, text in render_rules(runbooks=BASE).items():
        assert (tmp_path / name).read_text("utf-8") == text
        for group in yaml.safe_load(text)["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    slug = rule["labels"]["insight"]
                    url = rule["annotations"]["runbook_url"]
                    assert url == f"https://runbooks.example/agents/{slug}.md"


def test_the_report_links_runbooks() -> None:
    """A page links the runbook of each insight, and has its queries about that listing."""
    report = Report(MADE["DASHBOARD"], [MADE["INSIGHT"]], BASE)
    url = "https://runbooks.example/agents/error-rate.md"
    page = render(report, "html")
    assert f'<a href="{url}" rel="noreferrer">' in page
    assert url in render(report, "terminal")
    assert f'"runbook_url": "{url}"' in render(report, "json")
    queries = re.findall("<pre>(.*?)</pre>", page)
    assert [unescape(query) for query in queries] == list(
        first_look("error-rate", "acme", "finder", "")
    )
    operator = Report(MADE["MARKET"], MADE["MARKET"].in_trouble, BASE)
    assert url in render(operator, "html")
    assert list(csv.DictReader(render(report, "csv").splitlines()))


@pytest.mark.parametrize("url", ["docs/runbooks/error-rate.md", "javascript:alert(1)", "//x/y", ""])
def test_only_web_addresses_are_links(url: str) -> None:
    """What is no address of the web is shown as text."""
    page = render(Report(MADE["DASHBOARD"], [replace(MADE["INSIGHT"], runbook_url=url)]), "html")
    assert "href" not in page
    assert ("Runbook: " in page) == bool(url)
