"""What values of strangers hold as plain data, read without running anything of theirs.

No property, no ``__getattr__``, no method of a class that is none of Python's own: those may warn,
reach out to a network, take minutes or end the process. So attributes are read off an object's
``__dict__`` and its slots, keys off dictionaries by ``dict`` itself, classes by ``type`` itself.
Beside those, the layouts of a few libraries are known: protocol buffers, what wraps them, and
mappings that keep all they have in a dictionary.
"""

# ruff: noqa: ANN401 - what is read is of any type

import gc
import sys
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from types import GetSetDescriptorType, MappingProxyType, MemberDescriptorType, NoneType
from typing import Any, Final, NamedTuple, cast

#: Exact types that carry no fields: the early way out for most results and chunks.
PLAIN: Final[frozenset[type[Any]]] = frozenset(
    {str, bytes, bytearray, int, float, complex, bool, NoneType, list, tuple, set, frozenset}
)
#: The same by identity: a metaclass may have made anything of the hash of its classes.
PLAIN_IDS: Final = frozenset(map(id, PLAIN))
#: Past whatever a metaclass has made of the names.
_ancestors: Final[Any] = type.__dict__["__mro__"].__get__
_namespace: Final[Any] = type.__dict__["__dict__"].__get__
_module: Final[Any] = type.__dict__["__module__"].__get__
_qualified_name: Final[Any] = type.__dict__["__qualname__"].__get__


class _Sample(NamedTuple):
    field: int = 0


_FIELD: Final[object] = _Sample.__dict__["field"]
_SLOTS: Final = frozenset((id(MemberDescriptorType), id(type(_FIELD))))
#: What Python says of the descriptor that it gives each class whose instances have a dictionary.
_OWN_DICT: Final = type("_", (), {}).__dict__["__dict__"].__doc__
#: What pydantic keeps beside the fields that a model declares.
_BESIDE: Final = ("__pydantic_extra__", "__pydantic_private__")
#: Where proto-plus keeps the message that it wraps.
_WRAPPED_MESSAGE: Final = "_pb"
#: What a class has that passes for a mapping.
_MAPPING: Final = ("__getitem__", "keys")
#: The one class of messages of protocol buffers in C, and what the classes in Python are made by.
_IN_C: Final = ("google._upb._message", "Message")
_IN_PYTHON: Final = ("google.protobuf.internal.python_message", "_FieldProperty")

#: More keys are data, and no answer.
_MOST_KEYS: Final = 4_096

_reading: Final = threading.local()


def is_plain(value: object) -> bool:
    """Tell whether a value is exactly of a type that carries no fields."""
    return id(type(value)) in PLAIN_IDS


def namespaces(kind: type) -> Iterator[Mapping[str, object]]:
    """Yield what a class and its ancestors define, the nearest first."""
    for ancestor in _ancestors(kind):
        yield _namespace(ancestor)


def defined(kind: type, name: str) -> object:
    """Return what a class or one of its ancestors has under a name, as it stands there."""
    for ancestor in _ancestors(kind):
        names = _namespace(ancestor)
        if name in names:
            found: object = names[name]
            return found
    return None


def full_names(kind: type) -> Iterator[str]:
    """Yield the full names of a class and its ancestors; what is no text is no name."""
    for ancestor in _ancestors(kind):
        module, name = _module(ancestor), _qualified_name(ancestor)
        if type(module) is str and type(name) is str:
            yield f"{module}.{name}"


def is_kind_of(kind: type, others: frozenset[int]) -> bool:
    """Tell whether a class or one of its ancestors is one of others, by their ``id()``."""
    return any(id(ancestor) in others for ancestor in _ancestors(kind))


@contextmanager
def reading() -> Generator[None]:
    """Look at the keys of each dictionary once, as long as this lasts in this thread."""
    if getattr(_reading, "known", None) is not None:
        yield
        return
    _reading.known = {}
    try:
        yield
    finally:
        _reading.known = None


def held(source: object) -> Mapping[str, object] | None:
    """Return what a dictionary, a mapping or an object holds as plain data, or ``None``."""
    kind = type(source)
    if issubclass(kind, dict):
        return _named(cast("dict[object, object]", source))
    if kind is MappingProxyType:
        behind: list[object] = gc.get_referents(source)
        return held(behind[0]) if len(behind) == 1 and issubclass(type(behind[0]), dict) else None
    own = own_fields(source)
    if own is not None and own and all(defined(kind, name) is not None for name in _MAPPING):
        # UserDict, the models of Azure's clients, DSPy's predictions.
        inner: list[Any] = [each for each in own.values() if type(each) is dict]
        if len(inner) == 1:
            return {**_named(inner[0]), **own}
    return own


