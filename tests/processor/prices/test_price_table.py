"""A price table of one's own: exact, read again when it changes, and clear about what is wrong."""

import decimal
import json
import logging
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.processor import FilePrices, ModelCall

PRICES = st.decimals(min_value=0, max_value=10_000, places=9, allow_nan=False)
TOKENS = st.integers(0, 10**9)
ALL = {"input": 3, "output": 15, "cached": 0.3, "cache_write": 3.75, "reasoning": 20}


def table(path: Path, models: Mapping[str, Mapping[str, object]]) -> Path:
    """Write a table of prices."""
    path.write_text(json.dumps(models))
    return path


def call(model: str, provider: str | None = None, response: str | None = None) -> ModelCall:
    """Return a call with a million input tokens, which costs what a price list says of them."""
    return ModelCall(model, provider, response, input_tokens=1_000_000)


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return its time."""
        return self.now


# --- what calls cost ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prices", "usd"),
    [
        (ALL, "4.19"),
        ({"input": 3, "output": 15}, "4.5"),
        ({"input": 3, "output": 15, "cached": 0}, "3.6"),
        ({"input": 3, "output": 15, "cache_write": 4}, "4.7"),
        ({"input": 3, "output": 15, "reasoning": 0}, "3.45"),
        ({"input": 0, "output": 0}, "0"),
    ],
)
def test_each_kind_of_token_has_its_price(
    tmp_path: Path, prices: Mapping[str, object], usd: str
) -> None:
    """Cached and written tokens are part of the input, reasoning of the output, each paid once."""
    known = FilePrices(table(tmp_path / "t", {"m": prices}))
    used = ModelCall("m", None, None, 1_000_000, 100_000, 300_000, 200_000, 70_000)
    # 500,000 fresh, 300,000 cached, 200,000 written; 30,000 output, 70,000 reasoning
    assert known.usd(used) == Decimal(usd)


@settings(max_examples=examples(100), deadline=None)
@given(
    prices=st.fixed_dictionaries(dict.fromkeys(ALL, PRICES)),
    tokens=st.lists(TOKENS, min_size=5, max_size=5),
)
def test_amounts_are_exact(prices: Mapping[str, Decimal], tokens: list[int]) -> None:
    """Any tokens at any prices cost the sum of products, in whatever decimal context."""
    fresh, cached, written, plain, reasoning = tokens
    with TemporaryDirectory() as directory:
        path = Path(directory) / "t"
        fields = ", ".join(f'"{name}": {price:f}' for name, price in prices.items())
        path.write_text(f'{{"m": {{{fields}}}}}')
        known = FilePrices(path)
    used = ModelCall(
        "m", None, None, fresh + cached + written, plain + reasoning, cached, written, reasoning
    )
    with decimal.localcontext(decimal.Context(prec=3, traps=[decimal.Inexact])):
        usd = known.usd(used)
    kinds = ("input", "cached", "cache_write", "output", "reasoning")
    exact = sum(Fraction(prices[kind]) * number for kind, number in zip(kinds, tokens, strict=True))
    assert usd is not None
    assert Fraction(usd) == exact / 1_000_000


@pytest.mark.parametrize(
    ("prices", "usd"),
    [
        ({"cache_write": 3.75, "cache_write_1h": 6}, "0.6"),
        ({"cache_write": 3.75}, "0.4875"),
        ({"cache_write_1h": 6}, "0.54"),
        ({}, "0.39"),
    ],
)
def test_an_hour_in_the_cache_has_its_price(
    tmp_path: Path, prices: Mapping[str, object], usd: str
) -> None:
    """What is kept for an hour costs its own price, else what writing costs, else as input."""
    known = FilePrices(table(tmp_path / "t", {"m": {"input": 3, "output": 0, **prices}}))
    used = ModelCall("m", None, None, 130_000, 0, 0, 130_000, 0, None, 50_000)
    # 80,000 written for five minutes, 50,000 for an hour
    assert known.usd(used) == Decimal(usd)


# --- which price ----------------------------------------------------------------------------------

NAMES = {
    "gpt-4o": 1, "gpt-4o-*": 2, "gpt-4o-mini*": 3, "gpt-*": 4, "azure/gpt-4o": 5, "azure/*": 6,
    "claude-*": 7, "dated-2": 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ("used", "price"),
    [
        (call("gpt-4o"), 1),
        (call("gpt-4o-2024-08-06"), 2),
        (call("gpt-4o-mini"), 3),
        (call("gpt-4o-mini-2024-07-18"), 3),
        (call("gpt-5"), 4),
        (call("gpt-"), 4),
        (call("gpt"), None),
        (call("GPT-4o"), None),
        (call("gpt-4o", "openai"), 1),
        (call("gpt-4o", "azure"), 5),
        (call("gpt-4o-mini", "azure"), 6),
        (call("claude-9", "azure"), 6),
        (call("claude-9", "az"), 7),
        (call("mine"), None),
        (call("mine", None, "dated-2"), 8),
        (call("gpt-4o", None, "dated-2"), 8),
        (call("gpt-4o", None, "gpt-4o-2024-08-06"), 1),
        (call("mine", None, "dated-2-2025-01-31"), 8),
        (call("gpt-5", None, "gpt-4o-mini-2024-07-18"), 3),
        (call("mine", "azure", "dated-2"), 6),
        (call("gpt-4o", "azure.ai.openai", "gpt-4o-mini-2024-07-18"), 3),
        (call("gpt-4o", "az.ai.inference", "mine-2"), 1),
        (call(""), None),
    ],
)
def test_the_most_telling_name_counts(tmp_path: Path, used: ModelCall, price: int | None) -> None:
    """Provider before none, a whole name before its beginning, the longer beginning first."""
    models = {name: {"input": number, "output": 0} for name, number in NAMES.items()}
    assert FilePrices(table(tmp_path / "t", models)).usd(used) == price


def test_an_asterisk_alone_is_every_other_model(tmp_path: Path) -> None:
    """The shortest beginning is the empty one."""
    models = {"*": {"input": 9, "output": 9}, "m": {"input": 1, "output": 1}}
    known = FilePrices(table(tmp_path / "t", models))
    assert [known.usd(call(name)) for name in ("m", "x", "")] == [1, 9, 9]
    assert known.usd(call("m", "azure")) == 1


def test_a_beginning_of_a_models_name_is_none_of_a_providers(tmp_path: Path) -> None:
    """What a model is called has nothing to do with who runs it."""
    models = {"az*": {"input": 9, "output": 9}, "azure*": {"input": 8, "output": 8}}
    known = FilePrices(table(tmp_path / "t", models))
    assert known.usd(call("m", "azure")) is None
    assert known.usd(call("azure-m", "azure")) == 8


# --- a file that changes --------------------------------------------------------------------------


def test_a_change_is_seen_after_five_seconds(tmp_path: Path) -> None:
    """Within five seconds the file is not looked at again; after that, its new prices count."""
    clock = Clock()
    path = table(tmp_path / "t", {"m": {"input": 1, "output": 1}})
    known = FilePrices(path, clock=clock)
    table(path, {"m": {"input": 2, "output": 1}})
    clock.now = 4.99
    assert known.usd(call("m")) == 1
    clock.now = 5.0
    assert known.usd(call("m")) == 2


def test_a_file_that_is_replaced_alike_in_size_and_time(tmp_path: Path) -> None:
    """A new file with the size and the times of the old one is seen nevertheless."""
    clock = Clock()
    path = table(tmp_path / "t", {"m": {"input": 1, "output": 1}})
    known = FilePrices(path, clock=clock)
    new = table(tmp_path / "new", {"m": {"input": 2, "output": 1}})
    stat = path.stat()
    os.utime(new, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    new.replace(path)
    clock.now = 5.0
    assert known.usd(call("m")) == 2


def test_a_broken_file_keeps_the_prices(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While it is wrong the old prices go on; each new state is told once, with the reason."""
    caplog.set_level(logging.INFO, "agent_analytics")
    clock = Clock()
    path = table(tmp_path / "t", {"m": {"input": 1, "output": 1}})
    whole = path.read_text()
    known = FilePrices(path, clock=clock)

    def look(text: str | None) -> list[str]:
        caplog.clear()
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        for _ in range(3):
            clock.now += 5
            assert known.usd(call("m")) == 1
        return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]

    beginning = f"WARNING agent-analytics: prices: {path} is no table of prices: "
    end = "; the prices read before it go on"
    (half,) = look(whole[:20])
    assert half.startswith(f"{beginning}line 1, column ")
    assert half.endswith(end)
    assert look('{"m": 1}') == [f"{beginning}'m': expected an object, got 1{end}"]
    assert look(None) == [f"WARNING agent-analytics: prices: {path} does not exist{end}"]
    assert look(whole) == [f"INFO agent-analytics: prices: {path} was read again"]


