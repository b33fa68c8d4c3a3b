"""Did my release break it? Which version is current, and what is raised about it, and what not."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agent_analytics.insights import GENERATED, write_rules
from agent_analytics.insights._promql import recorded, releases
from agent_analytics.processor import catalogue

if TYPE_CHECKING:
    import subprocess

Check = Callable[..., None]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
IDS = 'publisher_id="acme", agent_id="finder"'
INVOCATIONS = catalogue.RELEASE_INVOCATIONS.name
SLOW = catalogue.RELEASE_SLOW_INVOCATIONS.name
COST = catalogue.RELEASE_MODEL_COST.name
RATINGS = catalogue.RELEASE_RATINGS.name
STARS = catalogue.RELEASE_RATING_STARS.name
SAMPLES = (INVOCATIONS, SLOW, COST, RATINGS, STARS)
WEEK, MONTH = recorded.WEEK, recorded.MONTH
GIVEN = (
    releases.CURRENT,
    releases.PREVIOUS,
    *(recorded.grown(sample, window) for sample in SAMPLES for window in (WEEK, MONTH)),
)
RAISED = ("release",)


def market(
    now: Mapping[str, float], before: Mapping[str, float] | None, third: Mapping[str, float] = {}
) -> dict[str, str]:
    """Return what is recorded of version 2, which is current, of version 1, and of another."""
    found = {f'{releases.CURRENT}{{{IDS}, version="2"}}': "172800x3"}
    if before is not None:
        found[f'{releases.PREVIOUS}{{{IDS}, version="1"}}'] = "0x3"
    for version, figures in (("2", now), ("1", before or {}), ("0", third)):
        good = figures.get("calls", 0) - figures.get("failed", 0) - figures.get("cancelled", 0)
        values = {
            (INVOCATIONS, "success"): good,
            (INVOCATIONS, "error"): figures.get("failed", 0),
            (INVOCATIONS, "timeout"): 0,
            (INVOCATIONS, "cancelled"): figures.get("cancelled", 0),
            (SLOW, ""): figures.get("slow", 0),
            (COST, ""): figures.get("cost", 0),
            (RATINGS, ""): figures.get("ratings", 0),
            (STARS, ""): figures.get("stars", 0),
        }
        for window in (WEEK, MONTH):
            for (sample, outcome), value in values.items():
                label = f', outcome="{outcome}"' if outcome else ""
                name = recorded.grown(sample, window)
                found[f'{name}{{{IDS}, version="{version}"{label}}}'] = f"{value}x3"
    return found


def of(**figures: float) -> dict[str, float]:
    """Return the figures of a version."""
    return figures


def check(
    check_insight: Check,
    insight: str,
    cases: Sequence[tuple[str, Any, Any, float | None]],
    texts: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Run cases of an insight: what is current, what was before, and the number that is raised."""
    check_insight(
        insight,
        [
            (name, market(now, before), {} if raised is None else {RAISED: raised})
            for name, now, before, raised in cases
        ],
        interval="1d",
        at="2d",
        given=GIVEN,
        texts=texts,
    )


def test_errors(check_insight: Check) -> None:
    """More failures than of the version before are raised beyond points, factor, floor, chance."""
    good = of(calls=10_000, failed=100)
    check(
        check_insight,
        "version-regression-errors",
        [
            ("as ever", of(calls=10_000, failed=100), good, None),
            ("two points more", of(calls=10_000, failed=300), good, None),
            ("more than two points", of(calls=10_000, failed=301), good, 0.02),
            ("better", of(calls=10_000, failed=0), good, None),
            ("1.5 times", of(calls=10_000, failed=900), of(calls=10_000, failed=600), None),
            ("more than that", of(calls=10_000, failed=901), of(calls=10_000, failed=600), 0.03),
            ("too few calls", of(calls=59, failed=30), good, None),
            ("enough calls", of(calls=60, failed=30), good, 0.49),
            ("too few before", of(calls=1_000, failed=500), of(calls=59, failed=0), None),
            ("enough before", of(calls=1_000, failed=500), of(calls=60, failed=0), 0.5),
            ("cancelled is no failure", of(calls=1_000, cancelled=500), good, None),
            # Of 60 calls at 1 %, five fail once in 2,000 looks; seven once in 100,000.
            ("may be chance", of(calls=60, failed=5), good, None),
            ("is no chance", of(calls=60, failed=8), good, 0.123),
            ("both fail", of(calls=10_000, failed=5_000), of(calls=10_000, failed=5_000), None),
            ("no version before", of(calls=10_000, failed=5_000), None, None),
        ],
        {
            "enough before": (
                (
                    "50% of the invocations of finder of acme failed in version 2 in the last 7"
                    " days; in version 1, which was there before, it was 0%."
                ),
                "",
            )
        },
    )


