"""Identities that a limit of the SDK makes equal: they travel whole, or it is said."""

import subprocess
import sys

import pytest
from tests.patience import patience

PROGRAM = """
import sys
from agent_analytics.exporters import configure, exposition
from agent_analytics.instrumentation import agent

runtime = configure(metrics_port=None, hold_seconds=0)
for name, usd in (("one", "1"), ("two", "5")):
    @agent(publisher_id="p" * 64 + name, agent_id="finder", price_usd=usd)
    def find():
        pass
    find()
for line in exposition(runtime.processor)[0].decode().splitlines():
    if line.startswith("marketplace_agent_revenue_usd_total{"):
        print(line)
"""


def run(variable: str, value: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, which reads the limit when it starts."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env={variable: value}, capture_output=True, text=True, timeout=patience(), check=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "variable", ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT"]
)
def test_revenue_of_ids_that_are_cut_is_not_merged(variable: str) -> None:
    """Two publishers who share 64 characters keep their $1 and $5, and the limit is named."""
    done = run(variable, "64")
    revenue = {
        line.split('publisher_id="')[1].split('"')[0]: float(line.split()[-1])
        for line in done.stdout.splitlines()
    }
    assert revenue == {"p" * 64 + "one": 1, "p" * 64 + "two": 5}
    assert "cut to 64 characters" in done.stderr
    assert variable in done.stderr


def test_a_limit_that_cuts_no_id_is_not_spoken_of() -> None:
    """An id has at most 200 characters."""
    assert "characters" not in run("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "200").stderr
