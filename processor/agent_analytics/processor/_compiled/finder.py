"""Finds the modules of ``modules.MODULES``: all as compiled, or all as they are written."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from agent_analytics.processor._compiled.modules import (
    MODULES,
    compiled_file,
    mark_of,
    marks_file,
    text_of,
)

#: Forces the modules as they are written, when they are built and when they are imported.
PURE = "AGENT_ANALYTICS_PURE"


class Finder:
    """Finds these modules by their names: compiled, or as they are written.

    An import by itself would prefer any compiled module that lies beside a text, whatever it is of.

    Args:
        files: What each is loaded from; one that is not among them is found as any other.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return how a module is loaded, if it is one of those."""
        del path, target
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def why_pure(folder: Path, top: Path) -> str | None:
    """Return why what is compiled is not used; ``None`` where it may be.

    Args:
        folder: Where what is compiled is.
        top: The folder that the processor's part of ``agent_analytics`` is in.
    """
    files = {name: compiled_file(name, folder) for name in MODULES}
    if not any(files.values()):
        return "none is compiled"
    if os.environ.get(PURE) == "1":
        return f"{PURE} is set"
    for name, file in files.items():
        short = name.removeprefix("agent_analytics.")
        if file is None:
            return f"{short} is not compiled"
        if not text_of(name, top).is_file():
            continue  # no text is there to differ from
        try:
            mark = marks_file(file).read_text(encoding="ascii").partition("\n")[0].strip()
            same = mark == mark_of(name, top)
        except (OSError, ValueError):
            return f"it is not known what the compiled {short} was made from"
        if not same:
            return f"the compiled {short} is of another text"
    return None


def _written(top: Path) -> dict[str, Path]:
    """Return the texts of the modules, or what Python has made of them, where those are files."""
    texts = {name: text_of(name, top) for name in MODULES}
    files = {
        name: next((one for one in (text, text.with_suffix(".pyc")) if one.is_file()), None)
        for name, text in texts.items()
    }
    return {name: file for name, file in files.items() if file is not None}


def _opened(folder: Path) -> dict[str, Path]:
    """Return the compiled modules; each is opened before the first is imported.

    Raises:
        ImportError: One is made for another machine.
    """
    files = {name: file for name in MODULES if (file := compiled_file(name, folder)) is not None}
    for name, file in files.items():
        spec = spec_from_file_location(name, file)
        if spec is not None:
            module_from_spec(spec)
    return files


def _use(folder: Path, top: Path) -> str | None:
    """Have the modules found; return why they are as written, ``None`` where compiled."""
    why = why_pure(folder, top)
    files: dict[str, Path] = {}
    if why is None:
        try:
            files = _opened(folder)
        except ImportError as error:
            why = f"the compiled ones cannot be loaded: {error}"
    sys.meta_path.insert(0, Finder(files if why is None else _written(top)))
    return why


_HERE = Path(__file__).parent
#: Why all modules run as they are written; ``None`` where the compiled ones are in use.
WHY_PURE = _use(_HERE, _HERE.parents[2])


def in_use() -> str:
    """Return which core counts, in a few words, for people."""
    return "compiled core" if WHY_PURE is None else f"pure Python core ({WHY_PURE})"