def test_latency(check_insight: Check) -> None:
    """More answers over 10 seconds than of the version before are raised, of successes alone."""
    good = of(calls=10_000, slow=100)
    check(
        check_insight,
        "version-regression-latency",
        [
            ("as ever", good, good, None),
            ("two points more", of(calls=10_000, slow=300), good, None),
            ("more than two points", of(calls=10_000, slow=301), good, 0.02),
            ("1.5 times", of(calls=10_000, slow=900), of(calls=10_000, slow=600), None),
            ("more than that", of(calls=10_000, slow=901), of(calls=10_000, slow=600), 0.03),
            ("too few answers", of(calls=159, failed=100, slow=30), good, None),
            ("enough answers", of(calls=160, failed=100, slow=30), good, 0.49),
            ("may be chance", of(calls=60, slow=5), good, None),
            ("is no chance", of(calls=60, slow=8), good, 0.123),
        ],
    )


def test_cost(check_insight: Check) -> None:
    """An invocation that costs a fifth more is raised beyond floor and chance, with its worth."""
    good = of(calls=10_000, cost=100)
    check(
        check_insight,
        "version-regression-cost",
        [
            ("as ever", good, good, None),
            ("a fifth more", of(calls=10_000, cost=120), good, None),
            ("more than a fifth", of(calls=10_000, cost=121), good, 0.21),
            ("not a dollar", of(calls=100, cost=0.99), of(calls=10_000, cost=10), None),
            ("a dollar", of(calls=100, cost=1), of(calls=10_000, cost=10), 9.0),
            ("too few calls", of(calls=99, cost=10), good, None),
            ("enough calls", of(calls=100, cost=10), good, 9.0),
            ("may be chance", of(calls=400, cost=4.9), of(calls=400, cost=4), None),
            ("is no chance", of(calls=400, cost=5.2), of(calls=400, cost=4), 0.3),
            ("not known before", of(calls=10_000, cost=100), of(calls=10_000), None),
        ],
        {
            "more than a fifth": (
                (
                    "An invocation of finder of acme cost 0.0121 dollars in version 2 in the last 7"
                    " days, 21% more than the 0.0100 of version 1, which was there before."
                ),
                "21.00",
            )
        },
    )


def test_rating(check_insight: Check) -> None:
    """A mean rating that is 0.3 lower is raised beyond floor and chance."""
    good = of(calls=1, ratings=1_000, stars=4_500)
    check(
        check_insight,
        "version-regression-rating",
        [
            ("as ever", good, good, None),
            ("0.3 lower", of(calls=1, ratings=1_000, stars=4_200), good, None),
            ("lower than that", of(calls=1, ratings=1_000, stars=4_199), good, 0.301),
            ("better", of(calls=1, ratings=1_000, stars=4_900), good, None),
            ("too few", of(calls=1, ratings=19, stars=38), good, None),
            ("enough", of(calls=1, ratings=20, stars=40), good, 2.5),
            ("may be chance", of(calls=1, ratings=40, stars=164), good, None),
            ("is no chance", of(calls=1, ratings=100, stars=410), good, 0.4),
        ],
    )


def test_other_versions_are_of_no_account(check_insight: Check) -> None:
    """A third version, however bad, is neither what is compared nor what it is compared with."""
    good, bad = of(calls=10_000, failed=100), of(calls=10_000, failed=9_000)
    check_insight(
        "version-regression-errors",
        [
            ("a bad one that is gone", market(good, good, bad), {}),
            ("a good one that is gone", market(bad, good, good), {RAISED: 0.89}),
        ],
        interval="1d",
        at="2d",
        given=GIVEN,
    )


# --- which version is current --------------------------------------------------------------------

HOUR = 12  # evaluations


def calls(version: str, *phases: tuple[int, float]) -> dict[str, str]:
    """Return invocations of a version: so many evaluations with so many calls in each."""
    level, values = 0.0, ["0"]
    for count, more in phases:
        for _ in range(count):
            level += more
            values.append(f"{level:g}")
    labels = f'{IDS}, version="{version}", outcome="success", instance="i", job="agent-analytics"'
    return {f"{INVOCATIONS}{{{labels}}}": " ".join(values)}


def history(*versions: dict[str, str]) -> dict[str, str]:
    """Return the series of several versions."""
    return {name: values for version in versions for name, values in version.items()}


def away(series: dict[str, str], gap: tuple[int, int]) -> dict[str, str]:
    """Return the same, as if nobody had scraped for some evaluations."""
    first, last = gap
    return {
        name: " ".join(
            "_" if first <= index < last else value for index, value in enumerate(values.split())
        )
        for name, values in series.items()
    }


