"""Counting: the core, which every decorated span pays for, and what is counted beside it.

``core.py`` runs as it is. Where a compiled core lies beside it, that is used, unless it was
compiled from another text than is there now, or ``AGENT_ANALYTICS_PURE=1`` is set. Both count
alike. Where ``core.py`` is no file (archives, programs that are frozen, folders of ``.pyc``), what
an import finds is used.
"""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import pathlib
import sys

#: Forces the core as it is written, when it is built and when it is imported.
PURE = "AGENT_ANALYTICS_PURE"
_CORE = f"{__name__}.core"


def mark_of(folder: pathlib.Path) -> str:
    """Return the mark of what a core is compiled from: of its text, and of the types beside it."""
    return hashlib.sha256(
        (folder / "core.py").read_bytes() + (folder / "core.pxd").read_bytes()
    ).hexdigest()


def why_pure(folder: pathlib.Path) -> str | None:
    """Return why the compiled core of a folder is not used; ``None`` where it may be."""
    compiled = [folder / f"core{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES]
    found = next((path for path in compiled if path.exists()), None)
    if found is None:
        return "none is compiled"
    if os.environ.get(PURE) == "1":
        return f"{PURE} is set"
    if not (folder / "core.py").is_file():
        return None  # no text is there to differ from
    try:
        mark = pathlib.Path(f"{found}.sha256").read_text(encoding="ascii")
        same = mark.partition("\n")[0].strip() == mark_of(folder)
    except (OSError, ValueError):
        return "it is not known what the compiled one was made from"
    return None if same else "the compiled one is of another text"


def _import_written(folder: pathlib.Path) -> bool:
    """Import the core in Python, and return whether that is what there was.

    An import would pass over its file for the compiled core beside it. Where it has no file, an
    import finds what there is: in an archive, in a program that is frozen.
    """
    files = (folder / "core.py", folder / "core.pyc")
    file = next((file for file in files if file.is_file()), None)
    spec = (
        importlib.util.find_spec(_CORE)
        if file is None
        else importlib.util.spec_from_file_location(_CORE, file)
    )
    if spec is None or spec.loader is None:
        msg = f"No module named {_CORE!r}"
        raise ModuleNotFoundError(msg, name=_CORE)
    module = importlib.util.module_from_spec(spec)
    in_python = not isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)
    if in_python:
        module.__file__ = str(folder / "core.py")  # by which the core knows that it is not compiled
    sys.modules[_CORE] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(_CORE, None)
        raise
    globals()["core"] = module  # as an import leaves it
    return in_python


def _import_core(folder: pathlib.Path) -> str | None:
    """Import the core, and return why it is pure Python; ``None`` where it is compiled."""
    why = why_pure(folder)
    if why is None:
        try:
            importlib.import_module(_CORE)
        except ImportError as error:  # made for another machine
            why = f"the compiled one cannot be loaded: {error}"
    return why if why is not None and _import_written(folder) else None


#: Why the core is pure Python; ``None`` where the compiled one is in use.
WHY_PURE = _import_core(pathlib.Path(__file__).parent)


def in_use() -> str:
    """Return which core counts, in a few words, for people."""
    return "compiled core" if WHY_PURE is None else f"pure Python core ({WHY_PURE})"


__all__ = ["PURE", "WHY_PURE", "in_use", "mark_of", "why_pure"]
