"""What becomes of insights about tools, answers, model calls and prices, from planted counters."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from tests.tools import Run

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._promql import recorded

#: Steps of twelve hours: of a usual time, a bad one, a usual one again, and a bad one again. The
#: usual one is longer than what an insight compares with.
PHASES: Final = (64, 20, 70, 20)
ENDS: Final = (63, 83, 153, 173)
STEPS: Final = sum(PHASES)


class Write(Protocol):
    """The part of the fixture that is used here."""

    def __call__(self, name: str, *phases: tuple[int, float], **labels: str) -> dict[str, str]:
        """Return a counter."""
        ...

    def invocations(self, *phases: tuple[int, float]) -> dict[str, str]:
        """Return invocations."""
        ...


def phased(usual: float, bad: float) -> list[tuple[int, float]]:
    """Return by what something grows a step, phase by phase."""
    return list(zip(PHASES, (usual, bad, usual, bad), strict=True))


def repeats(write: Write) -> dict[str, str]:
    """A tool is called again with the same arguments: half of its calls, in place of a tenth."""
    return {
        **write("repeated_tool_calls_total", *phased(5, 25), tool="read"),
        **write("tool_calls_total", (STEPS, 50), tool="read", outcome="success"),
        **write.invocations((STEPS, 50)),
    }


def results(write: Write) -> dict[str, str]:
    """A tool returns 90,000 bytes, in place of 900."""
    return {
        **write("tool_result_size_bytes_sum", *phased(900 * 50, 90_000 * 50), tool="read"),
        **write("tool_result_size_bytes_count", (STEPS, 50), tool="read"),
        **write("tool_calls_total", (STEPS, 50), tool="read", outcome="success"),
        **write.invocations((STEPS, 50)),
    }


def output(write: Write) -> dict[str, str]:
    """Models write twice as much, and read what they did."""
    return {
        **write("input_tokens_total", (STEPS, 4_000 * 50), model="atlas"),
        **write("output_tokens_total", *phased(200 * 50, 400 * 50), model="atlas"),
        **write.invocations((STEPS, 50)),
    }


def drift(write: Write) -> dict[str, str]:
    """A call of a model costs half as much again."""
    return {
        **write("inference_calls_total", (STEPS, 50), model="atlas", outcome="success"),
        **write("input_tokens_total", (STEPS, 900 * 50), model="atlas"),
        **write("output_tokens_total", (STEPS, 100 * 50), model="atlas"),
        **write("model_cost_usd_total", *phased(0.02 * 50, 0.03 * 50)),
        **write.invocations((STEPS, 50)),
    }


def price(write: Write) -> dict[str, str]:
    """A success costs three times as much, which is more than it brings."""
    return {
        **write("revenue_usd_total", (STEPS, 10)),
        **write("fees_usd_total", (STEPS, 2)),
        **write("wasted_cost_usd_total", (STEPS, 0)),
        **write("model_cost_usd_total", *phased(5, 15)),
        **write.invocations((STEPS, 50)),
    }


#: Insights by their market, and what they are once it is as usual again: silence of what compares
#: with its own past proves nothing.
PLANTED: Final[Mapping[str, tuple[Callable[[Write], dict[str, str]], str]]] = {
    "tool-repeats": (repeats, "fixed"),
    "large-tool-results": (results, "fixed"),
    "verbose-output": (output, "not_known"),
    "model-cost-drift": (drift, "not_known"),
    "price-below-break-even": (price, "fixed"),
}


@pytest.mark.slow
@pytest.mark.parametrize("insight", PLANTED)
def test_raised_over_and_reopened(
    insight: str,
    promtool: Run,
    tmp_path: Path,
    listing: Write,
    slice_of: Callable[..., list[dict[str, Any]]],
) -> None:
    """From counters alone: nothing, open, then fixed or not known, and reopened."""
    market, over = PLANTED[insight]
    groups = slice_of(tmp_path / "rules", insight, also=(recorded.STATE, *recorded.OF_LIFECYCLES))
    (tmp_path / "slice.json").write_text(json.dumps({"groups": groups}), encoding="utf-8")
    states = (None, "open", over, "reopened")
    openings = (None, 1, 1, 2)
    looks: list[dict[str, object]] = []
    for step, state, opened in zip(ENDS, states, openings, strict=True):
        for expr, labels, value in (
            (f'count by (state) ({recorded.STATE}{{insight="{insight}"}})', state, 1),
            (f'sum ({recorded.OPENINGS}{{insight="{insight}"}})', "", opened),
        ):
            shown = f'{{state="{labels}"}}' if labels else "{}"
            looks.append(
                {
                    "expr": expr,
                    "eval_time": f"{step * 12}h",
                    "exp_samples": [] if state is None else [{"labels": shown, "value": value}],
                }
            )
    document = {
        "rule_files": ["slice.json"],
        "evaluation_interval": "12h",
        "group_eval_order": [group["name"] for group in groups],
        "tests": [
            {
                "interval": "12h",
                "input_series": [
                    {"series": name, "values": values} for name, values in market(listing).items()
                ],
                "promql_expr_test": looks,
            }
        ],
    }
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_silence_of_each_is_what_its_definition_says() -> None:
    """What proves something when it is silent is fixed above, and what does not is not known."""
    fades = {spec.slug: spec.fades for spec in OF_PUBLISHERS}
    assert {slug: over == "not_known" for slug, (_, over) in PLANTED.items()} == {
        slug: fades[slug] == "days" for slug in PLANTED
    }
