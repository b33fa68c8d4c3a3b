"""Rule: whoever fills a cap loses by it, and no neighbour's figure moves. All caps are walked."""

import ast
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest
from opentelemetry.trace import Span, set_span_in_context
from tests.processor.runs.long_runs import CALL, NAMED
from tests.processor.runs.test_neighbours import SCOPE, Market, of

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits
from agent_analytics.processor._caps.eviction import Fair
from agent_analytics.processor._count import response_ids
from agent_analytics.processor._runs import ends, tracker
from agent_analytics.processor._series.health import Health

ROOT: Final = Path(__file__).parents[3]
#: Names of constants that bound something, and what else makes a bound.
BOUNDS: Final = re.compile(r"(MAX_|MOST|LONGEST|REMEMBERED|MANY$|SPARED|LARGEST|DEEPEST)")
SMALL: Final = Limits(open_spans=40, event_ids_per_publisher=40)

# --- a neighbour, whose figures must not move ----------------------------------------------------


def figures(market: Market, publisher: str = "neighbour") -> dict[tuple[str, Any], float]:
    """Return all that is exposed of a publisher."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in market.processor.collect()
        for sample in family.samples
        if sample.labels.get("publisher_id") == publisher and "seconds" not in sample.name
    }


def neighbour(market: Market, attack: Callable[[Market], object]) -> dict[tuple[str, Any], float]:
    """Run an agent with calls, a late one among them, beside an attack; return its figures."""
    tracer = market.provider.get_tracer(SCOPE)
    request = tracer.start_span("request", of("neighbour"))
    around = set_span_in_context(request, of("neighbour"))
    top = tracer.start_span("agent", around, attributes=NAMED)
    inside = set_span_in_context(top, of("neighbour"))
    tracer.start_span("call", inside, attributes=CALL).end()
    late = tracer.start_span("call", inside, attributes=CALL)
    own = {v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "neighbour", v.AGENT_ID: "own"}
    invocation = tracer.start_span("own", of("neighbour"), attributes=own)
    kept = attack(market)
    within = set_span_in_context(invocation, of("neighbour"))
    tracer.start_span("call", within, attributes=CALL).end()
    invocation.end()
    top.end()
    attack(market)
    late.end()
    after = set_span_in_context(top, of("neighbour"))
    tracer.start_span("call", after, attributes=CALL).end()
    request.set_attributes({v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "late"})
    request.end()
    del kept
    return figures(market)


# --- attacks -------------------------------------------------------------------------------------


def open_many(market: Market, kind: dict[str, Any], number: int = 100) -> list[Span]:
    """Start spans that nobody ends."""
    tracer = market.provider.get_tracer(SCOPE)
    return [tracer.start_span("x", of("hostile"), attributes=kind) for _ in range(number)]


def open_decorated(market: Market) -> list[Span]:
    """Start invocations of one's own that nobody ends."""
    own = {v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "hostile", v.AGENT_ID: "own"}
    return open_many(market, own)


def wait_for_each_other(market: Market) -> list[Span]:
    """End agents whose calls go on."""
    tracer = market.provider.get_tracer(SCOPE)
    calls: list[Span] = []
    for _ in range(100):
        top = tracer.start_span("x", of("hostile"), attributes=NAMED)
        inside = set_span_in_context(top, of("hostile"))
        calls.append(tracer.start_span("y", inside, attributes=CALL))
        top.end()
    return calls


def run_many(market: Market) -> None:
    """Run agents, each of which is remembered."""
    for number in range(100):
        market.run("hostile", f"model-{number}")


def many_hosts(market: Market) -> list[Span]:
    """Start agents of another instrumentation, which any run may turn out to be in."""
    tracer = market.provider.get_tracer("openinference.instrumentation.langchain")
    return [
        tracer.start_span("x", of("hostile"), attributes={"openinference.span.kind": "AGENT"})
        for _ in range(300)
    ]