def plain(source: object, key: str) -> object:
    """Return what a mapping or an object holds as plain data under a name, or ``None``."""
    kind = type(source)
    if id(kind) in PLAIN_IDS:
        return None
    fields = held(source)
    if fields is not None and (key in fields or issubclass(kind, dict)):
        return fields.get(key)
    found = slot(source, key)
    if found is not None:
        return found
    for name in _BESIDE:
        beside = slot(source, name)
        if type(beside) is dict:
            found = _named(cast("dict[object, object]", beside)).get(key)
            if found is not None:
                return found
    wrapped = None if fields is None else fields.get(_WRAPPED_MESSAGE)
    return _of_message(source if wrapped is None else wrapped, key)


def attribute(source: object, key: str) -> object:
    """Return an attribute of an object that is plain data, also of one that is a dictionary."""
    own = own_fields(source)
    return slot(source, key) if own is None or key not in own else own[key]


def constant(source: object, key: str) -> object:
    """Return plain data under a name: the object's own, or what its class says for all of them."""
    found = plain(source, key)
    if found is None and not is_plain(source):
        found = defined(type(source), key)
        if found is not None and defined(type(found), "__get__") is not None:
            return None  # a method or a property
    return found


def slot(source: object, key: str) -> object:
    """Return what is in a slot of an object, or in a field of a tuple with names."""
    for names in namespaces(type(source)):
        found = names.get(key)
        if found is not None:
            if id(type(found)) not in _SLOTS:
                return None
            descriptor: Any = found
            try:
                return descriptor.__get__(source)
            except (AttributeError, TypeError):
                return None  # a slot that nothing was put into, or of another class
    return None


def put(source: object, key: str, value: object) -> bool:
    """Put a value where ``attribute`` reads it from, and tell whether that could be done."""
    own = own_fields(source)
    if own is not None and key in own:
        if own is not own_fields(source):
            return False  # a copy: some of the keys are no texts, and may do anything
        own[key] = value
        return True
    found: Any = defined(type(source), key)
    if type(found) is not MemberDescriptorType:
        return False
    found.__set__(source, value)
    return True


def own_fields(source: object) -> dict[str, object] | None:
    """Return the ``__dict__`` of an object, past whatever its class made of that name."""
    for ancestor in _ancestors(type(source)):
        found: Any = _namespace(ancestor).get("__dict__")
        if found is not None:
            try:
                own = found.__get__(source) if _gives_own(ancestor, found) else None
            except (AttributeError, TypeError):
                return None  # the descriptor of another class
            return _named(cast("Any", own)) if type(own) is dict else None
    return None


def _gives_own(kind: type, descriptor: Any) -> bool:
    """Tell whether what a class has under ``__dict__`` gives the dictionary of its instances.

    Proxies that are written in C, such as wrapt's, give that of another object instead.
    """
    if type(descriptor) is GetSetDescriptorType:
        return bool(descriptor.__doc__ == _OWN_DICT or _module(kind) == "builtins")
    return type(descriptor) is MemberDescriptorType


def _named(fields: Any) -> dict[str, object]:
    """Return a dictionary as one that is asked without running anything of its keys or its class.

    A key of another class than ``str`` may have any ``__eq__``, which a look-up would ask.
    """
    known: dict[int, tuple[object, dict[str, object]]] | None = getattr(_reading, "known", None)
    if known is not None:
        found = known.get(id(fields))
        if found is not None:
            return found[1]
    looked: Any = dict
    if looked.__len__(fields) > _MOST_KEYS:
        return {}
    given: object = fields
    exact = type(given) is dict
    if exact and all([type(key) is str for key in fields]):  # noqa: C419 - a list is faster
        named: dict[str, object] = fields
    else:
        pairs: list[tuple[Any, object]] = list(looked.items(fields))
        named = {key: value for key, value in pairs if type(key) is str}
    if known is not None:
        known[id(fields)] = (fields, named)  # what is kept keeps its identity
    return named


def _of_message(source: object, key: str) -> object:
    """Return a field of a message of protocol buffers, which its library reads."""
    kind = type(source)
    in_c = _library_class(_IN_C)
    if in_c is not None and issubclass(kind, in_c):
        try:
            return in_c.__getattribute__(source, key)
        except AttributeError:
            return None
    in_python = _library_class(_IN_PYTHON)
    found: Any = defined(kind, key) if in_python is not None else None
    return found.__get__(source) if found is not None and type(found) is in_python else None


def _library_class(where: tuple[str, str]) -> Any:
    module = sys.modules.get(where[0])
    return None if module is None else vars(module).get(where[1])
