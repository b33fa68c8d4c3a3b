"""Registers of sketches keep the limits of an exposition, and unions stay what they are."""

from collections.abc import Mapping
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from tests.effort import examples
from tests.processor.rig import Rig, invoke

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits
from agent_analytics.processor._caps.sizes import Size
from agent_analytics.processor._caps.sketch_room import Sketches, shown

Ids = tuple[str, str, str]
WHOLE: Final = Size(20_000, 3_000_000)


def union(sketches: Mapping[Ids, Mapping[int, float]]) -> dict[tuple[str, int], float]:
    """Return the smallest hash by kind and register, of all listings."""
    merged: dict[tuple[str, int], float] = {}
    for (_, _, kind), registers in sketches.items():
        for register, value in registers.items():
            merged[kind, register] = min(value, merged.get((kind, register), 1.0))
    return merged


def read(sketches: Sketches, whole: Size = WHOLE) -> dict[Ids, dict[int, float]]:
    """Return what is shown of sketches, each series once."""
    found: dict[Ids, dict[int, float]] = {}
    for (publisher, agent, kind, register), value in shown(sketches, whole):
        registers = found.setdefault((publisher, agent, kind), {})
        assert int(register) not in registers
        registers[int(register)] = value
    return found


def full(seed: int, registers: int = 1024) -> dict[int, float]:
    """Return registers that are all in use."""
    return {number: (number * 7 + seed * 13) % 997 / 1000 + 0.001 for number in range(registers)}


def test_a_greedy_publisher_leaves_a_small_one_whole() -> None:
    """What one publisher has too much is merged into its ``_other``; its union stays the same."""
    greedy = {("evil", f"a{number}", "tenants"): full(number) for number in range(100)}
    small: dict[Ids, dict[int, float]] = {("honest", "finder", "tenants"): full(5)}
    found = read(greedy | small)
    assert found["honest", "finder", "tenants"] == small["honest", "finder", "tenants"]
    evil = {ids: registers for ids, registers in found.items() if ids[0] == "evil"}
    assert union(evil) == union(greedy)
    assert len(evil) > 10
    assert ("evil", "_other", "tenants") in evil
    assert sum(len(registers) for registers in found.values()) <= WHOLE.samples


SKETCHES = st.dictionaries(
    st.tuples(
        st.sampled_from(["a", "b", "c" * 200, "\U0001f600" * 200, '"' * 200, "_other"]),
        st.sampled_from(["1", "2", "3", "4", "\\" * 200, "_other"]),
        st.sampled_from(["tenants", "conversations"]),
    ),
    st.builds(full, st.integers(0, 9), st.sampled_from([0, 3, 100, 1024])),
    max_size=72,
)


@given(sketches=SKETCHES, samples=st.integers(6_000, 60_000), size=st.integers(2, 30))
@settings(max_examples=examples(30), deadline=None)
def test_limits_hold_and_unions_are_exact(
    sketches: dict[Ids, dict[int, float]], samples: int, size: int
) -> None:
    """Whatever sketches there are, the limits hold, and the union of all is what it was."""
    whole = Size(samples, size * 1_000_000)
    found = read(sketches, whole)
    assert union(found) == union(sketches)
    assert sum(map(len, found.values())) <= whole.samples
    lines = [
        f'marketplace_agent_sketch_register{{publisher_id="{ids[0]}",agent_id="{ids[1]}",'
        f'kind="{ids[2]}",register="{register}"}} {value!r}\n'
        for ids, registers in found.items()
        for register, value in registers.items()
    ]
    assert sum(len(line.encode()) for line in lines) <= whole.bytes


def test_sketches_of_a_flood_of_tenants() -> None:
    """Listings with tenants without end come to no more than one exposition takes."""
    limits = Limits(max_samples=6_000, max_exposition_bytes=900_000, publisher_share=1.0)
    rig = Rig(limits=limits)
    for number in range(12):
        for tenant in range(300):
            rig.run(invoke("evil", f"agent-{number}") | {v.TENANT_ID: f"t-{number}-{tenant}"})
    rig.run(invoke("honest", "finder") | {v.TENANT_ID: "t-1"})
    body = exposition(rig.processor, part="sketches")[0]
    lines = [line for line in body.splitlines() if not line.startswith(b"#")]
    assert len(lines) <= limits.max_samples
    assert len(body) <= limits.max_exposition_bytes
    assert sum(b'"honest"' in line for line in lines) == 1
    registry = CollectorRegistry()
    registry.register(rig.processor)
    together = generate_latest(registry)
    assert sum(not line.startswith(b"#") for line in together.splitlines()) <= limits.max_samples
    assert len(together) <= limits.max_exposition_bytes
    assert b"sketch_register{" in together
