"""Fixtures of programs without code: the model API that they ask, and a receiver of spans."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.exporters import conftest as exporters
from tests.zero_code.launch import serving

http_receiver = exporters.http_receiver


@pytest.fixture
def api() -> Iterator[Any]:
    """Run the model API, whose model asks for a search and a calculation before it answers."""
    with serving(["search"], ["calculator"]) as server:
        yield server
