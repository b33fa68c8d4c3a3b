"""The page as it is built: small, and of files of its own alone."""

import gzip
import json
import re
from pathlib import Path

import pytest

from agent_analytics.portal import page_is_built
from agent_analytics.portal._built import PAGE

NPM = Path(__file__).parents[2] / "portal"
MOST_BYTES = 300_000


@pytest.fixture(autouse=True)
def built() -> None:
    """Skip where the page is not built."""
    if not page_is_built():
        pytest.skip("the portal's page is not built (scripts/setup-portal)")


def test_scripts_are_small() -> None:
    """All scripts together are 300 kB at most on their way to a browser."""
    scripts = list((PAGE / "assets").glob("*.js"))
    assert scripts != []
    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) <= MOST_BYTES


def test_the_page_names_files_of_its_own_alone() -> None:
    """No script or style stands in the page, and nothing comes from elsewhere."""
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    assert "<style" not in page
    assert "://" not in page
    assert page.count('<base href="./"') == 1


def test_the_lock_file_names_no_registry() -> None:
    """Packages are checked by their hashes, and come from whichever registry is set."""
    lock = json.loads((NPM / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if "integrity" not in each] == []
