"""What each group of rules costs Prometheus at an evaluation, and how that grows with the listings.

A real Prometheus with one processor holds sixty days of a marketplace. Every rule of a group is
asked in order, as the group would, and its answer is written back under its name, so that later
rules find it. Each is asked twice, and the second time counts: a group that is evaluated again and
again finds the files of its series in memory. CPU time is the server's: it has the answer's JSON in
it, and does not count what else this machine does.
"""

import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from typing import Any, Final

import pytest
from benchmarks.measure import table, target
from benchmarks.remote_write import samples, series, write
from benchmarks.rules_market import RulesMarket
from benchmarks.test_dashboards import cpu_seconds
from tests.insights.market import END

from agent_analytics.demo._run.servers import LOOPBACK, Server, find_command, free_port
from agent_analytics.insights._rules.rule_files import rule_groups

#: Sizes to measure; `LISTINGS=100` for one.
SIZES: Final = [int(size) for size in os.environ.get("LISTINGS", "28 100 500 2000").split()]
#: Groups to measure; `RULES=oncall` for one, as far as others do not have to come first.
RULES: Final = os.environ.get("RULES", "").split()
#: From here on only what is evaluated for on-call is measured: the rest would not fit into memory.
ONCALL_ONLY: Final = 1_000
#: Most CPU seconds of an evaluation, by group and listings.
LIMITS: Final[Mapping[tuple[str, int], float]] = {
    ("oncall", 500): 0.25,
    ("oncall", 2_000): 1.0,
    ("levels", 500): 3.5,
    ("publisher", 500): 5.0,
    ("hours", 500): 2.0,
    ("tenants", 500): 10.0,
}
LONGEST_QUERY: Final = 3.0
#: Fewest listings at which all groups together fill one processor.
LISTINGS_A_CORE: Final = 5_000
#: What all groups together take of one processor, by the listings of marketplaces measured so far.
_SHARES: Final[dict[int, float]] = {}
#: A group is evaluated again until it took so many CPU seconds: the kernel counts hundredths, and a
#: collection of garbage, which takes seconds, comes once in many evaluations.
_ENOUGH: Final = 15.0
_ROUNDS: Final = 3
_MOST_ROUNDS: Final = 60
#: Groups that are due sooner are evaluated again, after a round that does not count.
_OFTEN: Final = 60
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600}
#: Groups whose answers others read come first.
_ORDER: Final = (
    "levels",
    "releases",
    "unions",
    "hours",
    "tenants",
    "weeks",
    "closed",
    "publisher",
    "causes",
    "oncall",
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a group took at one evaluation: CPU seconds, and those of its longest query."""

    cpu: float
    longest: float
    name: str
    answers: int


@contextmanager
def prometheus(home: Path) -> Generator[Server]:
    """Run an empty Prometheus on one processor that keeps all it is given in memory."""
    config, port = home / "prometheus.yml", free_port()
    config.write_text("{}", encoding="utf-8")
    server = Server(
        "prometheus",
        [
            find_command("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={home / 'data'}",
            "--storage.tsdb.retention.time=50y",
            "--storage.tsdb.min-block-duration=4000h",
            "--storage.tsdb.max-block-duration=4000h",
            "--web.enable-remote-write-receiver",
            "--query.timeout=10m",
            "--query.max-samples=500000000",
            f"--web.listen-address={LOOPBACK}:{port}",
        ],
        port=port,
        log=home / "prometheus.log",
    )
    try:
        server.wait_ready()
        yield server
    finally:
        server.stop()


def answer(server: Server, expr: str) -> list[dict[str, Any]]:
    """Return what a query answers at the end of the past."""
    body = urllib.parse.urlencode({"query": expr, "time": END}).encode()
    with urllib.request.urlopen(f"{server.url}/api/v1/query", body, timeout=600) as got:
        found: list[dict[str, Any]] = json.load(got)["data"]["result"]
    return found


def evaluated(server: Server, rules: Sequence[Mapping[str, Any]], every: float) -> Cost:
    """Evaluate a group that is due every so many seconds, and record what it records."""
    times: dict[str, float] = {}
    answers = 0
    for index, rule in enumerate(rules):
        found = answer(server, rule["expr"])
        began = cpu_seconds(server.pid)
        answer(server, rule["expr"])
        name = rule.get("record", rule.get("alert", ""))
        labels = rule.get("labels", {})
        which = [labels[key] for key in ("insight", "traffic", "cause") if key in labels]
        times[f"{index}: {' '.join((name, *which))}"] = cpu_seconds(server.pid) - began
        answers += len(found)
        if "record" in rule:
            write(server.url, _recorded(rule, found))
    total = sum(times.values())
    if every < _OFTEN:
        # What is evaluated all the time finds its series in the processor's caches, too.
        rounds = [_again(server, rules) for _ in range(_ROUNDS)]
        while sum(rounds) < _ENOUGH and len(rounds) < _MOST_ROUNDS:
            rounds.append(_again(server, rules))
        total = sum(rounds) / len(rounds)
    if os.environ.get("EVERY"):
        for what, took in sorted(times.items(), key=lambda each: -each[1])[:12]:
            print(f"    {took:6.2f}  {what}")
    longest = max(times, key=lambda what: times[what])
    return Cost(total, times[longest], longest, answers)


def core_full(shares: Mapping[int, float]) -> float:
    """Return at how many listings one processor is full, on a line through shares of it.

    What grows faster than listings do is not seen by one size: then the line begins at nothing.
    """
    if len(shares) == 1:
        ((listings, share),) = shares.items()
        return listings / share
    fit = linear_regression(list(shares), list(shares.values()))
    return (1 - fit.intercept) / fit.slope


def _again(server: Server, rules: Sequence[Mapping[str, Any]]) -> float:
    """Return the CPU seconds of one more evaluation."""
    began = cpu_seconds(server.pid)
    for rule in rules:
        answer(server, rule["expr"])
    return cpu_seconds(server.pid) - began


def _recorded(rule: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    for each in found:
        labels = {key: text for key, text in each["metric"].items() if key != "__name__"}
        at, value = each["value"]
        more: Mapping[str, str] = rule.get("labels", {})
        yield series(rule["record"], {**labels, **more}, samples([(int(at), float(value))]))


def _seconds(group: Mapping[str, Any]) -> float:
    """Return how often a group is evaluated."""
    interval = str(group["interval"])
    return float(interval[:-1]) * _SECONDS[interval[-1]]


@pytest.mark.parametrize("listings", SIZES)
def test_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listings: int) -> None:
    """CPU seconds of an evaluation of each group of rules, in marketplaces of several sizes."""
    monkeypatch.setenv("GOMAXPROCS", "1")
    few = listings >= ONCALL_ONLY or (bool(RULES) and all("oncall" in name for name in RULES))
    groups: list[Any] = [group for file in rule_groups().values() for group in file]
    named: dict[str, Mapping[str, Any]] = {
        group["name"].removeprefix("agent-analytics-"): group for group in groups
    }
    order = sorted(named, key=lambda name: _ORDER.index(name.partition("-")[0]))
    costs: dict[str, Cost] = {}
    with prometheus(tmp_path) as server:
        began = time.perf_counter()
        write(server.url, RulesMarket(listings, oncall_only=few).messages())
        held = int(answer(server, 'count({__name__=~".+"})')[0]["value"][1])
        took = time.perf_counter() - began
        print(f"\n{listings} listings, {held:,} series now, written in {took:.0f} s\n")
        for name in order:
            if (few and not name.startswith("oncall")) or (RULES and name not in RULES):
                continue
            costs[name] = evaluated(server, named[name]["rules"], _seconds(named[name]))
            # What is recorded of a week or a month is recorded in one hour after its end.
            assert costs[name].answers or name == "closed", f"the rules {name} answer nothing"
    rows = [
        (
            name,
            str(named[name]["interval"]),
            f"{cost.cpu:.3f}",
            f"{cost.longest:.2f}",
            f"{cost.answers:,}",
            cost.name,
        )
        for name, cost in costs.items()
    ]
    table(("group", "every", "CPU s", "longest", "answers", "its rule"), rows)
    for name, cost in costs.items():
        if (name, listings) in LIMITS:
            target(f"{name} with {listings} listings, CPU s", cost.cpu, LIMITS[name, listings])
    if listings == 500:
        longest = max(cost.longest for cost in costs.values())
        target("longest query with 500 listings, CPU s", longest, LONGEST_QUERY)
    if costs.keys() == named.keys():
        _SHARES[listings] = sum(cost.cpu / _seconds(named[name]) for name, cost in costs.items())
        print(f"all groups together: {_SHARES[listings]:.1%} of a processor")
        target("one processor full, listings", core_full(_SHARES), LISTINGS_A_CORE, most=False)
