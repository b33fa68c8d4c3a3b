"""The tools of Prometheus and Alertmanager that check what was written."""

import pytest
from tests.tools import Run, installed


@pytest.fixture
def promtool() -> Run:
    """Run promtool, or skip where it is not installed."""
    return installed("promtool")


@pytest.fixture
def amtool() -> Run:
    """Run amtool, or skip where it is not installed."""
    return installed("amtool")
