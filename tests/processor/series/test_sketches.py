"""Rule 10: distinct counts merge."""

import math
import random
from collections.abc import Callable, Iterable

import pytest
from tests.processor.rig import Rig, invoke

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor.catalogue import SKETCH_REGISTERS

MakeRig = Callable[..., Rig]
Registers = dict[str, float]
HOUR = 3600


def registers(rig: Rig, kind: str = "tenants", **labels: str) -> Registers:
    """Return the registers of listings, merged by the smallest."""
    found: Registers = {}
    for (_, pairs), value in rig.series("sketches").items():
        of = dict(pairs)
        if of["kind"] == kind and labels.items() <= of.items():
            found[of["register"]] = min(value, found.get(of["register"], 1.0))
    return found


def merged(*sketches: Registers) -> Registers:
    """Return the union of sketches."""
    keys = set[str]().union(*sketches)
    return {key: min(sketch.get(key, 1.0) for sketch in sketches) for key in keys}


def estimate(sketch: Registers) -> float:
    """Return the distinct count that registers tell.

    The smallest hash of a register that n / m hashes fall into is exponential with rate n / m,
    censored at 1; this is its maximum-likelihood estimate, times m.
    """
    m = SKETCH_REGISTERS
    return m * len(sketch) / (sum(sketch.values()) + m - len(sketch))


def use(rig: Rig, tenants: Iterable[str], agent: str = "finder") -> None:
    """Run an invocation for each tenant."""
    for tenant in tenants:
        rig.run(invoke(agent=agent, tenant=tenant))


@pytest.mark.parametrize("count", [1, 10, 300, 3_000])
def test_distinct_counts_are_close(make_rig: MakeRig, count: int) -> None:
    """The root-mean-square error over many sets of tenants is within what m registers allow."""
    errors: list[float] = []
    repeats = 12 if count >= 3_000 else 25
    for number in range(repeats):
        rig = make_rig(tenant_key=f"key-{number}")
        use(rig, (f"tenant-{n}" for n in range(count)))
        errors.append(estimate(registers(rig)) / count - 1)
    rmse = math.sqrt(sum(error**2 for error in errors) / repeats)
    assert rmse < 0.04
    assert max(map(abs, errors)) < 0.12


def test_repeated_use_changes_nothing(rig: Rig) -> None:
    """A tenant counts once, however often it comes and whatever came of it."""
    use(rig, ["a", "b", "c"])
    once = registers(rig)
    use(rig, ["a", "b", "c"] * 20)
    rig.run(invoke(tenant="a"), {v.OUTCOME: "error"})
    assert registers(rig) == once
    assert len(once) == 3


def test_two_processes_are_one(make_rig: MakeRig) -> None:
    """The smallest of two processes' registers are those of one that saw everything."""
    rng = random.Random(7)
    left, right = ([f"t-{rng.randrange(2_000)}" for _ in range(400)] for _ in range(2))
    one, two, both = make_rig(), make_rig(), make_rig()
    use(one, left)
    use(two, right)
    use(both, left + right)
    assert merged(registers(one), registers(two)) == registers(both)


def test_a_tenant_is_the_same_in_every_listing(rig: Rig) -> None:
    """Unions over listings count a tenant that uses several once."""
    use(rig, ["a", "b"], agent="one")
    use(rig, ["a", "b"], agent="two")
    assert registers(rig, agent_id="one") == registers(rig, agent_id="two")
    assert len(registers(rig)) == 2


def test_the_share_of_equal_registers_is_the_overlap(make_rig: MakeRig) -> None:
    """Jaccard's measure of two sets is the share of registers that are equal in both."""
    one, two = make_rig(), make_rig()
    use(one, (f"t-{n}" for n in range(4_000)))
    use(two, (f"t-{n}" for n in range(2_000, 6_000)))
    first, second = registers(one), registers(two)
    keys = first.keys() | second.keys()
    equal = sum(first.get(key) == second.get(key) for key in keys) / len(keys)
    assert equal == pytest.approx(2_000 / 6_000, abs=0.06)


