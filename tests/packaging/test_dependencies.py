"""What is pinned for development against what pyproject.toml asks for."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from tests.patience import patience

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PRODUCT = (ROOT / "requirements.txt").read_text(encoding="utf-8")
#: Runs with whatever is not pinned for the product hidden, as it is where `make demo` sets up.
WITH_THE_PRODUCT_ALONE = """
import importlib.abc, importlib.metadata, re, sys

names = {re.sub("[-_.]+", "-", name).lower() for name in sys.argv[1:]}
owners = importlib.metadata.packages_distributions()

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        found = {re.sub("[-_.]+", "-", owner).lower() for owner in owners.get(name, ())}
        if found and not found & names and "agent-analytics" not in found:
            raise ModuleNotFoundError(f"{name} of {found} is not installed", name=name)

sys.meta_path.insert(0, Hidden())
from agent_analytics.cli import main
import agent_analytics.demo._history
main([])
"""


def _required() -> list[Requirement]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    texts = [
        *settings["build-system"]["requires"],
        *project["dependencies"],
        *(text for extra in project["optional-dependencies"].values() for text in extra),
        *(
            entry
            for group in settings["dependency-groups"].values()
            for entry in group
            if isinstance(entry, str)
        ),
    ]
    return [Requirement(text) for text in texts]


def test_every_requirement_is_pinned_to_a_release_that_it_admits() -> None:
    """A dependency that was added or moved without `make lock` fails here, not on a new machine."""
    found: list[tuple[str, str]] = re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK, flags=re.MULTILINE)
    pinned = dict(found)
    required = _required()
    assert len(required) > 0
    unmet = [
        str(requirement)
        for requirement in required
        if not requirement.specifier.contains(pinned.get(requirement.name, "0"))
    ]
    assert unmet == []


@pytest.mark.parametrize("lock", [LOCK, PRODUCT], ids=["development", "product"])
def test_every_pin_has_hashes_and_no_address(lock: str) -> None:
    """Pins are checked on installation, and name no index: any mirror serves."""
    entries = re.split(r"\n(?=[a-z0-9])", lock)
    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
    assert "://" not in lock


def _pins(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+==[^ ;]+)", lock, flags=re.MULTILINE))


def test_the_demo_installs_what_the_tests_have() -> None:
    """The pins of the product are a small part of those of development, in the same releases."""
    assert _pins(PRODUCT) - _pins(LOCK) == set()
    assert len(_pins(PRODUCT)) * 4 < len(_pins(LOCK))


def test_the_demo_needs_no_more_than_is_pinned_for_it() -> None:
    """The command and the simulator load where nothing else is installed."""
    names = [pin.partition("==")[0] for pin in sorted(_pins(PRODUCT))]
    done = subprocess.run(
        [sys.executable, "-c", WITH_THE_PRODUCT_ALONE, *names],
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "simulated marketplace" in done.stdout


def test_the_demo_does_not_set_development_up() -> None:
    """`make demo` and `make history` run without the targets that install what tests need."""
    rules = dict(re.findall(r"^(demo|history):([^#]*)##", MAKEFILE, flags=re.MULTILINE))
    assert {name: needed.strip() for name, needed in rules.items()} == {"demo": "", "history": ""}
