"""Model cost by a table of one's own and by genai-prices; unknown models are never free."""

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.dialects.recordings import cases
from tests.dialects.replay import Player

from agent_analytics.exporters import exposition
from agent_analytics.processor import AgentMetricsProcessor, FilePrices, FirstOf, PublicPrices

RUN = next(case for case in cases() if case.name == "langchain/otel-genai/ok")


def told(player: Player, metric: str) -> float:
    """Play the run and return the sum of a metric."""
    player.play(RUN.recording)
    text = exposition(player.processor)[0].decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"marketplace_agent_{metric}_total"
    )


def player(prices: FilePrices | PublicPrices | FirstOf) -> Player:
    """Return a player whose processor knows prices."""
    made = Player()
    made.use(AgentMetricsProcessor(hold_seconds=0, prices=prices))
    return made


def table(path: Path, **models: Mapping[str, float]) -> Path:
    """Write a table of prices."""
    path.write_text(json.dumps(models))
    return path


def test_by_file(tmp_path: Path) -> None:
    """Input, cached and output tokens cost what the file says for a million."""
    path = table(tmp_path / "prices", **{"gpt-4o-mini": {"input": 1, "output": 2, "cached": 0.5}})
    wanted = ((342 - 15) * 1 + 15 * 0.5 + 60 * 2) / 1e6
    assert told(player(FilePrices(path)), "model_cost_usd") == pytest.approx(wanted)
    assert told(player(FilePrices(path)), "unpriced_tokens") == 0


def test_an_unknown_model_is_not_free(tmp_path: Path) -> None:
    """Tokens of a model without a price are unpriced."""
    prices = FilePrices(table(tmp_path / "prices", other={"input": 1, "output": 1}))
    assert told(player(prices), "model_cost_usd") == 0
    assert told(player(prices), "unpriced_tokens") == 402


def test_a_file_that_changes(tmp_path: Path) -> None:
    """The file is read again when it changes, and a broken one changes nothing."""
    path = table(tmp_path / "prices", m={"input": 1, "output": 1})
    now = [0.0]
    prices = FilePrices(path, clock=lambda: now[0])
    assert prices.usd("m", 1_000_000, 0, 0, 0) == 1
    table(path, m={"input": 2, "output": 1})
    os.utime(path, ns=(1, 1))
    now[0] += 60
    assert prices.usd("m", 1_000_000, 0, 0, 0) == 2
    path.write_text("no table")
    now[0] += 60
    assert prices.usd("m", 1_000_000, 0, 0, 0) == 2


@pytest.mark.parametrize("text", ["[]", "{", '{"m": {"input": -1, "output": 1}}', '{"m": 1}'])
def test_no_table(tmp_path: Path, text: str) -> None:
    """What is no table of prices is refused when it is given."""
    path = tmp_path / "prices"
    path.write_text(text)
    with pytest.raises(ValueError, match="no table of prices"):
        FilePrices(path)


def test_public_prices(tmp_path: Path) -> None:
    """``genai-prices`` knows public models; one's own table comes first."""
    pytest.importorskip("genai_prices")
    public = PublicPrices()
    known = public.usd("gpt-4o-mini", 1_000_000, 0, 0, 0)
    assert known is not None
    assert known > 0
    assert public.usd("openai/gpt-4o-mini", 1_000_000, 0, 0, 0) == known
    assert public.usd("no-such-model", 1, 1, 0, 0) is None
    own = FilePrices(table(tmp_path / "prices", **{"gpt-4o-mini": {"input": 7, "output": 7}}))
    assert FirstOf(own, public).usd("gpt-4o-mini", 1_000_000, 0, 0, 0) == Decimal(7)
    assert told(player(public), "model_cost_usd") > 0
