"""The line that says where metrics are, when they begin, and what is not set."""

import logging

import pytest

from agent_analytics.exporters import configure


def where(caplog: pytest.LogCaptureFixture, **settings: object) -> str:
    """Return what is said of the metrics behind their address."""
    with caplog.at_level(logging.INFO, logger="agent_analytics"):
        configure("shop", metrics_port=0, **settings).shutdown()  # type: ignore[arg-type]  # any setting
    (line,) = [text for text in caplog.messages if "metrics on http" in text]
    assert len([each for each in caplog.records if each.levelno == logging.INFO]) == 2
    return line.partition("/metrics")[2]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what the line depends on out of the environment."""
    for name in ("HOLD_SECONDS", "TENANT_KEY", "PUBLISHER_ID"):
        monkeypatch.delenv(f"AGENT_ANALYTICS_{name}", raising=False)
    monkeypatch.delenv("OTEL_RESOURCE_ATTRIBUTES", raising=False)


def test_a_newcomer_is_told_why_there_are_zeros(caplog: pytest.LogCaptureFixture) -> None:
    """With nothing set, the line has the hold and both settings that are missing."""
    assert where(caplog) == (
        "; newborn series show 0 for 30 s (hold_seconds)"
        "; not set: tenant key, publisher (agents name their own)"
    )


def test_nothing_is_added_where_all_is_set(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a hold, and with a key and a publisher, the address stands alone."""
    monkeypatch.setenv("AGENT_ANALYTICS_PUBLISHER_ID", "acme")
    assert where(caplog, hold_seconds=0, tenant_key="secret") == ""


def test_the_resource_may_name_the_publisher(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher of the resource is one, and the hold is that which was asked for."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "marketplace.publisher.id=acme")
    said = where(caplog, hold_seconds=2.5)
    assert said == "; newborn series show 0 for 2.5 s (hold_seconds); not set: tenant key"
