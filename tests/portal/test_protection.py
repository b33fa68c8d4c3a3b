"""Who may ask the portal, and what a browser may do with its pages."""

import pytest
from tests.portal.asking import ask, question
from tests.portal.conftest import Recorder

from agent_analytics.portal import make_portal_app


@pytest.mark.parametrize("host", ["127.0.0.1:8460", "localhost", "[::1]:8460", "Portal.Example:80"])
def test_own_names_are_served(host: str, prometheus: Recorder) -> None:
    """Loopback's names are the portal's, and those that were named."""
    app = make_portal_app(prometheus.url, hosts=["portal.example"])
    assert ask(app, "/api/dashboards", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # a name that was made to point at loopback
        {"Host": "127.0.0.1.evil.example"},
        {"Host": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},  # another server on the same machine
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_others_reach_nothing(headers: dict[str, str], prometheus: Recorder) -> None:
    """Neither a rebound name nor another page gets an answer, and Prometheus is not asked."""
    app = make_portal_app(prometheus.url)
    for path, asked in (("/api/dashboards", None), ("/api/query", question())):
        answer = ask(app, path, asked, headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert prometheus.asked == []


def test_its_own_page_may_ask(prometheus: Recorder) -> None:
    """A request with the origin of the portal itself is answered."""
    own = {"Origin": "http://127.0.0.1:8460", "Sec-Fetch-Site": "same-origin"}
    assert ask(make_portal_app(prometheus.url), "/api/query", question(), headers=own).is_success


def test_a_form_of_another_site_is_no_question(prometheus: Recorder) -> None:
    """What a form can send without asking leave is refused."""
    app = make_portal_app(prometheus.url)
    answer = ask(app, "/api/query", question(), headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400
    assert prometheus.asked == []


@pytest.mark.parametrize("path", ["/api/dashboards", "/", "/d/agent-analytics-agent", "/nowhere"])
def test_every_answer_has_the_policy(path: str, prometheus: Recorder) -> None:
    """No inline script or style, nothing from third parties, no frame, no other origin."""
    answer = ask(make_portal_app(prometheus.url), path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not any(name.startswith("access-control") for name in answer.headers)
