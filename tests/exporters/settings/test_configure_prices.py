"""configure(prices=...): the public list, a table of one's own, a source of one's own, or none."""

import json
import logging
import os
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from tests.patience import patience

from agent_analytics.exporters import configure, exposition
from agent_analytics.instrumentation import record_invocation
from agent_analytics.processor import ModelCall

UNHEARD_OF = {"unheard-of": {"input": 5, "output": 5}}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a table with one model that the public list lacks."""
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(UNHEARD_OF))
    return path


def costs(**arguments: Any) -> dict[str, str]:  # noqa: ANN401 - passed on
    """Return what a million input tokens of three models cost by the metrics, or ``unpriced``."""
    found: dict[str, str] = {}
    with configure(metrics_port=None, hold_seconds=0, tenant_key="k", **arguments) as runtime:
        assert trace.get_tracer_provider() is runtime.provider
        for model in ("gpt-4o", "unheard-of", "nobodys"):
            record_invocation(
                publisher_id="acme", agent_id=model, duration_ms=1, success=True, model=model,
                input_tokens=1_000_000,
            )  # fmt: skip
        lines = exposition(runtime.processor)[0].decode().splitlines()
    for line in lines:
        sample, _, value = line.rpartition(" ")
        for model in ("gpt-4o", "unheard-of", "nobodys"):
            if f'agent_id="{model}"' in sample and float(value):
                if sample.startswith("marketplace_agent_model_cost_usd_total"):
                    found[model] = value
                if sample.startswith("marketplace_agent_unpriced_tokens_total"):
                    found[model] = "unpriced"
    return found


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was said of prices."""
    return [
        f"{record.levelname}: {record.getMessage()}"
        for record in caplog.records
        if "price" in record.getMessage()
    ]


@pytest.fixture(autouse=True)
def _hear(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "agent_analytics")


NOTHING = {"gpt-4o": "unpriced", "unheard-of": "unpriced", "nobodys": "unpriced"}
PUBLIC = {"gpt-4o": "2.5", "unheard-of": "unpriced", "nobodys": "unpriced"}
BOTH = {"gpt-4o": "2.5", "unheard-of": "5.0", "nobodys": "unpriced"}


def test_the_public_list_by_default(caplog: pytest.LogCaptureFixture) -> None:
    """Where the extra is installed, the public list is used, and one line says so."""
    assert costs() == PUBLIC
    assert said(caplog) == [
        "INFO: agent-analytics: prices from the public list; tokens without a price are unpriced"
    ]


def test_none(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """None, and the word none in the variable, mean no prices."""
    assert costs(prices=None) == NOTHING
    monkeypatch.setenv("AGENT_ANALYTICS_PRICES", "None")
    assert costs() == NOTHING
    line = "INFO: agent-analytics: no prices: where no cost is stated, tokens are unpriced"
    assert said(caplog) == [line] * 2


def test_a_table_of_ones_own(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, table: Path
) -> None:
    """It comes before the public list, as a path, a text or in the variable."""
    assert costs(prices=table) == BOTH
    assert costs(prices=str(table)) == BOTH
    monkeypatch.setenv("AGENT_ANALYTICS_PRICES", str(table))
    assert costs() == BOTH
    assert costs(prices=None) == NOTHING
    table.write_text(json.dumps(UNHEARD_OF | {"gpt-*": {"input": 1, "output": 1}}))
    assert costs() == {**BOTH, "gpt-4o": "1.0"}
    assert said(caplog)[0] == (
        f"INFO: agent-analytics: prices from {table}, then from the public list; "
        "tokens without a price are unpriced"
    )


def test_a_source_of_ones_own() -> None:
    """Whatever answers is asked, and nobody else."""

    class Flat:
        def usd(self, call: ModelCall) -> Decimal | None:
            return Decimal(3) if call.model == "nobodys" else None

    assert costs(prices=Flat()) == {**NOTHING, "nobodys": "3.0"}


@pytest.mark.parametrize("by", ["argument", "variable"])
def test_a_file_that_is_no_table(monkeypatch: pytest.MonkeyPatch, table: Path, by: str) -> None:
    """The error names the argument or the variable, the path and what is wrong; nothing starts."""
    table.write_text('{"m": {"input": 1}}')
    arguments: dict[str, Any] = {}
    name = "prices"
    if by == "argument":
        arguments["prices"] = table
    else:
        name = "AGENT_ANALYTICS_PRICES"
        monkeypatch.setenv(name, str(table))
    why = f"{name}: {table} is no table of prices: 'm': output is missing"
    with pytest.raises(ValueError, match=f"^{re.escape(why)}\n"):
        configure(metrics_port=None, **arguments)
    table.unlink()
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name}: {table} does not exist')}\n"):
        configure(metrics_port=None, **arguments)
    configure(metrics_port=None, prices=None).shutdown()


@pytest.mark.parametrize("prices", [1, 2.5, {"gpt-4o": 1}, b"path", True])
def test_what_is_no_source_of_prices(prices: Any) -> None:  # noqa: ANN401 - anything
    """It is named together with what was expected."""
    with pytest.raises(ValueError, match="prices: expected the path of a table, Prices or None"):
        configure(metrics_port=None, prices=prices)


@pytest.mark.parametrize("own", [True, False])
def test_without_the_extra(tmp_path: Path, table: Path, *, own: bool) -> None:
    """Without it there is one's own table or none; one line says so and how to get the list."""
    (tmp_path / "genai_prices.py").write_text("raise ModuleNotFoundError('none here')\n")
    code = (
        "import logging, sys\n"
        "from agent_analytics.exporters import configure\n"
        "logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')\n"
        "configure(metrics_port=None, tenant_key='k').shutdown()\n"
    )
    variables = {"PYTHONPATH": str(tmp_path)} | (
        {"AGENT_ANALYTICS_PRICES": str(table)} if own else {}
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        timeout=patience(), env={**os.environ, **variables},
    )  # fmt: skip
    lines = [line for line in found.stderr.splitlines() if "price" in line]
    assert len(lines) == 1
    assert lines[0].startswith(
        f"INFO agent-analytics: prices from {table} and not the public list"
        if own
        else "INFO agent-analytics: no prices and not the public list"
    )
    assert "pip install genai-prices" in lines[0]