#: A name, the series, and at which hours which version is current, and which was before it.
HISTORIES = [
    (
        "a release",
        history(calls("1", (48, 20), (48, 0)), calls("2", (48, 0), (48, 20))),
        {3: ("1", ""), 5: ("2", "1"), 7: ("2", "1")},
    ),
    (
        "a release and the next one",
        history(
            calls("1", (36, 20), (72, 0)),
            calls("2", (36, 0), (36, 20), (36, 0)),
            calls("3", (72, 0), (36, 20)),
        ),
        {2: ("1", ""), 5: ("2", "1"), 8: ("3", "2")},
    ),
    (
        "a rollback",
        history(
            calls("1", (36, 20), (36, 0), (36, 20)),
            calls("2", (36, 0), (36, 20), (36, 0)),
        ),
        {5: ("2", "1"), 8: ("1", "2")},
    ),
    (
        "a trial on few calls, and its end",
        history(calls("1", (36, 20), (36, 15), (36, 20)), calls("2", (36, 0), (36, 5), (36, 0))),
        {5: ("1", ""), 8: ("1", "")},
    ),
    (
        "a trial that becomes the release",
        history(calls("1", (36, 20), (36, 15), (36, 0)), calls("2", (36, 0), (36, 5), (36, 20))),
        {5: ("1", ""), 8: ("2", "1")},
    ),
    (
        "two that are equal",
        history(calls("1", (36, 20), (72, 10)), calls("2", (36, 0), (72, 10))),
        {5: ("1", ""), 8: ("1", "")},
    ),
    (
        "few calls, by the day",
        history(calls("1", (240, 1), (400, 0)), calls("2", (240, 0), (400, 1))),
        {20: ("1", ""), 22: ("1", ""), 38: ("2", "1"), 50: ("2", "1")},
    ),
    (
        "nothing was recorded for an hour, an hour and a day ago",
        away(history(calls("1", (240, 20), (600, 0)), calls("2", (240, 0), (600, 20))), (400, 415)),
        dict.fromkeys((22, 35, 36, 42, 57, 58, 59, 60), ("2", "1")),
    ),
    (
        "versions without names",
        history(calls("1", (36, 20), (72, 0)), calls("_other", (36, 0), (72, 20))),
        {2: ("1", ""), 8: ("1", "")},
    ),
    (
        "nobody calls for three days",
        history(calls("1", (24, 20), (900, 0)), calls("2", (12, 0), (24, 30), (888, 0))),
        {1: ("1", ""), 3: ("2", "1"), 30: ("2", "1"), 75: ("2", "1")},
    ),
    (
        "counters begin anew",
        history(
            calls("1", (36, 20), (72, 0)),
            {
                name: " ".join([*values.split()[:60], "20+20x60"])
                for name, values in calls("2", (36, 0), (36, 20)).items()
            },
        ),
        {2: ("1", ""), 6: ("2", "1"), 8: ("2", "1")},
    ),
]


def at(metric: str, hours: int, version: str) -> dict[str, object]:
    """Return what promtool is to find: one version, or none."""
    labels = f'{{{IDS}, version="{version}"}}'
    return {
        "expr": f"group by (publisher_id, agent_id, version) ({metric})",
        "eval_time": f"{hours}h",
        "exp_samples": [{"labels": labels, "value": 1}] if version else [],
    }


@pytest.mark.slow
def test_which_version_is_current(promtool: Run, tmp_path: Path) -> None:
    """The one that most calls are of; a rollback makes the older one current again."""
    (path,) = (each for each in write_rules(tmp_path / "rules") if each.name == "rollups.yml")
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    names = {
        releases.HOUR,
        releases.LATELY,
        releases.CURRENT,
        releases.PREVIOUS,
        f"{INVOCATIONS}:level",
        f"{INVOCATIONS}:hourly",
    }
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if rule["record"] in names]
    groups = [group for group in groups if group["rules"]]
    (tmp_path / "slice.yml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    document = {
        "rule_files": [str(tmp_path / "slice.yml")],
        "evaluation_interval": "5m",
        "tests": [
            {
                "name": name,
                "interval": "5m",
                "input_series": [
                    {"series": one, "values": values} for one, values in series.items()
                ],
                "promql_expr_test": [
                    at(metric, hours, version)
                    for hours, versions in found.items()
                    for metric, version in zip(
                        (releases.CURRENT, releases.PREVIOUS), versions, strict=True
                    )
                ],
            }
            for name, series, found in HISTORIES
        ],
    }
    file = tmp_path / "cases.yml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_on_call_reads_no_release() -> None:
    """No page and nothing that pages look up knows of versions: a release blinds nobody."""
    text = (GENERATED / "rules" / "oncall.yml").read_text(encoding="utf-8")
    assert "release" not in text


@pytest.mark.parametrize("sample", SAMPLES)
def test_versions_are_in_their_own_group(sample: str) -> None:
    """The levels of all others take what they took before there were releases."""
    rules = yaml.safe_load((GENERATED / "rules" / "rollups.yml").read_text(encoding="utf-8"))
    holding = {
        group["name"]
        for group in rules["groups"]
        for rule in group["rules"]
        if rule["record"] in {f"{sample}:level", f"{sample}:drop"}
    }
    assert holding == {"agent-analytics-releases"}
