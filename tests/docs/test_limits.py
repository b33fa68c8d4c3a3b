"""docs/configuration.md: its table of limits is the code's, and its query names the publisher."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.docs import pages
from tests.patience import patience
from tests.tools import installed

from agent_analytics.processor import Limits

PAGE = "configuration.md"
_ROW = re.compile(r"^\| `(\w+)` \| ([\d,.]+) \| .+ \|$", re.MULTILINE)


def test_the_table_has_every_field_with_its_default() -> None:
    """The rows are the fields of ``Limits`` in their order, and their defaults."""
    text = (pages.DOCS / PAGE).read_text(encoding="utf-8").partition("\n### Limits\n")[2]
    rows = [(name, float(number.replace(",", ""))) for name, number in _ROW.findall(text)]
    known = Limits()
    fields = [field.name for field in dataclasses.fields(Limits)]
    assert rows == [(name, float(getattr(known, name))) for name in fields]


def test_the_example_runs(tmp_path: Path) -> None:
    """The program with limits of its own starts, and the limits are in force."""
    program = pages.write_programs(PAGE, tmp_path)["limits.py"]
    with program.open("a", encoding="utf-8") as more:
        more.write("runtime.shutdown()\n")
    done = subprocess.run(
        [sys.executable, program],
        env={"AGENT_ANALYTICS_METRICS_PORT": "0", "AGENT_ANALYTICS_TENANT_KEY": "k" * 32},
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.servers
def test_the_query_names_the_fullest_publisher(tmp_path: Path) -> None:
    """By process, publishers come with their samples; sketches and other jobs do not count."""
    (block,) = pages.blocks(PAGE, "promql")
    calls = "marketplace_agent_invocations_total"
    at = 'instance="a:1",job="agent-analytics"'
    sketches = 'instance="a:1",job="agent-analytics-sketches"'
    series = [
        *(f'{calls}{{publisher_id="acme",agent_id="{name}",{at}}}' for name in ("x", "y", "z")),
        f'{calls}{{publisher_id="globex",agent_id="x",{at}}}',
        f'marketplace_agent_sketch_register{{publisher_id="globex",register="1",{sketches}}}',
        'marketplace_insight_measure{publisher_id="globex"}',
    ]
    expected = [
        {"labels": '{instance="a:1", publisher_id="acme"}', "value": 3},
        {"labels": '{instance="a:1", publisher_id="globex"}', "value": 1},
    ]
    test = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": text, "values": "1 1"} for text in series],
                "promql_expr_test": [
                    {"expr": block.text.strip(), "eval_time": "1m", "exp_samples": expected}
                ],
            }
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump(test), encoding="utf-8")
    done = installed("promtool")("test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
