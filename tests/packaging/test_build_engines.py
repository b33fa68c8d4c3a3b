"""``make engines``: builds what is pinned and nothing else, once, and says what is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.patience import patience

ROOT = Path(__file__).resolve().parents[2]
PINS = {
    f"{module}@{version}": digest
    for module, version, digest in map(
        str.split, (ROOT / "scripts/engines.sum").read_text("utf-8").splitlines()
    )
}
#: Stands in for Go: has every module, with the hash of a file, and notes what it is to build.
GO = """#!/bin/sh
case $1 in
version) echo "go version go1.26.8" ;;
mod)
    sum=$(grep "^$4 " "$SUMS" | cut -d' ' -f2)
    printf '{\\n\\t"Dir": "%s",\\n\\t"Sum": "%s"\\n}\\n' "$MODULE" "$sum"
    ;;
build) echo "$*" >>"$BUILT" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a checkout with the scripts alone."""
    (tmp_path / "scripts").mkdir()
    for name in ("build-engines", "engines.sum", "lib.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts")
    (tmp_path / "module").mkdir()
    (tmp_path / "module/VERSION").write_text("9.9.9\n", encoding="utf-8")
    return tmp_path


def build(checkout: Path, sums: dict[str, str] | None) -> tuple[int, str]:
    """Run the script where Go has modules with such hashes, or where there is no Go."""
    programs = checkout / "bin"
    if sums is not None:
        programs.mkdir(exist_ok=True)
        (programs / "go").write_text(GO, encoding="utf-8")
        (programs / "go").chmod(0o755)
        lines = "".join(f"{module} {digest}\n" for module, digest in sums.items())
        (checkout / "sums").write_text(lines, encoding="utf-8")
    done = subprocess.run(
        ["/bin/sh", checkout / "scripts/build-engines"],
        env={
            "PATH": f"{programs}:/usr/bin:/bin",
            "MODULE": str(checkout / "module"),
            "SUMS": str(checkout / "sums"),
            "BUILT": str(checkout / "built"),
        },
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def built(checkout: Path) -> list[str]:
    """Return what was to be built."""
    path = checkout / "built"
    return path.read_text("utf-8").splitlines() if path.exists() else []


@pytest.mark.skipif(
    shutil.which("go", path="/usr/bin:/bin") is not None, reason="Go is in /usr/bin"
)
def test_without_go_nothing_is_built(checkout: Path) -> None:
    """Where there is no Go, one sentence says so, and whom it concerns."""
    status, said = build(checkout, None)
    assert status == 1
    assert "Go is missing" in said
    assert "make test-engines" in said
    assert not (checkout / ".engines").exists()


def test_what_is_pinned_is_built_once(checkout: Path) -> None:
    """Each engine is built with its tools and its version; a second time builds nothing."""
    status, said = build(checkout, PINS)
    assert status == 0, said
    commands = built(checkout)
    assert len(commands) == len(PINS) == 3
    for program in ("prometheus", "promtool", "alertmanager", "amtool", "vmalert"):
        assert sum(f"/{program}" in command for command in commands) >= 1
    assert all("=9.9.9" in command for command in commands)
    status, said = build(checkout, PINS)
    assert (status, len(built(checkout))) == (0, 3)
    assert said.count("is built") == 3


@pytest.mark.parametrize("module", PINS)
def test_another_hash_is_not_built(checkout: Path, module: str) -> None:
    """A module with another content than the pinned one is refused by its name."""
    status, said = build(checkout, {**PINS, module: "h1:c29tZXRoaW5nIGVsc2UK"})
    assert status == 1
    assert f"{module.partition('@')[0]} has another hash" in said
    assert [each for each in built(checkout) if f"./cmd/{module.rpartition('/')[2]}" in each] == []


def test_a_new_version_is_built_anew(checkout: Path) -> None:
    """A pin that changes builds that engine again, and no other one."""
    build(checkout, PINS)
    pins = checkout / "scripts/engines.sum"
    old = next(
        module for module in PINS if module.startswith("github.com/prometheus/alertmanager@")
    )
    new = f"{old.partition('@')[0]}@v0.99.0"
    text = pins.read_text("utf-8").replace(old.replace("@", " "), new.replace("@", " "))
    pins.write_text(text, encoding="utf-8")
    status, said = build(checkout, {**PINS, new: PINS[old]})
    assert status == 0, said
    assert [command for command in built(checkout)[3:] if "amtool" not in command] == []
    assert len(built(checkout)) == 4
