"""Compiles the core where a C compiler is; where none is, the wheel is pure Python.

``core.py`` is what is compiled, with ``core.pxd`` beside it for the types. The file itself is in
every wheel: it runs as it is. Environment variables of a build:

- ``AGENT_ANALYTICS_PURE=1``: compile nothing.
- ``AGENT_ANALYTICS_COMPILED=1``: fail where the core cannot be compiled.
"""

import hashlib
import importlib
import importlib.metadata
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: Where the core is in the checkout, and what it is called.
SOURCES: Final = "processor"
PACKAGE: Final = "agent_analytics/processor/_count"
MODULE: Final = "core"
#: Python's own rules hold in what is compiled: bounds, signs, overflows.
DIRECTIVES: Final = {
    "annotation_typing": False,
    "boundscheck": True,
    "cdivision": False,
    "language_level": 3,
    "overflowcheck": True,
    "wraparound": True,
}
#: -O2 takes half as long again, for 3 % fewer of the instructions that a span pays for.
#: No multiplication is fused with an addition: the halves of amounts are rounded as Python does.
FLAGS: Final = ["-O1", "-g0", "-w", "-ffp-contract=off"]


class CompiledCore(BuildHookInterface[Any]):
    """Adds the compiled core to a wheel, or lays it beside its source for an editable install."""

    def dependencies(self) -> list[str]:
        """Return what compiles the core; nothing where it is not compiled."""
        return [] if stands_against() else ["cython>=3.1", "setuptools>=70"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the core, unless something stands against it, which is said."""
        if self.target_name != "wheel":
            return
        folder = Path(self.root, SOURCES, PACKAGE)
        in_place = version == "editable"
        against = stands_against()
        # What a checkout has may be of another system's C library: a wheel's core is always new.
        if not against and not (in_place and is_current(folder)):
            target = folder if in_place else Path(tempfile.mkdtemp())
            try:
                _compile(Path(self.root), target)
            except Exception as error:  # noqa: BLE001 - whatever a compiler lacks
                against = f"it could not be compiled ({str(error).strip() or type(error).__name__})"
            else:
                folder = target
        if against:
            self._say(against)
            for left in _files(folder) if in_place else ():
                left.unlink()
        elif not in_place:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            for file in _files(folder):
                build_data["force_include"][str(file)] = f"{PACKAGE}/{file.name}"

    def _say(self, against: str) -> None:
        if os.environ.get("AGENT_ANALYTICS_COMPILED") == "1":
            msg = f"the core of agent-analytics is not compiled: {against}"
            raise RuntimeError(msg)
        self.app.display_warning(f"The core of agent-analytics is pure Python: {against}")


def stands_against() -> str:
    """Return what stands against compiling, or an empty text."""
    if os.environ.get("AGENT_ANALYTICS_PURE") == "1":
        return "AGENT_ANALYTICS_PURE is set"
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} runs it quicker as it is"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "free-threaded Pythons are untested"
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if not any(shutil.which(name) for name in (compiler.split()[0], "cc", "gcc", "clang")):
        return "there is no C compiler"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return "Python's headers are not installed"
    return ""


def _files(folder: Path) -> list[Path]:
    """Return the compiled core of this interpreter, and the mark of what it was compiled from."""
    name = f"{MODULE}{sysconfig.get_config_var('EXT_SUFFIX')}"
    return [file for file in (folder / name, folder / f"{name}.sha256") if file.exists()]


def mark(folder: Path) -> str:
    """Return the mark of the source: a compiled core of another source is not used.

    ``processor/_count/__init__.py`` works it out alike when the core is imported.
    """
    sources = (folder / f"{MODULE}.py", folder / f"{MODULE}.pxd")
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()


def _marks(folder: Path) -> str:
    """Return the marks of a core that is compiled now: of its source, and of how it is compiled."""
    how = Path(__file__).read_bytes() + importlib.metadata.version("cython").encode()
    return f"{mark(folder)}\n{hashlib.sha256(how).hexdigest()}\n"


def is_current(folder: Path) -> bool:
    """Return whether the compiled core of a checkout is what compiling would make."""
    files = _files(folder)
    try:
        return (
            len(files) == 2  # noqa: PLR2004 - the module and its marks
            and files[1].read_text(encoding="ascii") == _marks(folder)
        )
    except (ValueError, importlib.metadata.PackageNotFoundError):
        return False


def state(folder: Path = Path(__file__).parent / SOURCES / PACKAGE) -> str:
    """Return what an editable install finds, in a word; another one is a reason to install anew.

    ``compiled``, ``to compile``, or what stands against it.
    """
    laid = "compiled" if is_current(folder) else "to compile"
    return stands_against() or laid


def _compile(root: Path, target: Path) -> None:
    """Compile the core of the checkout ``root``, and put it with its mark into ``target``."""
    cythonize: Any = importlib.import_module("Cython.Build").cythonize
    setuptools: Any = importlib.import_module("setuptools")
    folder = root / SOURCES / PACKAGE
    name = f"{PACKAGE}/{MODULE}".replace("/", ".")
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(root / SOURCES)
        try:
            extension = setuptools.Extension(
                name, [f"{PACKAGE}/{MODULE}.py"], extra_compile_args=FLAGS
            )
            made = cythonize(
                [extension], build_dir=work, compiler_directives=DIRECTIVES, force=True, quiet=True
            )
            build = setuptools.Distribution({"ext_modules": made}).get_command_obj("build_ext")
            build.build_lib, build.build_temp = f"{work}/lib", f"{work}/temp"
            build.ensure_finalized()
            build.run()
        finally:
            os.chdir(before)
        (compiled,) = Path(work, "lib").rglob(f"{MODULE}.*")
        # In place at once, and marked last: whoever is importing it just now has one or the other.
        # A file of its own: checkouts may share what they have by hard links.
        (target / f"{compiled.name}.sha256").unlink(missing_ok=True)
        shutil.copy(compiled, target / f"{compiled.name}.tmp")
        os.replace(target / f"{compiled.name}.tmp", target / compiled.name)  # noqa: PTH105 - so
        (target / f"{compiled.name}.sha256").write_text(_marks(folder), encoding="ascii")