@pytest.mark.parametrize(("one", "two"), [("k", "other"), ("k", None), ("k", b"x" * 100)])
def test_keys_decide(make_rig: MakeRig, one: str, two: str | bytes | None) -> None:
    """Who lacks the key cannot tell which tenants are in a sketch; who has it gets the same."""
    rigs = [make_rig(tenant_key=key) for key in (one, two, one)]
    for rig in rigs:
        use(rig, [f"t-{n}" for n in range(50)])
    first, second, third = map(registers, rigs)
    assert first == third
    assert len(first.items() & second.items()) <= 1


def test_a_key_in_bytes_is_the_same_key(make_rig: MakeRig) -> None:
    """A key may be given as text or as its bytes."""
    rigs = [make_rig(tenant_key="clé"), make_rig(tenant_key="clé".encode())]
    for rig in rigs:
        use(rig, ["a", "b"])
    assert registers(rigs[0]) == registers(rigs[1])


def test_values_are_between_0_and_1(rig: Rig) -> None:
    """Registers hold fractions that are neither 0 nor 1, in registers 0 to m - 1."""
    use(rig, (f"t-{n}" for n in range(5_000)))
    found = registers(rig)
    assert set(map(int, found)) <= set(range(SKETCH_REGISTERS))
    assert all(0 < value < 1 for value in found.values())
    assert len(found) > SKETCH_REGISTERS * 0.98


def test_epochs_rotate_the_registers(rig: Rig) -> None:
    """A tenant is exposed for at least an hour after it was last seen, and at most two."""
    use(rig, ["a"])
    only_a = registers(rig)
    rig.wall.now += HOUR
    assert registers(rig) == only_a
    use(rig, ["b"])
    both = registers(rig)
    assert only_a.items() < both.items()
    rig.wall.now += HOUR
    only_b = registers(rig)
    assert merged(only_a, only_b) == both
    assert not only_a.items() & only_b.items()
    rig.wall.now += HOUR
    assert registers(rig) == {}


def test_nothing_leaves_before_a_scrape_saw_it(rig: Rig) -> None:
    """However late a scrape comes, it sees who came since the last."""
    rig.run(invoke())
    registers(rig)
    use(rig, ["a"])
    rig.wall.now += 50 * HOUR
    assert len(registers(rig)) == 1
    rig.wall.now += HOUR
    assert registers(rig) == {}


def test_the_smallest_of_two_epochs_is_shown(rig: Rig) -> None:
    """Current and previous registers are merged by the smallest, too."""
    names = [f"t-{n}" for n in range(5_000)]
    use(rig, names[:2_500])
    first = registers(rig)
    rig.wall.now += HOUR
    registers(rig)
    use(rig, names[2_500:])
    second = registers(rig)
    assert all(second[key] <= value for key, value in first.items())
    assert second != first


def test_conversations_have_sketches_of_their_own(rig: Rig) -> None:
    """Conversations are counted apart, the same text hashing to something else."""
    with rig.span(invoke(tenant="x"), {v.CONVERSATION_ID: "x"}):
        rig.run(invoke(None, None) | {v.CONVERSATION_ID: "y"})
    assert len(registers(rig, "tenants")) == 1
    assert len(registers(rig, "conversations")) == 2
    assert not registers(rig, "tenants").items() & registers(rig, "conversations").items()


def test_a_tenant_told_at_the_end_counts(rig: Rig) -> None:
    """A tenant that is only known when the invocation ends is counted."""
    rig.run(invoke(), {v.TENANT_ID: "t"})
    assert len(registers(rig)) == 1


def test_tenants_are_nowhere_in_the_text(rig: Rig) -> None:
    """Neither part exposes a tenant or a conversation."""
    rig.run(invoke(tenant="tenant-4711"), {v.CONVERSATION_ID: "talk-4711"})
    for accept in ("text/plain", "application/openmetrics-text"):
        for part in ("metrics", "sketches"):
            assert b"4711" not in exposition(rig.processor, accept, part)[0]
