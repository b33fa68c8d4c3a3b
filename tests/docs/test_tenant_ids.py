"""docs/first-hour.md: whether a tenant's id leaves is as the page says."""

import pytest
from tests.docs import pages

from agent_analytics.exporters._leaving.redaction import Policy
from agent_analytics.exporters._settings.settings import export_attributes
from agent_analytics.instrumentation.vocabulary import TENANT_ID

PAGE = "first-hour.md"


def test_a_tenants_id_leaves_only_if_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The id stays by default, and the page's variable lets it leave and nothing else."""
    said = {TENANT_ID: "t-42", "session.id": "s-1"}
    assert Policy().attributes(said) == {}
    variables = dict(pages.exported(PAGE))
    assert list(variables) == ["AGENT_ANALYTICS_EXPORT_ATTRIBUTES"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert Policy(attributes=export_attributes(None)).attributes(said) == {TENANT_ID: "t-42"}


def test_pages_that_speak_of_tenants_link_the_answer() -> None:
    """The page of the argument, the glossary and the README lead to it."""
    for path in ("docs/instrumenting.md", "docs/glossary.md", "README.md"):
        text = (pages.DOCS.parent / path).read_text(encoding="utf-8")
        assert "first-hour.md#who-sees-my-tenants-ids" in text
