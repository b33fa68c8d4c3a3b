"""The modules that are compiled, and the marks by which one is known to be of its text.

The hook of the build (``hatch_build.py``) reads this file, too, where nothing else of the package
can be imported: it needs the standard library alone.
"""

import hashlib
import importlib.machinery
import re
from pathlib import Path
from typing import Final

#: Each is compiled from its own text, with the types of the ``.pxd`` beside it, if there is one.
MODULES: Final = (
    "agent_analytics.processor._count.core",
    "agent_analytics.exporters._http.lines",
)
_CIMPORT: Final = re.compile(r"^from (agent_analytics[.\w]+) cimport ", re.MULTILINE)


def text_of(name: str, top: Path) -> Path:
    """Return the text of a module, whether it is there or not.

    Args:
        name: The module.
        top: The folder that the processor's part of ``agent_analytics`` is in: an environment's
            packages, which hold all parts, or one of a checkout, which has a folder for each.
    """
    path = Path(*name.split(".")).with_suffix(".py")
    installed = top / path
    return installed if installed.is_file() else top.parent / name.split(".")[1] / path


def mark_of(name: str, top: Path) -> str:
    """Return the mark of what a module is compiled from: its text, and the types that it knows.

    Args:
        name: The module.
        top: As above.
    """
    text = text_of(name, top)
    parts = [text.read_bytes()]
    types = text.with_suffix(".pxd")
    if types.is_file():
        parts.append(types.read_bytes())
        others = sorted(set(_CIMPORT.findall(parts[1].decode())))
        parts += [text_of(name, top).with_suffix(".pxd").read_bytes() for name in others]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def compiled_file(name: str, folder: Path) -> Path | None:
    """Return what is compiled of a module for this Python, where it is there.

    It is called after the whole name, in a folder of its own: no import finds it by itself.

    Args:
        name: The module.
        folder: Where what is compiled is.
    """
    files = (folder / f"{name}{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    return next((file for file in files if file.is_file()), None)


def marks_file(compiled: Path) -> Path:
    """Return where the marks of a compiled module are."""
    return compiled.with_name(f"{compiled.name}.sha256")
