"""The committed files are what the definitions make, and the writer of YAML writes YAML."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent_analytics.insights import GENERATED
from agent_analytics.insights._definitions.spec.model import RUNBOOKS
from agent_analytics.insights._rules.rule_files import rules_for
from agent_analytics.insights._yaml import Yaml, dump
from agent_analytics.insights.generate import main, render

ROOT = Path(__file__).parents[2]


def test_committed_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """Generating again changes nothing."""
    status = main(["--check"])
    assert (status, capsys.readouterr().err) == (0, "")


def test_check_tells_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed, a missing and a left-over file are told, and generating mends all three."""
    where = ["--directory", str(tmp_path)]
    assert main(where) == 0
    (tmp_path / "rules/oncall.yml").write_text("groups: []\n", encoding="utf-8")
    (tmp_path / "prometheus.yml").unlink()
    (tmp_path / "rules/old.yml").write_text("groups: []\n", encoding="utf-8")
    assert main(["--check", *where]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "not up to date: prometheus.yml",
        "not up to date: rules/old.yml",
        "not up to date: rules/oncall.yml",
    ]
    assert main(where) == 0
    assert main(["--check", *where]) == 0


def test_generating_is_deterministic() -> None:
    """Two runs write the same bytes."""
    assert render() == render()


def test_everything_generated_is_committed() -> None:
    """The folder holds the rules, a dashboard, provisioning and both configurations."""
    assert sorted(render()) == sorted(
        path.relative_to(GENERATED).as_posix() for path in GENERATED.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize("rule", [*rules_for("oncall"), *rules_for("publisher")])
def test_rule_has_a_runbook(rule: object) -> None:
    """Each alert links to a page of this repository that names the alert."""
    annotations: dict[str, str] = getattr(rule, "annotations", {})
    page = ROOT / annotations["runbook_url"]
    assert page.is_relative_to(ROOT / RUNBOOKS)
    assert str(getattr(rule, "alert", "")) in page.read_text(encoding="utf-8")


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
scalars = texts | st.integers() | st.booleans()
documents = st.recursive(
    scalars,
    lambda inner: (
        st.dictionaries(texts, inner, max_size=3)
        | st.lists(scalars | st.dictionaries(texts, inner, min_size=1, max_size=3), max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(texts, documents, min_size=1, max_size=4))
def test_yaml_reads_back(document: dict[str, Yaml]) -> None:
    """Whatever is written, a YAML parser reads the same back."""
    assert yaml.safe_load(dump(document)) == document


@pytest.mark.parametrize("text", ["a\nb", "a: b\n- c\n\n  d", "x\n# y", "true", "1", "~", "5s", ""])
def test_yaml_keeps_text_as_text(text: str) -> None:
    """Text that looks like something else, and text of several lines, stays what it is."""
    assert yaml.safe_load(dump({"key": text, "list": [{"key": text}]})) == {
        "key": text,
        "list": [{"key": text}],
    }


def test_yaml_refuses_nested_sequences() -> None:
    """A sequence in a sequence is refused rather than written wrongly."""
    with pytest.raises(TypeError, match="not"):
        dump({"key": [["nested"]]})


@pytest.mark.parametrize(
    "path",
    sorted((*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", *GENERATED.rglob("*.json"))),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_who_uses_agents_is_called_a_tenant(path: Path) -> None:
    """One word for one thing, in dashboards and in the docs: tenants, as in labels and in code."""
    prose = re.sub("```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\b([Cc]ustomer|[Cc]lientele|[Bb]uyer)s?\b", prose)
