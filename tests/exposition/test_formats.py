"""Both formats as the official parsers, promtool and a registry see them."""

import math
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families as parse_text
from tests.effort import examples
from tests.exposition.conftest import MOVING, Market, of_registry, parse_openmetrics, still
from tests.patience import patience

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor.catalogue import ACTIVE_INSTALLS, CATALOGUE, STATE_FAILING

OPENMETRICS = "application/openmetrics-text"
#: What needs a callback of the marketplace, or a state directory.
ELSEWHERE = (ACTIVE_INSTALLS, STATE_FAILING)
Parse = Callable[[str], Iterable[Family]]
PARSERS: tuple[tuple[Parse, str], ...] = (
    (parse_text, "text/plain"),
    (parse_openmetrics, OPENMETRICS),
)
Sample = tuple[str, tuple[tuple[str, str], ...], float]


def samples(families: Iterable[Family]) -> list[Sample]:
    """Return every sample of a scrape, in an order that does not depend on the format."""
    return sorted(
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in families
        for sample in family.samples
        if not MOVING.match(f"{sample.name} 0")
    )


@pytest.mark.parametrize(
    ("accept", "part", "golden"),
    [
        ("text/plain", "metrics", "metrics.txt"),
        (OPENMETRICS, "metrics", "metrics.openmetrics"),
        ("text/plain", "sketches", "sketches.txt"),
        (OPENMETRICS, "sketches", "sketches.openmetrics"),
    ],
)
def test_every_byte(market: Market, accept: str, part: str, golden: str) -> None:
    """A small marketplace reads exactly as the file beside this test."""
    path = Path(__file__).parent / "golden" / golden
    if "WRITE_GOLDEN" in os.environ:  # after a change that is meant to be seen: read the diff
        path.write_text(still(market.text(accept, part)), encoding="utf-8")
    assert still(market.text(accept, part)) == path.read_text(encoding="utf-8")


def test_all_ways_agree(market: Market) -> None:
    """Text, OpenMetrics, and a registry in either format hold the same samples."""
    ours = [
        samples(
            family
            for part in ("metrics", "sketches")
            for family in parse(market.text(accept, part))
        )
        for parse, accept in PARSERS
    ]
    theirs = [
        samples(parse_text(of_registry(market.processor, form="text"))),
        samples(parse_openmetrics(of_registry(market.processor, form="openmetrics"))),
    ]
    assert len(ours[0]) > 150
    assert ours[0] == ours[1] == theirs[0] == theirs[1]


def test_exemplars_agree_with_the_registrys(market: Market) -> None:
    """A registry shows the same exemplars, on the same buckets."""

    def exemplars(text: str) -> dict[tuple[str, str], tuple[dict[str, str], float]]:
        return {
            (sample.name, str(sorted(sample.labels.items()))): (
                sample.exemplar.labels,
                sample.exemplar.value,
            )
            for family in parse_openmetrics(text)
            for sample in family.samples
            if sample.exemplar is not None
        }

    ours = exemplars(market.text(OPENMETRICS))
    assert len(ours) == 5
    assert ours == exemplars(of_registry(market.processor, form="openmetrics"))


def test_exemplars_lead_to_the_span(market: Market) -> None:
    """The exemplar of the slow failure carries its trace, and lies in its bucket."""
    line = next(
        line
        for line in market.text(OPENMETRICS).splitlines()
        if 'outcome="error",le="15.0"} 1' in line
    )
    exemplar = line.partition(" # ")[2]
    match = re.fullmatch(r'\{trace_id="(\w+)",span_id="\w+"\} (\S+) \S+', exemplar)
    assert match is not None
    assert int(match[1], 16) == 0xA2
    assert float(match[2]) == 10.001


@pytest.mark.parametrize("part", ["metrics", "sketches"])
@pytest.mark.parametrize("scale", [1, 5])
def test_promtool_has_nothing_to_say(
    make_market: Callable[[], Market], part: str, scale: int
) -> None:
    """``promtool check metrics`` accepts the text without a complaint."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    market = make_market()
    for number in range(scale):
        market.everything(agent=f"agent-{number}")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=market.text(part=part),
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_no_created_lines(market: Market, accept: str) -> None:
    """Times of creation are not exposed."""
    assert "_created" not in market.text(accept)


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_edges_are_canonical_floats(market: Market, accept: str) -> None:
    """An edge is never an integer: Prometheus 2 and 3 would store different series."""
    edges = set(re.findall(r'le="([^"]*)"', market.text(accept)))
    assert {"10.0", "5.0", "0.25", "+Inf"} <= edges
    assert all(edge == "+Inf" or edge == repr(float(edge)) for edge in edges)


def test_names_of_counters(market: Market) -> None:
    """Text names a counter with ``_total`` in its comments, OpenMetrics without."""
    assert "# TYPE marketplace_agent_invocations_total counter\n" in market.text()
    assert "# TYPE marketplace_agent_invocations counter\n" in market.text(OPENMETRICS)
    assert market.text(OPENMETRICS).endswith("# EOF\n")
    assert "# EOF" not in market.text()


def test_every_sample_is_in_the_catalogue_and_the_reverse(market: Market) -> None:
    """Names and label sets are the catalogue's; all of it that needs nothing more is there."""
    shown: dict[str, set[frozenset[str]]] = {}
    for part in ("metrics", "sketches"):
        for family in parse_text(market.text(part=part)):
            for sample in family.samples:
                shown.setdefault(sample.name, set()).add(frozenset(sample.labels))
    expected = {
        name: {frozenset((*metric.labels, *(("le",) if name.endswith("_bucket") else ())))}
        for metric in CATALOGUE.values()
        if metric not in ELSEWHERE
        for name in metric.samples
    }
    assert shown == expected


