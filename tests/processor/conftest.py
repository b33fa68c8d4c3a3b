"""A rig for each test, and no error of the processor's own unseen."""

from collections.abc import Callable, Iterator

import pytest
from tests.processor.rig import Rig

from agent_analytics.instrumentation import health


@pytest.fixture
def rig() -> Rig:
    """Return a processor that holds nothing back."""
    return Rig()


@pytest.fixture
def make_rig() -> Callable[..., Rig]:
    """Return what makes a processor with other settings."""
    return Rig


@pytest.fixture
def expects_internal_errors() -> None:
    """Mark a test that provokes errors inside the processor."""


@pytest.fixture(autouse=True)
def _no_internal_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test during which the processor kept an error of its own from the host."""
    before = health.internal_errors()
    yield
    if "expects_internal_errors" not in request.fixturenames:
        assert health.internal_errors() == before
