"""Usage in the shape of every library that was read: all of it, and nothing that is not data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from tests.instrumentation.shapes import FORMS, SHAPES, Form, anthropic, objects, usage

from agent_analytics.instrumentation import agent

Said = Callable[[], dict[str, object]]
Finished = Callable[[], list[Any]]


@agent
def answer(result: object) -> object:
    """Return what it is given."""
    return result


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape(shape: str, form: Form, said: Said) -> None:
    """Input is all input and output all output, with every part that the library tells of."""
    value, right = SHAPES[shape]
    given = form(value)
    assert answer(given) is given
    assert usage(said()) == right


def test_an_answer_of_two_models(finished: Finished) -> None:
    """An advisor's tokens are its model's, and never mix with those of the model that asked it."""
    iterations = [
        {"type": "message", "model": None, **anthropic(10, 20, 0, 0)},
        {"type": "advisor_message", "model": "large", **anthropic(500, 60, 0, 7)},
        {"type": "message", "model": "small", **anthropic(5, 2, 1, 0)},
    ]
    used = anthropic(15, 22, 1, 0, iterations=iterations)
    answer(objects({"model": "small", "usage": used}))
    told = [usage(span.attributes) for span in finished()]
    assert told == [
        {"input": 507, "output": 60, "written": 7, "model": "large"},
        {"input": 16, "output": 22, "cached": 1, "model": "small"},
    ]
    assert not any("marketplace.usage.own" in span.attributes for span in finished())


# --- other things that hold data -----------------------------------------------------------------


class _Slots:
    __slots__ = ("input_tokens", "output_tokens", "unset")

    def __init__(self) -> None:
        self.input_tokens, self.output_tokens = 5, 3


@dataclass(frozen=True, slots=True)
class _Data:
    input_tokens: int = 5
    output_tokens: int = 3


class _Tuple(NamedTuple):
    input_tokens: int = 5
    output_tokens: int = 3


class _Model:
    """Keeps what a provider sends beyond its fields as pydantic does."""

    __slots__ = ("__dict__", "__pydantic_extra__")

    def __init__(self) -> None:
        self.__dict__.update(prompt_tokens=5, completion_tokens=3, total_tokens=8)
        self.__pydantic_extra__ = {"prompt_cache_hit_tokens": 2}


@pytest.mark.parametrize("made", [_Slots, _Data, _Tuple, _Model])
def test_whatever_holds_the_numbers(made: Callable[[], object], said: Said) -> None:
    """Slots, tuples with names and fields beyond a model's are read."""
    answer(objects({"usage": made()}))
    found = usage(said())
    assert (found["input"], found["output"]) == (5, 3)


class _Exit(SystemExit):
    pass


class _Fatal:
    """Ends the process when anything that is no plain data is read."""

    def __getattr__(self, name: str) -> object:
        raise _Exit(name)

    @property
    def input_tokens(self) -> int:
        raise _Exit


class _Warning:
    """Usage whose old names warn, as pydantic-ai's do; the tests make errors of warnings."""

    def __init__(self) -> None:
        self.input_tokens, self.output_tokens = 5, 3
        self.read: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.__dict__["read"].append(name)
        raise AttributeError(name)


@pytest.mark.parametrize("where", [None, "usage", "data", "message"])
def test_nothing_reaches_the_host(where: str | None, said: Said) -> None:
    """Attributes that end the process do not: the host gets its result."""
    result: object = _Fatal() if where is None else {where: _Fatal()}
    assert answer(result) is result
    assert usage(said()) == {}


def test_no_attribute_is_evaluated_that_was_not() -> None:
    """Where usage holds plain data, nothing of its class is run."""
    used = _Warning()
    answer({"usage": used})
    assert used.read == []
