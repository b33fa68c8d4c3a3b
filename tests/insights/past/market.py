"""Two months of registers of three listings, and what rules record of them all along.

The registers are what roll-ups recorded: each hour's and each day's. What rules would have recorded
is asked of Prometheus' own test of rules, which evaluates them hour by hour from the first day on.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path

from tests.tools import installed

from agent_analytics.insights._promql.rollups import OF_LISTING
from agent_analytics.insights._rules import rule_files

HOUR = 3_600
DAY = 24 * HOUR
DAYS = 62
#: By listing: how many tenants, and which share of them is another one each day, by the day.
LISTINGS = {"finder": (9, 0.1), "writer": (5, 0.6), "clerk": (2, 0.0)}
REGISTERS = 12

#: Values by the hour since the first one.
Hours = dict[int, float]


def registers(seed: int = 7) -> dict[tuple[str, str], Hours]:
    """Return registers of hours and of days: values by series, as its name and its labels."""
    found: dict[tuple[str, str], Hours] = {}
    for agent, (many, changing) in LISTINGS.items():
        draw = random.Random(f"{seed}-{agent}")
        tenants = [draw.randrange(1 << 30) for _ in range(many)]
        of_day: dict[int, float] = {}
        for hour in range(DAYS * 24):
            if hour % 24 == 0:
                _record(found, OF_LISTING.days, agent, hour, of_day)
                of_day = {}
                tenants = [
                    draw.randrange(1 << 30) if draw.random() < changing else tenant
                    for tenant in tenants
                ]
            # Nobody comes to the clerk in the second month.
            here = [] if agent == "clerk" and hour > 31 * 24 else tenants
            seen: dict[int, float] = {}
            for tenant in here:
                if draw.random() < 0.2:
                    of = random.Random(tenant)
                    register, value = of.randrange(REGISTERS), round(of.uniform(0.001, 1), 6)
                    seen[register] = min(value, seen.get(register, 1.0))
            for register, value in seen.items():
                of_day[register] = min(value, of_day.get(register, 1.0))
            _record(found, OF_LISTING.hours, agent, hour, seen)
    return found


def _record(
    found: dict[tuple[str, str], Hours], name: str, agent: str, hour: int, seen: Mapping[int, float]
) -> None:
    for register, value in seen.items():
        labels = f'publisher_id="acme",agent_id="{agent}",kind="tenants",register="{register}"'
        found.setdefault((name, labels), {})[hour] = value


def as_openmetrics(series: Mapping[tuple[str, str], Hours], first: int) -> str:
    """Return series as the text that promtool makes blocks of; their first hour is a Unix time."""
    lines: list[str] = []
    for name in sorted({name for name, _ in series}):
        lines.append(f"# TYPE {name} gauge")
        for (each, labels), hours in series.items():
            if each == name:
                lines += [
                    f"{name}{{{labels}}} {value!r} {first + hour * HOUR}"
                    for hour, value in sorted(hours.items())
                ]
    return "\n".join((*lines, "# EOF\n"))


def differing(
    place: Path,
    series: Mapping[tuple[str, str], Hours],
    found: Mapping[tuple[str, str, int], float],
) -> str:
    """Return what Prometheus' test of rules says of values; empty where all are what it has.

    Args:
        place: Directory of the test.
        series: What is read.
        found: Values by name, labels and hour: what is claimed to have been recorded then.
    """
    hours = DAYS * 24
    by_hour: dict[int, list[dict[str, object]]] = {}
    for (name, labels, hour), value in found.items():
        by_hour.setdefault(hour, []).append(
            {
                "expr": f"count(abs({name}{{{labels}}} - {value!r}) <= {abs(value) * 1e-9!r})",
                "eval_time": f"{hour}h",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
        )
    # And not one more: who was not there then has no value.
    for hour, cases in by_hour.items():
        for name in {name for name, _, _ in found}:
            many = sum((name, hour) == (each, at) for each, _, at in found)
            if not many:
                continue  # it is not looked up as far back
            cases.append(
                {
                    "expr": f"count({name}) or vector(0)",
                    "eval_time": f"{hour}h",
                    "exp_samples": [{"labels": "{}", "value": many}],
                }
            )
    document = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1h",
        "tests": [
            {
                "interval": "1h",
                "input_series": [
                    {
                        "series": f"{name}{{{labels}}}",
                        "values": " ".join(
                            repr(values[hour]) if hour in values else "_" for hour in range(hours)
                        ),
                    }
                    for (name, labels), values in series.items()
                ],
                "promql_expr_test": [case for cases in by_hour.values() for case in cases],
            }
        ],
    }
    groups = {"groups": rule_files.rule_groups()["insights.yml"][:1]}
    (place / "rules.yml").write_text(json.dumps(groups), encoding="utf-8")
    (place / "test.json").write_text(json.dumps(document), encoding="utf-8")
    done = installed("promtool")("test", "rules", place / "test.json")
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[:2_000]