def test_types_help_and_units_are_the_catalogues(market: Market) -> None:
    """What is said of a family is what the catalogue says."""
    families = {
        family.name: family
        for part in ("metrics", "sketches")
        for family in parse_openmetrics(market.text(OPENMETRICS, part))
    }
    for metric in CATALOGUE.values():
        if metric not in ELSEWHERE:
            family = families[metric.family]
            shown = (family.type, family.documentation, family.unit)
            assert shown == (metric.kind, metric.help, metric.unit)


def test_sum_and_buckets(market: Market) -> None:
    """10 s exactly is in the bucket of 10 s, and a millisecond more is not."""
    buckets = {
        (labels["outcome"], labels["le"]): value
        for name, pairs, value in samples(parse_text(market.text()))
        if name == "marketplace_agent_invocation_duration_seconds_bucket"
        for labels in [dict(pairs)]
    }
    assert buckets["success", "0.25"] == 1
    assert buckets["success", "7.5"] == 1
    assert buckets["success", "10.0"] == 2
    assert buckets["error", "10.0"] == 0
    assert buckets["error", "15.0"] == 1


def test_an_empty_processor(make_market: Callable[[], Market]) -> None:
    """Before the first span there are health counters at 0, and no time of a last span."""
    text = make_market().text()
    assert "marketplace_agent_" not in text
    assert 'agent_analytics_spans_total{kind="invocation"} 0\n' in text
    assert "last_span_timestamp" not in text
    assert make_market().text(part="sketches") == ""
    assert make_market().text(OPENMETRICS, "sketches") == "# EOF\n"


NASTY = st.one_of(
    st.text(min_size=1, max_size=20),
    st.sampled_from(["\r", "a\rb", "\u2028", "\x85", "\x0b", "\x1c", "%", "%%s", "%(a)d", "{}"]),
    st.sampled_from(['"', "\\", "\\n", "\n", '\\"', "\\\\", '",x="1', "\x01", " ", "#", "le", ","]),
)


@settings(max_examples=examples(50), deadline=None)
@given(publisher=NASTY, agent=NASTY, tool=NASTY, model=NASTY)
def test_any_label_value_comes_back(publisher: str, agent: str, tool: str, model: str) -> None:
    """Whatever stands in a label, both parsers read it back as it was, exemplars beside it."""
    market = Market()
    owner = {v.PUBLISHER_ID: publisher, v.AGENT_ID: agent}
    span = market.begin({v.OPERATION_NAME: v.INVOKE_AGENT, **owner})
    market.run({v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: tool}, 30, span)
    market.run({v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: model}, 30, span)
    market.end(span, 250)
    found = [samples(parse(market.text(accept))) for parse, accept in PARSERS]
    assert found[0] == found[1]

    def usable(value: str) -> bool:
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)

    if usable(publisher):
        shown = {name: dict(pairs) for name, pairs, value in found[0] if value and "_total" in name}
        called = shown["marketplace_agent_tool_calls_total"]
        assert called["publisher_id"] == publisher
        assert called["agent_id"] == (agent if usable(agent) else "_other")
        assert called["tool"] == (tool if usable(tool) else "_other")
        asked = shown["marketplace_agent_inference_calls_total"]
        assert asked["model"] == (model if usable(model) else "_other")
        assert market.text(OPENMETRICS).count("# {trace_id=") == 2


@pytest.mark.parametrize("amount", ["0.000000001", "0.1", "123456.789012345", "1000000"])
def test_amounts_in_full(make_market: Callable[[], Market], amount: str) -> None:
    """An amount is exposed with every digit that it has."""
    market = make_market()
    owner = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
    market.run({v.EVENT: "charge", v.REVENUE_USD: amount, **owner})
    line = next(
        line
        for line in market.text().splitlines()
        if line.startswith("marketplace_agent_revenue_usd_total{")
    )
    assert math.isclose(float(line.split(" ")[-1]), float(amount), rel_tol=0, abs_tol=0)


@pytest.mark.parametrize("part", ["", "metric", "METRICS", "both", None, 7])
def test_an_unknown_part(market: Market, part: object) -> None:
    """A part that there is not is an error that names what there is."""
    with pytest.raises(ValueError, match="sketches"):
        exposition(market.processor, "text/plain", part)  # type: ignore[arg-type]  # being tested