# --- what is no table -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1, column 1: Expecting value"),
        ('{\n  "m": {"input": 1,\n', "line 3, column 1"),
        ("[]", "the file: expected an object, got []"),
        ('{"m": 1}', "'m': expected an object, got 1"),
        ('{"m": {"output": 1}}', "'m': input is missing"),
        ('{"m": {"input": 1}}', "'m': output is missing"),
        ('{"m": {"input": -1, "output": 1}}', "'m': input: expected US dollars"),
        ('{"m": {"input": "1", "output": 1}}', "got '1'"),
        ('{"m": {"input": true, "output": 1}}', "got True"),
        ('{"m": {"input": null, "output": 1}}', "got None"),
        ('{"m": {"input": NaN, "output": 1}}', "got NaN"),
        ('{"m": {"input": 1, "output": Infinity}}', "'m': output"),
        ('{"m": {"input": 1000001, "output": 1}}', "from 0 to 1000000, got 1000001"),
        ('{"m": {"input": 1e999999999999999999999, "output": 1}}', "'m': input"),
        ('{"m": {"input": 1, "output": 1, "cache": 1}}', "'m': unknown price 'cache', expected"),
        ('{"m": {"input": 1, "output": 1, "input": 2}}', "'m': 'input' stands twice"),
        ('{"m": {"input": 1, "output": 1}, "m": {}}', "the file: 'm' stands twice"),
        ('{"a*b": {"input": 1, "output": 1}}', "'a*b': * may stand at the end"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, why: str) -> None:
    """The error names the path and what is wrong where."""
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(why)) as caught:
        FilePrices(path, name="here")
    assert str(caught.value).startswith(f"here: {path} is no table of prices: ")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """So it is of what is no file, no text, or too large."""
    (tmp_path / "latin").write_bytes(b'{"\xe9": 1}')
    (tmp_path / "large").write_bytes(b" " * (4 * 1024 * 1024 + 1))
    for name, why in (
        ("absent", "does not exist"),
        ("", "is a directory or the like"),
        ("latin", "byte 2 is no UTF-8"),
        ("large", "is larger than 4194304 bytes"),
        ("nu\0ll", "does not exist"),
    ):
        with pytest.raises(ValueError, match=re.escape(why)):
            FilePrices(tmp_path / name)


def test_a_mark_of_byte_order_is_fine(tmp_path: Path) -> None:
    """Some editors write one."""
    path = tmp_path / "t"
    path.write_bytes(b'\xef\xbb\xbf{"m": {"input": 1, "output": 1}}')
    assert FilePrices(path).usd(call("m")) == 1
