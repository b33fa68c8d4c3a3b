"""The static call graph of the processor, and the walk of a span through it.

Calls are resolved by annotations: of parameters, of what functions return, and of what ``__init__``
keeps. A function that is passed on (``partial(self.take, node)``) counts as called.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef


class Place(NamedTuple):
    """Where a function is: the module, by the last part of its name, and the function in it."""

    module: str
    name: str

    @property
    def owner(self) -> str:
        """The class that it is a method of, or an empty text."""
        return self.name.rpartition(".")[0]


@dataclass
class Code:
    """The functions and classes of a folder, and which of them call which."""

    functions: dict[Place, Function] = field(default_factory=dict[Place, Function])
    classes: dict[str, tuple[str, ast.ClassDef]] = field(
        default_factory=dict[str, tuple[str, ast.ClassDef]]
    )
    imports: dict[str, dict[str, Place]] = field(default_factory=dict[str, dict[str, Place]])
    #: What is known of the attributes of classes, and of the names in functions: a class each.
    attributes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    names: dict[Place, dict[str, str]] = field(default_factory=dict[Place, dict[str, str]])

    def calls(self, place: Place) -> list[Place]:
        """Return what a function calls, or passes on, in the order of its text."""
        found: dict[Place, None] = {}
        for node in ast.walk(self.functions[place]):
            if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                called = self._resolve(node, place)
                if called is not None and called != place:
                    found[called] = None
        return list(found)

    # --- reading ---------------------------------------------------------------------------------

    def read(self, module: str, tree: ast.Module) -> None:
        """Take in the definitions of a module."""
        self.imports[module] = {}
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[Place(module, node.name)] = node
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = (module, node)
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        self.functions[Place(module, f"{node.name}.{inner.name}")] = inner
            elif isinstance(node, ast.ImportFrom) and node.module:
                of = node.module.rpartition(".")[2]
                for alias in node.names:
                    self.imports[module][alias.asname or alias.name] = Place(of, alias.name)

    def learn(self) -> None:
        """Find out of which class names and attributes are, as far as annotations say so."""
        for name, (_, node) in self.classes.items():
            known = self.attributes.setdefault(name, {})
            for inner in node.body:
                if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                    _put(known, inner.target.id, self._class_in(inner.annotation))
                elif isinstance(inner, ast.FunctionDef) and _is_property(inner):
                    _put(known, inner.name, self._class_in(inner.returns))
        for _ in range(3):  # what one learns, others need
            for place, function in self.functions.items():
                self._learn_names(place, function)

    def _learn_names(self, place: Place, function: Function) -> None:
        names = self.names.setdefault(place, {})
        if place.owner:
            names["self"] = place.owner
        for argument in (*function.args.args, *function.args.kwonlyargs):
            _put(names, argument.arg, self._class_in(argument.annotation))
        for target, annotation, value in _assignments(function):
            found = self._class_in(annotation)
            if found is None and value is not None:
                found = self._class_of(value, place)
            if isinstance(target, ast.Name):
                _put(names, target.id, found)
            elif isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                _put(self.attributes.get(place.owner, {}), target.attr, found)

    # --- resolving -------------------------------------------------------------------------------

    def _class_in(self, annotation: ast.expr | None) -> str | None:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            annotation = ast.parse(annotation.value, mode="eval").body
        for node in () if annotation is None else ast.walk(annotation):
            name = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
            if name in self.classes:
                return name
        return None

    def _class_of(self, value: ast.expr, place: Place) -> str | None:
        if isinstance(value, ast.Name):
            return self.names.get(place, {}).get(value.id)
        if isinstance(value, ast.Attribute):
            owner = self._class_of(value.value, place)
            return None if owner is None else self._attribute(owner, value.attr)
        if isinstance(value, ast.BoolOp):
            found = [self._class_of(each, place) for each in value.values]
            return next((each for each in found if each is not None), None)
        if isinstance(value, ast.IfExp):
            return self._class_of(value.body, place) or self._class_of(value.orelse, place)
        return self._made_by(value, place) if isinstance(value, ast.Call) else None

    def _made_by(self, value: ast.Call, place: Place) -> str | None:
        called = value.func.value if isinstance(value.func, ast.Subscript) else value.func
        name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", None)
        if name in self.classes:
            return name
        function = self._resolve(called, place)
        return None if function is None else self._class_in(self.functions[function].returns)

    def _resolve(self, node: ast.expr, place: Place) -> Place | None:
        if isinstance(node, ast.Name):
            if node.id in self.names.get(place, {}):
                return None
            here = Place(place.module, node.id)
            found = here if here in self.functions else self.imports[place.module].get(node.id)
            return found if found in self.functions else None
        if not isinstance(node, ast.Attribute):
            return None
        owner = self._class_of(node.value, place)
        if owner is not None:
            return self._method(owner, node.attr)
        if isinstance(node.value, ast.Name):
            module = self.imports[place.module].get(node.value.id)
            found = None if module is None else Place(module.name, node.attr)
            return found if found in self.functions else None
        return None

    def _attribute(self, owner: str, name: str) -> str | None:
        found = self.attributes[owner].get(name)
        for base in self.classes[owner][1].bases if found is None else ():
            of = self._class_in(base)
            found = found or (None if of is None else self._attribute(of, name))
        return found

    def _method(self, owner: str, name: str) -> Place | None:
        module, node = self.classes[owner]
        found = Place(module, f"{owner}.{name}")
        if found in self.functions:
            return found
        for base in node.bases:
            of = self._class_in(base)
            inherited = None if of is None else self._method(of, name)
            if inherited is not None:
                return inherited
        return None


def read(folder: Path) -> Code:
    """Return the code below a folder."""
    code = Code()
    for path in sorted(folder.rglob("*.py")):
        code.read(path.stem, ast.parse(path.read_text(encoding="utf-8")))
    code.learn()
    return code


def _put(known: dict[str, str], name: str, found: str | None) -> None:
    if found is not None:
        known.setdefault(name, found)


def _is_property(function: Function) -> bool:
    return any(
        isinstance(one, ast.Name) and one.id == "property" for one in function.decorator_list
    )


def _assignments(
    function: Function,
) -> Iterator[tuple[ast.expr, ast.expr | None, ast.expr | None]]:
    """Yield the targets of a function's assignments, with annotation and value."""
    for node in ast.walk(function):
        if isinstance(node, ast.AnnAssign):
            yield node.target, node.annotation, node.value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    yield one, None, value
            else:
                yield target, None, node.value


# --- the walk ------------------------------------------------------------------------------------


def adds_to_cells(function: Function) -> bool:
    """Return whether a function adds to cells of series; the core writes its sums out."""
    for node in ast.walk(function):
        target: ast.expr | None = node.target if isinstance(node, ast.AugAssign) else None
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            (target, *_) = node.targets
        if isinstance(target, ast.Subscript) and ast.unparse(target.value).endswith(
            ("cells", "view")
        ):
            return True
    return False


def reach(starts: Iterable[Place], graph: dict[Place, list[Place]]) -> set[Place]:
    """Return what can be reached from some functions, themselves included."""
    seen, left = set(starts), list(starts)
    while left:
        for one in graph.get(left.pop(), []):
            if one not in seen:
                seen.add(one)
                left.append(one)
    return seen


def between(graph: dict[Place, list[Place]], start: Place, ends: set[Place]) -> set[Place]:
    """Return the functions that are on a way from one to any of some others."""
    back: dict[Place, list[Place]] = {}
    for place, called in graph.items():
        for one in called:
            back.setdefault(one, []).append(place)
    return reach([start], graph) & reach(ends, back)
