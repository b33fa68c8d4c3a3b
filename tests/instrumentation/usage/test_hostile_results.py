"""What a function returns is read as plain data alone: nothing of it is run, whatever it is."""

# Classes break every rule on purpose.
# pyright: reportAssignmentType=false, reportIncompatibleMethodOverride=false
# pyright: reportIncompatibleVariableOverride=false, reportPrivateUsage=false

import asyncio
import builtins
import sys
import threading
from collections import ChainMap, OrderedDict, UserDict
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple, NoReturn, TypedDict

import attrs
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint
from tests import forked
from tests.patience import patience

from agent_analytics.instrumentation import agent, tool
from agent_analytics.instrumentation._strangers.plain_data import plain, reading
from agent_analytics.instrumentation._usage.usage import read_usage

Said = Callable[[], dict[str, object]]
#: What was run of what a function returned.
SPRUNG: list[str] = []
TOKENS = {"input_tokens": 5, "output_tokens": 3}


def trap(name: str) -> Callable[..., NoReturn]:
    """Return a method that notes that it was run, and ends the process."""

    def spring(*_args: object, **_kwargs: object) -> NoReturn:
        SPRUNG.append(name)
        raise SystemExit(name)

    return spring


SPECIAL = [
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "hash",
    "bool",
    "len",
    "iter",
    "next",
    "contains",
    "getitem",
    "setitem",
    "delitem",
    "reversed",
    "str",
    "repr",
    "format",
    "bytes",
    "int",
    "float",
    "index",
    "complex",
    "round",
    "trunc",
    "floor",
    "ceil",
    "abs",
    "neg",
    "pos",
    "add",
    "radd",
    "sub",
    "mul",
    "call",
    "getattr",
    "getattribute",
    "dir",
    "enter",
    "exit",
    "aiter",
    "anext",
    "await",
    "copy",
    "deepcopy",
    "reduce",
    "reduce_ex",
    "instancecheck",
    "subclasscheck",
    "length_hint",
    "missing",
    "fspath",
    "sizeof",
]
#: Looked up on the class alone, by Python itself for a with statement, an await, a loop: none here.
PROTOCOLS = {"next", "iter", "enter", "exit", "aiter", "anext", "await"}
TRAPS: dict[str, Any] = {f"__{name}__": trap(name) for name in SPECIAL}
#: A result that can be iterated over, awaited or entered is a stream, and a call lasts as long.
ANSWER: dict[str, Any] = {
    name: value for name, value in TRAPS.items() if name.strip("_") not in PROTOCOLS
}
PROPERTIES: dict[str, Any] = {
    name: property(trap(name))
    for name in (
        "usage", "message", "response", "data", "model", "metadata", "isError", "is_error", "items",
        "keys", "get", "values", "read", "body_iterator", "input_tokens", "prompt_tokens",
        "usage_metadata", "prompt_token_count", "__wrapped__", "__class__", "__dict__", "type",
        "DESCRIPTOR", "__pydantic_fields__x",
    )
}  # fmt: skip


class TrappingMeta(type):
    """Answers nothing about its classes."""

    for _name in ("eq", "hash", "getattribute", "getattr", "bool", "repr", "str", "iter", "len"):
        locals()[f"__{_name}__"] = trap(f"meta {_name}")
    __mro__ = __name__ = __module__ = property(trap("meta property"))


def made(bases: tuple[type, ...] = (), meta: type[type] = type, **more: Any) -> Any:  # noqa: ANN401 - any class
    """Return a new class that traps whatever Python lets it define."""
    namespace = {**ANSWER, **PROPERTIES, **more, "__module__": "shop"}
    if bases:
        namespace.pop("__dict__")
    return type.__new__(meta, "Hostile", bases, namespace)


def bare(kind: Any, *arguments: object) -> Any:  # noqa: ANN401 - any instance
    """Return an instance, made by its first base alone."""
    base: Any = type.__dict__["__mro__"].__get__(kind)[1]
    return base.__new__(kind, *arguments)


KEYS = made((str,), __hash__=str.__hash__)


def hostile_keys() -> dict[Any, Any]:
    """Return a dictionary with keys that are found where a text is looked for, and then asked."""
    found: dict[Any, Any] = {}
    for name in ("usage", "message", "input_tokens", "ResponseMetadata", "messages", "isError"):
        found[bare(KEYS, name)] = TOKENS
    return found