def many_names(market: Market) -> None:
    """Use each name once: whatever remembers what it has read reads it again."""
    tracer = market.provider.get_tracer(SCOPE)
    for number in range(300):
        own: dict[str, Any] = {
            v.OPERATION_NAME: v.INVOKE_AGENT,
            v.PUBLISHER_ID: "hostile",
            v.AGENT_ID: f"a{number}",
            v.TENANT_ID: f"t{number}",
            v.REVENUE_USD: f"0.{number:06}",
            v.OUTCOME: "error",
            v.ERROR_TYPE: f"e{number}",
            v.REQUEST_MODEL: f"m{number}",
            v.INPUT_TOKENS: number,
            v.AGENT_VERSION: f"v{number}",
            v.EVENT_ID: f"e{number}",
            v.EVENT: v.EVENT_INVOCATION,
        }
        tracer.start_span("x", of("hostile"), attributes=own).end()
        call: dict[str, Any] = {
            **CALL,
            v.REQUEST_MODEL: f"m{number}",
            v.RESPONSE_ID: f"resp-{number:030}",
        }
        market.provider.get_tracer(f"scope.{number % 50}").start_span(
            f"n{number}", of("hostile"), attributes=call
        ).end()


ATTACKS: Final[dict[str, Callable[[Market], object]]] = {
    "open spans": partial(open_many, kind=NAMED),
    "open invocations": open_decorated,
    "undecided spans": partial(open_many, kind={}),
    "waiting runs": wait_for_each_other,
    "remembered runs": run_many,
    "open runs": many_hosts,
    "names": many_names,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_moves_a_figure_of_a_neighbour(
    attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A publisher who fills what many share changes nothing of what is exposed of another."""
    monkeypatch.setattr(ends, "MOST_WAITING", 40)
    monkeypatch.setattr(ends, "_REMEMBERED", 40)
    monkeypatch.setattr(tracker, "_MOST_LEFT", 40)
    monkeypatch.setattr(response_ids, "_MOST", 40)
    alone = neighbour(Market(limits=SMALL), lambda _: None)
    assert (
        alone[
            "marketplace_agent_invocations_total",
            next(labels for name, labels in alone if name == "marketplace_agent_invocations_total"),
        ]
        == 1
    )
    assert neighbour(Market(limits=SMALL), ATTACKS[attack]) == alone


def test_who_has_most_gives_up_the_oldest() -> None:
    """Of several owners the one with most loses, the oldest first, until others have as many."""
    things = dict.fromkeys(range(10), "many") | {100 + n: "few" for n in range(4)}
    fair = Fair[str](8, str)
    gone: list[int] = []
    while len(things) > 8:
        key = fair.oldest(things)
        assert key is not None
        del things[key]
        gone.append(key)
    assert gone == [0, 1, 2, 3, 4, 5]
    del things[6], things[7], things[8]
    assert fair.oldest(things) == 100
    assert fair.oldest({}) is None


def test_nobody_takes_all_names_of_instrumentations() -> None:
    """One publisher's instrumentations do not put a neighbour's under ``_other``."""
    health = Health(threading.RLock())
    for number in range(100):
        health.contradict(f"made.up.{number}", "hostile")
    health.contradict("openinference.instrumentation.x", "neighbour")
    assert health.scopes["openinference.instrumentation.x"][0] == 1


# --- the walk ------------------------------------------------------------------------------------

#: Bounds on one value, one span, one tree or one answer: nothing is shared, so nobody is near.
OF_ONE: Final = "one"
#: Functions of their arguments alone, whose answers are remembered: forgotten ones are found again.
PURE: Final = "names"

COVERED: Final[dict[str, str]] = {
    "instrumentation/_usage/answers.py": OF_ONE,
    "instrumentation/_api/checks.py": OF_ONE,
    # Of one call's arguments or result, and of the calls of one invocation.
    "instrumentation/_calls/arguments.py": OF_ONE,
    "processor/_count/tools.py": OF_ONE,
    "instrumentation/_usage/fields.py": OF_ONE,
    "instrumentation/_calls/interrupters.py": OF_ONE,
    "instrumentation/_strangers/plain_data.py": OF_ONE,
    "instrumentation/_results/result_kinds.py": PURE,
    "instrumentation/_calls/outcomes.py": OF_ONE,
    "instrumentation/_results/multipart_results.py": OF_ONE,
    "instrumentation/_results/returned.py": PURE,
    "instrumentation/_results/stand_ins.py": PURE,
    "instrumentation/_usage/stated_cost.py": OF_ONE,
    "instrumentation/_usage/stream_usage.py": OF_ONE,
    "instrumentation/_usage/usage.py": OF_ONE,
    "instrumentation/_usage/usage_objects.py": OF_ONE,
    "instrumentation/mistakes.py": "log",
    "instrumentation/money.py": OF_ONE,
    "instrumentation/written_calls.py": "tests/instrumentation/calls/test_late_writers.py",
    "instrumentation/written_calls.py:_MOST_ATTRIBUTES": OF_ONE,
    "processor/_runs/adopting.py": OF_ONE,
    "processor/_dialects/": OF_ONE,
    "processor/_dialects/_shared/basis.py:_REMEMBERED": PURE,
    "processor/_dialects/functions.py": PURE,
    **dict.fromkeys(
        (
            f"processor/_dialects/{module}:_REMEMBERED"
            for module in (
                "reader.py",
                "_shared/names.py",
                "_shared/calls.py",
                "_shared/fetched.py",
            )
        ),
        PURE,
    ),
    "processor/_dialects/shape.py:_REMEMBERED": "tests/dialects/test_shapes.py",
    "processor/_dialects/signs.py": PURE,
    "processor/_durable/_files/slots.py": "tests/durable",
    "processor/_durable/_files/format.py": "tests/durable",
    "processor/_durable/_files/identity.py": OF_ONE,
    "processor/_durable/_files/segments.py": "tests/durable",
    "processor/_count/events.py": OF_ONE,
    "processor/_series/expiry.py": OF_ONE,
    "processor/_prices/file_prices.py": OF_ONE,
    "processor/_runs/foreign_span.py": OF_ONE,
    "processor/_series/health.py": "tests/processor/series/test_caps.py",
    "processor/_series/health.py:_LONGEST_SCOPE": OF_ONE,
    "processor/_runs/held_runs.py": OF_ONE,
    "processor/_count/invocations.py": OF_ONE,
    "processor/_runs/mates.py": "open spans",
    "processor/_trees/merged.py": OF_ONE,
    "processor/_runs/correlate.py:_MOST_HOSTS": "open runs",
    "processor/_runs/correlate.py:_MOST_PARTS": OF_ONE,
    "processor/_trees/tree_index.py": OF_ONE,
    "processor/_spans/outcomes.py": PURE,
    "processor/_trees/protocol_views.py": OF_ONE,
    "processor/_prices/public_prices.py": PURE,
    "processor/_series/hold.py": "tests/processor/series/test_hold.py",
    "processor/_count/response_ids.py": "names",
    "processor/_runs/run.py": OF_ONE,
    "processor/_runs/ends.py": "waiting runs",
    "processor/_runs/ends.py:_REMEMBERED": "remembered runs",
    "processor/_runs/tracker.py:_MOST_LEFT": "open spans",
    "processor/_spans/undecided.py": "undecided spans",
    "processor/_series/sketch.py": PURE,
    "processor/_caps/sketch_room.py": "tests/processor/series/test_sketch_room.py",
    "processor/_series/snapshot.py": OF_ONE,
    "processor/_count/core.py": OF_ONE,
    "processor/_count/usage.py": OF_ONE,
    "processor/_spans/values.py": OF_ONE,
    "processor/_spans/values.py:_REMEMBERED_CHARGES": PURE,
    "processor/_trees/deduplicate.py": OF_ONE,
    "exporters/_workers/lease.py": "tests/durable",
    "exporters/_http/listening.py": OF_ONE,
    "exporters/_instrument/observer.py": "log",
    "exporters/_access/password_line.py": "tests/exporters/access/test_guesses.py",
    "exporters/_access/passwords.py": "tests/exporters/access/test_guesses.py",
    "exporters/_access/unchecked.py": "tests/exporters/access/test_guessers.py",
    "exporters/_leaving/policy.py": OF_ONE,
    "exporters/_http/reception.py": "tests/exporters/http/test_many_readers.py",
    "exporters/_leaving/redaction.py": PURE,
    "exporters/_leaving/redaction.py:_MOST_WORDS": OF_ONE,
    "exporters/_http/request.py": OF_ONE,
    "exporters/_settings/settings.py": OF_ONE,
    "exporters/_settings/span_limits.py": OF_ONE,
    # Of ``Limits``.
    "max_samples": "tests/processor/series/test_shares.py",
    "max_exposition_bytes": "tests/processor/series/test_shares.py",
    "publisher_share": "tests/processor/series/test_shares.py",
    "publishers": "tests/processor/series/test_limits.py",
    "listings_per_publisher": "tests/processor/series/test_limits.py",
    "tools_per_listing": "tests/processor/series/test_limits.py",
    "models_per_listing": "tests/processor/series/test_limits.py",
    "error_types_per_listing": "tests/processor/series/test_limits.py",
    "evaluations_per_listing": "tests/processor/series/test_limits.py",
    "versions_per_listing": "tests/processor/series/test_limits.py",
    "releases_per_listing": "tests/processor/count/test_releases.py",
    "processor/_caps/sizes.py": "tests/processor/count/test_releases.py",
    "label_length": "tests/processor/series/test_limits.py",
    "open_spans": "open spans",
    "open_span_seconds": "tests/processor/runs/test_never_ended.py",
    "open_run_seconds": "tests/dialects/test_never_ended.py",
    "event_ids_per_publisher": "names",
}
#: What is neither an attack nor a test: a message in the log, which no figure depends on.
LOG: Final = "log"


def bounds() -> Iterator[str]:
    """Yield every cap: constants that bound something, remembered answers, fields of ``Limits``."""
    for portion in ("instrumentation", "processor", "exporters"):
        for file in sorted((ROOT / portion / "agent_analytics" / portion).rglob("*.py")):
            module = file.relative_to(ROOT / portion / "agent_analytics").as_posix()
            tree = ast.parse(file.read_text(encoding="utf-8"))
            for node in tree.body:
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    value = node.value
                    plain = isinstance(value, ast.Constant | ast.BinOp | ast.Call)
                    if plain and BOUNDS.search(node.target.id):
                        yield f"{module}:{node.target.id}"
            for inner in ast.walk(tree):
                if isinstance(inner, ast.keyword) and inner.arg in {"maxlen", "maxsize"}:
                    yield f"{module}:{inner.arg}"
    for field in fields(Limits):
        yield field.name


def cover(bound: str) -> str | None:
    """Return what covers a cap: by its own name, its module's, or its package's."""
    module, _, _ = bound.partition(":")
    folders = [f"{parent}/" for parent in PurePosixPath(module).parents]
    return next((COVERED[key] for key in (bound, module, *folders) if key in COVERED), None)


@pytest.mark.parametrize("bound", sorted(set(bounds())))
def test_every_cap_has_a_test(bound: str) -> None:
    """A cap is of one thing, or is attacked here, or is tested where it says; a new one fails."""
    found = cover(bound)
    assert found is not None, f"{bound}: attack it, or say in COVERED what shows that it is fair"
    assert found in {OF_ONE, LOG, *ATTACKS} or (ROOT / found).exists()
