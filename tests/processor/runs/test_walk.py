"""How far it is from ``on_end`` to a cell, for a span of a framework: a reader has to walk it."""

from functools import cache
from pathlib import Path

from tests.processor.runs import walk
from tests.processor.runs.walk import Place

PROCESSOR = Path(__file__).resolve().parents[3] / "processor" / "agent_analytics" / "processor"
START = Place("core", "OwnSpans.on_end")
#: Where the ways of other spans part from that of a span of a framework: an event inside a run, a
#: span that says only at its end what it is, spans in the project's own words, and what is done
#: once a second beside all of them.
OTHER_WAYS = {
    *("OtherRoutes._event", "OtherRoutes.late", "OtherRoutes.end", "OtherRoutes.ended_early"),
    *("OtherRoutes.note_usage", "OwnInvocations.end", "OwnTools.end"),
    *("Exposed._counted", "Exposed._upkeep", "OwnSpans._upkeep", "OwnSpans.on_end"),
}
#: What a counter of the processor about itself adds to is no series of a listing.
ITSELF = ("health", "sketch_room", "snapshot")
#: The stages, in the order in which a span passes them. Modules that are not named hold what is
#: handed down: nodes, spans, runs, observations, listings. The core is of several stages: its
#: classes are named.
STAGES = (
    ("OwnSpans", "_other_routes", "_routing", "sdk_access", "native_spans", "_dialects", "reader"),
    ("Beginnings", "attribution", "undecided"),
    (
        *("tracker", "ends", "correlate", "adopting", "never_ended", "placing"),
        *("roles", "graph_roles", "workflows", "protocol_views", "usage_records"),
        *(
            "deduplicate",
            "merged",
            "sameness",
            "tree_index",
            "tree",
            "run_outcomes",
            "calls_inside",
        ),
    ),
    ("observe",),
    (
        *("OwnInvocations", "OwnTools", "OwnUsage"),
        *("count_run", "invocations", "tools", "events", "usage", "billing"),
    ),
)
STAGE = {module: number for number, stage in enumerate(STAGES) for module in stage}

MOST_STOPS = 20
MOST_CLIMBS = 5
MOST_NAMES = 15


def _stage(place: Place) -> int | None:
    return STAGE.get(place.owner if place.module == "core" else place.module)


@cache
def _graph() -> tuple[walk.Code, dict[Place, list[Place]]]:
    code = walk.read(PROCESSOR)
    graph = {place: code.calls(place) for place in code.functions}
    for start in (START, *graph[START]):
        graph[start] = [one for one in graph[start] if one.name not in OTHER_WAYS]
    return code, graph


def _stops() -> set[Place]:
    code, graph = _graph()
    cells = {
        place
        for place, function in code.functions.items()
        if walk.adds_to_cells(function) and place.module not in ITSELF
    }
    return walk.between(graph, START, cells)


def test_the_walk_is_seen() -> None:
    """The measure sees both ends of the walk, and every kind of thing that is counted."""
    found = {f"{place.module}.{place.name}" for place in _stops()}
    assert {
        "core.OwnSpans.on_end",
        "ends.RunEnds.finish",
        "invocations.InvocationCounter.count",
        "tools.ToolCounter.count",
        "usage.UsageCounter.of_inference",
        "usage.UsageCounter.of_record",
    } <= found
    unnamed = {place for place in _stops() if _stage(place) is None}
    assert {place.owner for place in unnamed} <= {"Block", "Node", ""}


def test_stops() -> None:
    """Few functions are on a way from the end of a span to a cell."""
    found = sorted(f"{place.module}.{place.name}" for place in _stops())
    assert len(found) <= MOST_STOPS, found


def test_climbs() -> None:
    """What is on the way calls what is further down, and hardly anything that was passed."""
    _, graph = _graph()
    found = [
        f"{place.module}.{place.name} calls {one.module}.{one.name}"
        for place in sorted(_stops())
        for one in graph[place]
        if (here := _stage(place)) is not None
        and (there := _stage(one)) is not None
        and there < here
    ]
    assert len(found) <= MOST_CLIMBS, found


def test_names() -> None:
    """One thing has one name from stop to stop."""
    code, _ = _graph()
    found = {
        argument.arg
        for place in _stops()
        for argument in (
            *code.functions[place].args.args,
            *code.functions[place].args.kwonlyargs,
        )
    } - {"self"}
    assert len(found) <= MOST_NAMES, sorted(found)


def test_one_owner_of_the_gauge() -> None:
    """One module writes the gauge of invocations in progress."""
    writers = {
        path.stem
        for path in PROCESSOR.rglob("*.py")
        if "[IN_PROGRESS] +=" in (text := path.read_text(encoding="utf-8"))
        or "[IN_PROGRESS] -=" in text
        or "schema.IN_PROGRESS]" in text
    }
    assert writers == {"core"}
