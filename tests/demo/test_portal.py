"""The demo's portal."""

import urllib.request

import pytest
from tests.patience import patience

from agent_analytics.demo._run.portal import portal_over
from agent_analytics.portal import page_is_built


def test_the_portal_is_served_while_the_demo_runs() -> None:
    """Its address answers with the page; afterwards nobody listens there."""
    if not page_is_built():
        pytest.skip("the portal's page is not built (scripts/setup-portal)")
    with portal_over("http://127.0.0.1:9") as address:
        with urllib.request.urlopen(f"{address}/", timeout=patience()) as answer:
            page = answer.read().decode()
        assert '<base href="./"' in page
        with urllib.request.urlopen(f"{address}/d/agent-analytics-agent") as answer:
            assert '<base href="../"' in answer.read().decode()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address}/", timeout=patience())


def test_without_the_page_there_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the page was not built, the demo goes on and names no portal."""
    monkeypatch.setattr("agent_analytics.portal.page_is_built", lambda: False)
    with portal_over("http://127.0.0.1:9") as address:
        assert address == ""
