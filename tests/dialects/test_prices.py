"""Model cost of a recorded run, by a table of one's own and by the public list."""

import json
from decimal import Decimal
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from tests.dialects.recordings import cases
from tests.dialects.replay import Player

from agent_analytics.exporters import exposition
from agent_analytics.processor import (
    AgentMetricsProcessor,
    FilePrices,
    FirstOf,
    Prices,
    PublicPrices,
)

RUN = next(case for case in cases() if case.name == "langchain/otel-genai/ok")


def told(prices: Prices, metric: str) -> float:
    """Play the run and return the sum of a metric."""
    player = Player()
    player.use(AgentMetricsProcessor(hold_seconds=0, prices=prices))
    player.play(RUN.recording)
    text = exposition(player.processor)[0].decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"marketplace_agent_{metric}_total"
    )


def table(path: Path, **models: object) -> FilePrices:
    """Return the prices of a table."""
    path.write_text(json.dumps(models))
    return FilePrices(path)


def test_by_file(tmp_path: Path) -> None:
    """Input, cached and output tokens cost what the file says for a million."""
    own = table(tmp_path / "t", **{"gpt-4o-mini": {"input": 1, "output": 2, "cached": 0.5}})
    wanted = ((342 - 15) * 1 + 15 * Decimal("0.5") + 60 * 2) / 10**6
    assert Decimal(str(told(own, "model_cost_usd"))) == wanted
    assert told(own, "unpriced_tokens") == 0


def test_an_unknown_model_is_not_free(tmp_path: Path) -> None:
    """Tokens of a model without a price are unpriced."""
    own = table(tmp_path / "t", other={"input": 1, "output": 1})
    assert told(own, "model_cost_usd") == 0
    assert told(own, "unpriced_tokens") == 402


def test_ones_own_table_comes_first(tmp_path: Path) -> None:
    """The public list prices what the table does not."""
    public = told(PublicPrices(), "model_cost_usd")
    assert 0 < public < 0.001
    own = table(tmp_path / "t", **{"gpt-4o-mini": {"input": 1_000, "output": 1_000}})
    assert told(FirstOf(own, PublicPrices()), "model_cost_usd") == 0.402
    other = table(tmp_path / "o", other={"input": 1, "output": 1})
    assert told(FirstOf(other, PublicPrices()), "model_cost_usd") == public
