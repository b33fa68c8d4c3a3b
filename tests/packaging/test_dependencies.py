"""What is pinned for development against what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")


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


def test_every_pin_has_hashes_and_no_address() -> None:
    """Pins are checked on installation, and name no index: any mirror serves."""
    entries = re.split(r"\n(?=[a-z0-9])", LOCK)
    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
    assert "://" not in LOCK