VALUES: dict[str, Callable[[], Any]] = {
    "object": lambda: bare(made()),
    "metaclass": lambda: bare(made(meta=TrappingMeta)),
    "dict": lambda: bare(made((dict,))),
    "list": lambda: bare(made((list,))),
    "tuple": lambda: bare(made((tuple,)), (1, TOKENS)),
    "str": lambda: bare(made((str,)), "usage"),
    "int": lambda: bare(made((int,)), 5),
    "float": lambda: bare(made((float,)), 5.0),
    "set": lambda: bare(made((set,))),
    "bytes": lambda: bare(made((bytes,)), b"1"),
    "mapping": lambda: bare(made((UserDict,))),
    "keys": hostile_keys,
    "proxy": lambda: MappingProxyType(bare(made((dict,)))),
    "exception": lambda: bare(made((Exception,))),
    "class": lambda: made(meta=TrappingMeta),
    "iterable": lambda: bare(made(__iter__=trap("iter"))),
    "sized": lambda: bare(made(__iter__=trap("iter"), __len__=trap("len"))),
    # wrapt 2.0 has descriptors of its own, in C; these are of other classes.
    "stolen": lambda: bare(
        made(__dict__=vars(Data)["__dict__"], usage=vars(Slotted)["output_tokens"])
    ),
    "chained": lambda: ChainMap(bare(made((dict,)))),
}
PLACES: dict[str, Callable[[Any], Any]] = {
    "itself": lambda value: value,
    "usage": lambda value: {"usage": value},
    "message": lambda value: {"message": value, "data": value},
    "tokens": lambda value: {"usage": dict.fromkeys([*TOKENS, "total_tokens", "cost"], value)},
    "details": lambda value: {"usage": TOKENS | {"input_tokens_details": value, "cost": value}},
    "model": lambda value: {"usage": TOKENS, "model": value, "provider": value, "id": value},
    "type": lambda value: {"type": value, "event": value, "usage": value, "done": value},
    "messages": lambda value: {"messages": [value, {"usage": TOKENS, "role": value}]},
    "parts": lambda value: {"messages": [{"usage": TOKENS, "parts": [value]}]},
    "list": lambda value: [value, {"usage": [value]}],
    "pair": lambda value: (value, {"usage": value}),
    "attribute": lambda value: SimpleNamespace(usage=value, response=value, isError=value),
    "attributes": lambda value: SimpleNamespace(usage=SimpleNamespace(prompt_tokens=value)),
    "model_usage": lambda value: {"model_usage": {"m": value, "n": TOKENS}, "_lm_usage": value},
    "boto": lambda value: {"ResponseMetadata": value, "body": value},
    "contents": lambda value: {"contents": [{"type": value, "details": value}, value]},
    "error": lambda value: {"isError": value, "is_error": value},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_was_run() -> Iterator[None]:
    SPRUNG.clear()
    yield
    assert not SPRUNG


@agent(publisher_id="acme", agent_id="finder")
def give(value: Any) -> Any:  # noqa: ANN401 - any
    """Return a value."""
    return value


@tool
def give_as_tool(value: Any) -> Any:  # noqa: ANN401 - any
    """Return a value."""
    return value


@agent(publisher_id="acme", agent_id="finder")
def stream(value: Any) -> Iterator[Any]:  # noqa: ANN401 - any
    """Yield a value twice."""
    yield value
    yield value


@agent(publisher_id="acme", agent_id="finder")
async def stream_later(value: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - any
    """Yield a value."""
    yield value


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", VALUES)
def test_nothing_is_run(what: str, place: str) -> None:
    """The host gets back what it returned, and nothing of that was asked anything."""
    result = PLACES[place](VALUES[what]())
    assert give(result) is result
    assert give_as_tool(result) is result
    for chunk in stream(result):
        assert chunk is result

    async def main() -> None:
        async for chunk in stream_later(result):
            assert chunk is result

    asyncio.run(main())


def test_a_slow_property_costs_nothing(said: Said) -> None:
    """A property that waits for ever is not waited for."""
    answered = threading.Event()

    class Slow:
        """Reaches out to a network."""

        @property
        def usage(self) -> object:
            answered.wait()
            return TOKENS

    give(Slow())
    assert "gen_ai.usage.input_tokens" not in said()


def test_an_exit_of_a_signal_passes() -> None:
    """Somebody's exit while usage is read ends the process, as it would elsewhere."""
    program = """
import signal, sys
from agent_analytics.instrumentation import agent
from agent_analytics.instrumentation._usage import usage
def on_term(*_): sys.exit(7)
signal.signal(signal.SIGTERM, on_term)
read = usage._usage_of
def slow(source):
    signal.raise_signal(signal.SIGTERM)
    return read(source)
usage._usage_of = slow
agent(publisher_id="a", agent_id="b")(lambda: {"usage": {"input_tokens": 1}})()
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry import trace
trace.set_tracer_provider(TracerProvider())
agent(publisher_id="a", agent_id="b")(lambda: {"usage": {"input_tokens": 1}})()
"""
    done = forked.run([sys.executable, "-c", program], check=False, timeout=patience(120))
    assert done.returncode == 7


# --- what holds plain data is read as ever -------------------------------------------------------


class Model(pydantic.BaseModel):
    """A model as SDKs have it."""

    model_config = pydantic.ConfigDict(extra="allow")
    input_tokens: int = 5
    output_tokens: int = 3


class Private(pydantic.BaseModel):
    """Keeps its state to itself."""

    _state: Any = pydantic.PrivateAttr(default_factory=lambda: SimpleNamespace(usage=Model()))


@dataclass
class Data:
    """A dataclass."""

    input_tokens: int = 5
    output_tokens: int = 3


@dataclass(slots=True, frozen=True)
class Slotted:
    """One with slots."""

    input_tokens: int = 5
    output_tokens: int = 3


class Fields(NamedTuple):
    """A tuple with names."""

    input_tokens: int = 5
    output_tokens: int = 3


class Typed(TypedDict):
    """A dictionary with declared keys."""

    input_tokens: int
    output_tokens: int


@attrs.define
class Attrs:
    """A class of attrs, with slots."""

    input_tokens: int = 5
    output_tokens: int = 3


@attrs.define(slots=False)
class AttrsWithDict:
    """A class of attrs, without."""

    input_tokens: int = 5
    output_tokens: int = 3


class Count(IntEnum):
    """Numbers of a class of their own."""

    FIVE = 5
    THREE = 3


class Name(StrEnum):
    """Names of a class of their own."""

    SMALL = "small"


class Guarded:
    """Holds data, and lets nobody read it but by its ``__dict__``."""

    def __init__(self) -> None:
        object.__getattribute__(self, "__dict__").update(TOKENS)

    __getattribute__ = trap("getattribute")


class Kept:
    """Keeps all in one dictionary, as the models of azure-ai-inference 1.0.0b9 do."""

    def __init__(self) -> None:
        self._data = dict(TOKENS)
        self._other = 1

    __getitem__ = keys = __iter__ = trap("mapping")


@pytest.mark.parametrize(
    "make",
    [
        Model, Data, Slotted, Fields, Attrs, AttrsWithDict, Guarded, Kept,
        lambda: Typed(input_tokens=5, output_tokens=3),
        lambda: OrderedDict(TOKENS), lambda: UserDict(TOKENS), lambda: MappingProxyType(TOKENS),
        lambda: SimpleNamespace(**TOKENS), lambda: Model.model_validate({"extra": 1}),
        lambda: {"input_tokens": Count.FIVE, "output_tokens": Count.THREE},
        lambda: {"input_tokens": 5.0, "output_tokens": 3, bare(KEYS, "total_tokens"): 900},
        pydantic.create_model("Made", input_tokens=(int, 5), output_tokens=(int, 3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("round_it", ["usage", "data", "_raw_response"])
def test_plain_data_is_read(make: Callable[[], Any], round_it: str, said: Said) -> None:
    """Models, dataclasses, attrs, slots, mappings: what they hold is what they used."""
    usage = make()
    give({round_it: usage if round_it == "usage" else {"usage": usage}, "model": Name.SMALL})
    found = said()
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (5, 3)
    assert found["gen_ai.request.model"] == "small"


def test_private_attributes_of_models_are_read() -> None:
    """What a model of pydantic keeps under its private names is data, too."""
    found = read_usage(Private())
    assert found is not None
    assert found.usages[0].input_tokens == 5


def test_protocol_buffers_are_read() -> None:
    """Messages of protocol buffers and what proto-plus wraps round them have their fields."""
    point = ExponentialHistogramDataPoint(count=5, sum=3.0)
    assert plain(point, "count") == 5
    assert plain(SimpleNamespace(_pb=point), "count") == 5
    assert plain(point, "none") is None


@given(st.dictionaries(st.text(max_size=3) | st.integers(), st.integers()))
def test_a_dictionary_is_read_as_it_says(fields: dict[Any, int]) -> None:
    """Within one reading and without, a key that is a text is found, and no other."""
    with reading():
        for key in ("a", *(each for each in fields if isinstance(each, str))):
            assert plain(fields, key) == fields.get(key)
    assert all(plain(fields, key) == value for key, value in fields.items() if isinstance(key, str))


def test_a_dictionary_of_data_is_not_gone_through() -> None:
    """Of more keys than an answer has, none is looked at."""
    assert read_usage({"usage": TOKENS} | {str(n): n for n in range(5_000)}) is None
    assert builtins.len(SPRUNG) == 0
