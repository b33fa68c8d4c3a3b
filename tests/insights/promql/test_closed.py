"""ISO weeks and months that have ended, against sets of tenants and sums, by promtool."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

import pytest
from tests.tools import Run

from agent_analytics.insights._entries import Recording
from agent_analytics.insights._promql import rollups
from agent_analytics.insights._promql.closed import groups, listings, tenants
from agent_analytics.processor import catalogue

#: promtool evaluates every hour of weeks and months: seconds each.
pytestmark = pytest.mark.slow

M: Final = catalogue.SKETCH_REGISTERS
#: promtool begins with the epoch, a Thursday: the first Monday is the fifth day.
MONDAY: Final = 4
#: Tenants of each publisher by day.
Days = Mapping[str, Sequence[frozenset[int]]]
Registers = dict[int, float]
#: January 1970 has 31 days, February 28, March 31 and April 30.
ENDS_OF_MONTHS: Final = (31, 59, 90, 120)


def place(tenant: int) -> tuple[int, float]:
    """Return the register and the hash of a tenant."""
    dice = Random(f"tenant {tenant}")
    return dice.randrange(M), dice.random()


def registers(who: Iterable[int], placed: Callable[[int], tuple[int, float]]) -> Registers:
    """Return the smallest hash of each register."""
    found: Registers = {}
    for tenant in who:
        register, value = placed(tenant)
        found[register] = min(value, found.get(register, 1.0))
    return found


def distinct(sketch: Registers) -> float:
    """Return the estimate of how many tenants registers have seen."""
    return M * len(sketch) / (M - sum(1 - value for value in sketch.values()))


def shared(one: Registers, other: Registers) -> float:
    """Return the estimate of how many tenants two sets of registers share."""
    both = {key: min(one.get(key, 1.0), other.get(key, 1.0)) for key in one | other}
    equal = sum(other.get(key) == value for key, value in one.items())
    return equal / len(both) * distinct(both) if both else 0.0


def week_of(days: Sequence[frozenset[int]], monday: int) -> frozenset[int]:
    """Return the tenants of the week that ended on a Monday, given as a day."""
    return frozenset[int]().union(*days[monday - 7 : monday])


def daily(name: str, labels: str, by_day: Mapping[int, float], days: int) -> dict[str, str]:
    """Return a series that has a value in the first hour after some days, as promtool wants it."""
    values = ["_"]
    for day in range(days):
        values += ["_x23", f"{by_day[day]!r}" if day in by_day else "_"]
    return {"series": f"{name}{{{labels}}}", "values": " ".join(values)}


def input_of(
    days: Days, length: int, placed: Callable[[int], tuple[int, float]] = place
) -> list[dict[str, str]]:
    """Return the registers of the days of publishers and of all of them, as they are recorded."""
    everybody = [frozenset[int]().union(*(d[day] for d in days.values())) for day in range(length)]
    found = [
        daily(rollups.OF_MARKETPLACE.tenants, "", dict.fromkeys(range(length), 1.0), length),
    ]
    for publisher, own in {**days, "": everybody}.items():
        union = rollups.OF_PUBLISHER if publisher else rollups.OF_MARKETPLACE
        series: dict[int, dict[int, float]] = {}
        for day in range(length):
            for register, value in registers(own[day], placed).items():
                series.setdefault(register, {})[day] = value
        label = f'publisher_id="{publisher}",' if publisher else ""
        found += [
            daily(union.days, f'{label}kind="tenants",register="{register}"', by_day, length)
            for register, by_day in series.items()
        ]
    return found


def rounded(value: float) -> float:
    """Return a number as Prometheus rounds it."""
    return math.floor(value * 1e6 + 0.5) / 1e6


def check(
    promtool: Run,
    directory: Path,
    series: Sequence[Mapping[str, str]],
    expected: Mapping[tuple[str, float], Mapping[str, float]],
    rules: Sequence[Recording],
) -> None:
    """Let promtool evaluate the rules every hour, and compare what is there at some days."""
    group = {
        "name": "closed",
        "interval": "1h",
        "rules": [rule.yaml() for rule in rules],
    }
    (directory / "rules.json").write_text(json.dumps({"groups": [group]}), encoding="utf-8")
    cases = [
        {
            # promtool compares every digit, and sums have an order.
            "expr": f"round(last_over_time({name}[1d]), 0.000001)",
            "eval_time": f"{day * 24:.0f}h",
            "exp_samples": [
                {"labels": labels[labels.find("{") :], "value": rounded(value)}
                for labels, value in samples.items()
            ],
        }
        for (name, day), samples in expected.items()
    ]
    document = {
        "rule_files": ["rules.json"],
        "evaluation_interval": "1h",
        "tests": [{"interval": "1h", "input_series": series, "promql_expr_test": cases}],
    }
    file = directory / "cases.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def moved(name: str, movement: str, publisher: str = "") -> str:
    """Return a series of a movement."""
    label = f', publisher_id="{publisher}"' if publisher else ""
    return f'{name}{{movement="{movement}"{label}}}'


def market(length: int) -> dict[str, list[frozenset[int]]]:
    """Return tenants who come, stay for a while, are away, and come back, of two publishers."""
    dice = Random(5)
    days = {name: [set[int]() for _ in range(length)] for name in ("acme", "zeta")}
    for tenant in range(36):
        publisher = "acme" if tenant % 3 else "zeta"
        day = dice.randrange(-30, length)
        while day < length:
            left = day + dice.randrange(3, 50)
            for here in range(max(day, 0), min(left, length)):
                if dice.random() < 0.5:
                    days[publisher][here].add(tenant)
            day = left + dice.randrange(8, 40)
    return {name: [frozenset(day) for day in of] for name, of in days.items()}


def test_weeks_of_tenants_are_those_of_sets(promtool: Run, tmp_path: Path) -> None:
    """Who is new, kept, back and gone is estimated within two tenants, for six weeks."""
    length = 54
    days = market(length)
    everybody = [days["acme"][day] | days["zeta"][day] for day in range(length)]
    expected: dict[tuple[str, float], dict[str, float]] = {}
    mondays = range(MONDAY + 7, length, 7)
    seen_back = 0
    for monday in mondays:
        for union, of in (
            (rollups.OF_PUBLISHER, days),
            (rollups.OF_MARKETPLACE, {"": everybody}),
        ):
            samples: dict[str, float] = {}
            for publisher, own in of.items():
                now = week_of(own, monday)
                before = week_of(own, monday - 7) if monday - 7 >= mondays[0] else frozenset[int]()
                earlier = frozenset[int]().union(
                    *(week_of(own, past) for past in mondays if past < monday)
                )
                figures = {
                    "kept": len(now & before),
                    "churned": len(before - now),
                    "new": len(now - earlier),
                    "returned": len(now & (earlier - before)),
                }
                w, p, e = (registers(who, place) for who in (now, before, earlier))
                kept, known = shared(w, p), shared(w, e)
                told = {
                    "kept": kept,
                    "churned": max(distinct(p) - kept, 0.0),
                    "new": max(distinct(w) - known, 0.0),
                    "returned": max(known - kept, 0.0),
                }
                for movement, truth in figures.items():
                    assert abs(told[movement] - truth) < 2
                    if movement in {"new", "returned"} and monday < mondays[0] + 28:
                        continue
                    if monday == mondays[0]:
                        continue
                    key = moved(tenants.moved(union), movement, publisher)
                    samples[key] = told[movement]
                    seen_back += movement == "returned" and truth > 1
            expected[tenants.moved(union), monday + 0.5] = samples
    assert seen_back > 0
    check(promtool, tmp_path, input_of(days, length), expected, tenants.weeks())


def test_months_of_tenants_are_those_of_sets(promtool: Run, tmp_path: Path) -> None:
    """The share of an earlier month's tenants who are in a month, for months of 28, 30, 31 days."""
    length = 121
    days = market(length)
    everybody = [days["acme"][day] | days["zeta"][day] for day in range(length)]
    starts = (0, *ENDS_OF_MONTHS)
    expected: dict[tuple[str, float], dict[str, float]] = {}
    for number, end in enumerate(ENDS_OF_MONTHS):
        for union, of in (
            (rollups.OF_PUBLISHER, days),
            (rollups.OF_MARKETPLACE, {"": everybody}),
        ):
            samples: dict[str, float] = {}
            for publisher, own in of.items():
                now = frozenset[int]().union(*own[starts[number] : end])
                for months in range(1, number + 1):
                    then = frozenset[int]().union(
                        *own[starts[number - months] : ENDS_OF_MONTHS[number - months]]
                    )
                    one, other = registers(now, place), registers(then, place)
                    told = shared(one, other) / distinct(other)
                    assert abs(told - len(now & then) / len(then)) < 0.04
                    label = f', publisher_id="{publisher}"' if publisher else ""
                    key = f'{tenants.returned(union)}{{months="{months}"{label}}}'
                    samples[key] = told
            expected[tenants.returned(union), end + 0.5] = samples
            expected[tenants.returned(union), end + 2.0] = {}
    check(promtool, tmp_path, input_of(days, length), expected, tenants.months())


@pytest.mark.parametrize("late", [1, 2, 3])
def test_a_week_in_which_recording_began_has_no_figure(
    late: int, promtool: Run, tmp_path: Path
) -> None:
    """Where the days of Monday and of Tuesday are not recorded, the week is not told."""
    everybody = frozenset(range(40))
    first = MONDAY + late
    days = {"acme": [frozenset[int]()] * first + [everybody] * 20}
    given = [
        series
        for series in input_of(days, 24)
        if not series["series"].startswith(rollups.OF_MARKETPLACE.tenants)
    ]
    there = dict.fromkeys(range(first, 24), 1.0)
    given.append(daily(rollups.OF_MARKETPLACE.tenants, "", there, 24))
    told = {"{}": distinct(registers(everybody, place))}
    check(
        promtool,
        tmp_path,
        given,
        {
            ("marketplace_tenants:iso_week", MONDAY + 7.5): told if late < 2 else {},
            ("marketplace_tenants:iso_week", MONDAY + 14.5): told,
        },
        tenants.weeks(),
    )


def apart(tenant: int) -> tuple[int, float]:
    """Return a register that no other tenant has."""
    return tenant, place(tenant)[1]


#: Publishers by how many of their tenants stay, go and come, and whether they are told that.
MOVING: Final = {
    "all-five": (5, 5, 5, True),
    "four-stay": (4, 5, 5, False),
    "four-go": (5, 4, 5, False),
    "four-come": (5, 5, 4, False),
    "nobody-goes": (20, 0, 20, False),
    "nobody-stays": (0, 20, 20, False),
    "five": (0, 0, 5, False),
    "four": (0, 0, 4, False),
}


def test_publishers_see_what_is_of_five_tenants_at_least(promtool: Run, tmp_path: Path) -> None:
    """One of kept, churned and came below five withholds all three; four tenants are not told."""
    days: dict[str, list[frozenset[int]]] = {}
    samples: dict[str, float] = {}
    for publisher, (kept, churned, came, shown) in MOVING.items():
        before = frozenset(range(kept + churned))
        now = frozenset([*range(kept), *range(100, 100 + came)])
        days[publisher] = [before] * (MONDAY + 7) + [now] * 8
        w, p = registers(now, apart), registers(before, apart)
        both = shared(w, p)
        told = {"kept": both, "churned": distinct(p) - both, "came": distinct(w) - both}
        told = told if shown else {}
        if len(now) >= 5:
            told["active"] = distinct(w)
        samples |= {
            moved(tenants.PUBLISHED_MOVED, movement, publisher): value
            for movement, value in told.items()
        }
    assert len(samples) == 4 + 6
    expected = {(tenants.PUBLISHED_MOVED, MONDAY + 14.5): samples}
    check(promtool, tmp_path, input_of(days, MONDAY + 15, apart), expected, tenants.weeks())


#: Publishers by how many new and returned tenants they have, and whether these are told apart.
COMING: Final = {"ten": (10, 10, True), "nine-new": (9, 10, False), "nine-back": (10, 9, False)}


def test_new_and_returned_are_told_apart_where_both_are_ten(promtool: Run, tmp_path: Path) -> None:
    """Five weeks after recording began, who has come is told as one of two, or as both together."""
    days: dict[str, list[frozenset[int]]] = {}
    samples: dict[str, float] = {}
    for publisher, (new, back, shown) in COMING.items():
        stayed, gone = frozenset(range(10)), frozenset(range(200, 210))
        old = frozenset(range(100, 100 + back))
        last = stayed | old | frozenset(range(300, 300 + new))
        weeks = [stayed | old, stayed, stayed, stayed, stayed | gone, last]
        own = [week for week in [frozenset[int](), *weeks] for _ in range(7)][7 - MONDAY :]
        assert len(own) == MONDAY + 42
        days[publisher] = [*own, last]
        w, p = registers(last, apart), registers(stayed | gone, apart)
        e = registers(frozenset[int]().union(*weeks[:-1]), apart)
        kept, known = shared(w, p), shared(w, e)
        told = {
            "active": distinct(w),
            "kept": kept,
            "churned": distinct(p) - kept,
            "came": distinct(w) - kept,
        }
        if shown:
            told |= {"new": distinct(w) - known, "returned": known - kept}
            assert told["new"] == pytest.approx(new, abs=0.5)
            assert told["returned"] == pytest.approx(back, abs=0.5)
        samples |= {
            moved(tenants.PUBLISHED_MOVED, movement, publisher): value
            for movement, value in told.items()
        }
    expected = {(tenants.PUBLISHED_MOVED, MONDAY + 42.5): samples}
    check(promtool, tmp_path, input_of(days, MONDAY + 43, apart), expected, tenants.weeks())


#: Publishers by how many of a month's tenants come back and do not, and whether they are told.
COMING_BACK: Final = {
    "five": (5, 5, True),
    "four-back": (4, 6, False),
    "four-gone": (6, 4, False),
    "all": (10, 0, False),
}


def test_publishers_see_months_of_five_tenants_at_least(promtool: Run, tmp_path: Path) -> None:
    """A share of a month's tenants of whom four came back, or four did not, is withheld."""
    days: dict[str, list[frozenset[int]]] = {}
    samples: dict[str, float] = {}
    for publisher, (kept, churned, shown) in COMING_BACK.items():
        before, now = frozenset(range(kept + churned)), frozenset(range(kept))
        days[publisher] = [before] * 31 + [now] * 29
        one, other = registers(now, apart), registers(before, apart)
        if shown:
            key = f'{tenants.PUBLISHED_RETURNED}{{months="1", publisher_id="{publisher}"}}'
            samples[key] = shared(one, other) / distinct(other)
    assert len(samples) == 1
    expected = {(tenants.PUBLISHED_RETURNED, 59.5): samples}
    check(promtool, tmp_path, input_of(days, 60, apart), expected, tenants.months())


# --- listings ------------------------------------------------------------------------------------


def levels(name: str, labels: str, by_week: Sequence[float], first: int = 0) -> dict[str, str]:
    """Return the marks of the days of a counter that grows evenly, from a day on."""
    total, marks = 0.0, dict[int, float]()
    for week, grown in enumerate(by_week):
        for day in range(7):
            total += grown / 7
            marks[MONDAY + 7 * week + day] = total
    marks = {day: value for day, value in marks.items() if day >= first}
    return daily(rollups.day(name), labels, {MONDAY - 1: 0.0, **marks}, MONDAY + 7 * len(by_week))


def test_listings_grow_shrink_die_and_return(promtool: Run, tmp_path: Path) -> None:
    """Each listing is one of five after its week, with what it takes more or less."""
    weeks = {
        "grows": (70, 70, 84),
        "shrinks": (140, 140, 49),
        "died": (35, 35, 0),
        "back": (21, 0, 28),
        "new": (0, 0, 14),
        "same": (7, 7, 7),
        "never": (0, 0, 0),
    }
    series: list[dict[str, str]] = []
    for agent, by_week in weeks.items():
        own = f'publisher_id="acme",agent_id="{agent}",instance="a:1",job="j"'
        series.append(levels(catalogue.REVENUE.name, own, [x / 10 for x in by_week]))
        series.append(levels(rollups.EVERY_INVOCATION, own, by_week))
    at = MONDAY + 21.5
    for one in series:
        one["values"] += " _x23 _"

    def told(name: str, **figures: float) -> dict[tuple[str, float], dict[str, float]]:
        return {
            (name, at): {
                moved(name, movement, "acme"): value for movement, value in figures.items()
            }
        }

    expected = {
        **told(listings.REVENUE_MOVED, grown=1.4, shrunk=-9.1, gone=-3.5, returned=2.8, new=1.4),
        **told(listings.INVOCATIONS_MOVED, grown=14, shrunk=-91, gone=-35, returned=28, new=14),
        **told(listings.LISTINGS_MOVED, grown=1, shrunk=1, gone=1, returned=1, new=1),
    }
    check(promtool, tmp_path, series, expected, listings.rules())


def test_what_fell_in_a_week_belongs_to_it(promtool: Run, tmp_path: Path) -> None:
    """A process that began anew in the middle of a week counts with what it had, once."""
    own = 'publisher_id="acme",agent_id="finder",instance="a:1",job="j"'
    name = rollups.EVERY_INVOCATION
    marks = {MONDAY - 1 + day: 10.0 * day for day in range(11)}
    marks |= {MONDAY + 10 + day: 5.0 + 10 * day for day in range(5)}
    length = MONDAY + 15
    drop = {"series": f"{rollups.drop(name)}{{{own}}}", "values": f"_x{(MONDAY + 10) * 24 + 5} 103"}
    day = daily(rollups.day(name), own, marks, length)
    # The last mark before it began anew: 100, at the end of the Wednesday; 103 as it fell.
    before = marks[MONDAY + 6]
    grown = marks[MONDAY + 13] - before + 103
    figure = f'{listings.INVOCATIONS}{{agent_id="finder", publisher_id="acme"}}'
    expected = {
        (listings.INVOCATIONS, MONDAY + 7.5): {figure: 70.0},
        (listings.INVOCATIONS, MONDAY + 14.5): {figure: grown},
    }
    check(promtool, tmp_path, [day, drop], expected, listings.rules())


# --- groups --------------------------------------------------------------------------------------


def test_quartiles_are_of_groups_of_five_publishers_at_least(promtool: Run, tmp_path: Path) -> None:
    """A publisher sees its own error rate and three quartiles, whoever has many listings."""
    series: list[dict[str, str]] = []
    own: dict[str, float] = {}
    quartiles: dict[str, float] = {}
    for group, publishers in (("four", 4), ("five", 5)):
        rates: dict[str, float] = {}
        for index in range(publishers):
            publisher = f"{group}-{index}"
            failed = succeeded = 0
            # The first has four listings, the others one.
            for listing in range(4 if not index else 1):
                figures = {"error": 10 * index + listing, "success": 90 + listing}
                failed += figures["error"]
                succeeded += figures["success"]
                of = f'publisher_id="{publisher}",agent_id="a{listing}"'
                for outcome, count in (*figures.items(), ("cancelled", 500)):
                    labels = f'{of},outcome="{outcome}",instance="i",job="j"'
                    series.append(levels(catalogue.INVOCATIONS.name, labels, (count,)))
                every = f'{of},instance="i",job="j"'
                series.append(levels(rollups.EVERY_INVOCATION, every, (700,)))
                series += [{"series": f'{groups.GROUP}{{{of},group="{group}"}}', "values": "1x400"}]
            rates[publisher] = failed / (failed + succeeded)
        # Too little happened to this one to count, and it makes no group of five of four.
        of = f'publisher_id="quiet-{group}",agent_id="a"'
        labels = f'{of},outcome="error",instance="i",job="j"'
        series.append(levels(catalogue.INVOCATIONS.name, labels, (19,)))
        series.append({"series": f'{groups.GROUP}{{{of},group="{group}"}}', "values": "1x400"})
        own |= {
            f'{groups.ERROR_RATE.own}{{group="{group}", publisher_id="{publisher}"}}': rate
            for publisher, rate in rates.items()
        }
        ordered = sorted(rates.values())
        quartiles |= {
            f'{groups.ERROR_RATE.quartile}{{group="{group}", publisher_id="{publisher}",'
            f' quartile="{label}"}}': ordered[place]
            for publisher in rates
            for place, label in enumerate(groups.QUARTILES, 1)
            if publishers >= 5
        }
    for one in series:
        if one["series"].startswith("marketplace_agent"):
            one["values"] += " _x23 _"
    assert len(quartiles) == 15
    expected = {
        (groups.ERROR_RATE.own, MONDAY + 7.5): own,
        (groups.ERROR_RATE.quartile, MONDAY + 7.5): quartiles,
    }
    rules = [*listings.rules(), *groups.rules()]
    check(promtool, tmp_path, series, expected, rules)


def test_times_and_ratings_have_quartiles(promtool: Run, tmp_path: Path) -> None:
    """Publishers of a group are compared by their p95, weighted by calls, and by their stars."""
    series: list[dict[str, str]] = []
    #: Publishers by what their listings do: responses by the upper edge of their time, ratings.
    #: One has two listings; one has too few ratings to count with them.
    market: dict[str, list[tuple[dict[str, int], dict[str, int]]]] = {
        f"p{index}": [({"1.0": 50 + index, "2.5": 100}, {"2.0": 1, "5.0": 9 + index})]
        for index in range(5)
    }
    market["p0"].append(({"1.0": 0, "2.5": 300}, {"2.0": 0, "5.0": 5}))
    market["p5"] = [({"1.0": 100, "2.5": 100}, {"2.0": 4, "5.0": 4})]
    times: dict[str, float] = {}
    stars: dict[str, float] = {}
    for publisher, own in market.items():
        weighted = calls = given = rated = 0.0
        for number, (quick, ratings) in enumerate(own):
            of = f'publisher_id="{publisher}",agent_id="a{number}"'
            target = 'instance="i",job="j"'
            series.append({"series": f'{groups.GROUP}{{{of},group="legal"}}', "values": "1x400"})
            for name, labels, buckets in (
                (catalogue.INVOCATION_DURATION.name, f'{of},outcome="success",{target}', quick),
                (catalogue.FEEDBACK_RATING.name, f"{of},{target}", ratings),
            ):
                every = max(buckets.values())
                for edge, upto in {**buckets, "+Inf": every}.items():
                    le = f'{labels},le="{edge}"'
                    series.append(levels(f"{name}_bucket", le, (upto,)))
                series.append(levels(f"{name}_count", labels, (every,)))
            series.append(
                levels(rollups.EVERY_INVOCATION, f"{of},{target}", (max(quick.values()),))
            )
            low, most = ratings.values()
            sum_of_stars = 2 * low + 5 * (most - low)
            name = f"{catalogue.FEEDBACK_RATING.name}_sum"
            series.append(levels(name, f"{of},{target}", (sum_of_stars,)))
            below, every = quick.values()
            p95 = 1.0 + 1.5 * (0.95 * every - below) / (every - below) if every > below else 0.95
            weighted += p95 * every
            calls += every
            given += sum_of_stars
            rated += most
        times[publisher] = weighted / calls
        if rated >= 5:
            stars[publisher] = given / rated
    for one in series:
        if one["series"].startswith("marketplace_agent"):
            one["values"] += " _x23 _"
    assert len(stars) == len(times) - 1
    expected: dict[tuple[str, float], dict[str, float]] = {}
    for measure, figures in ((groups.P95, times), (groups.RATING, stars)):
        expected[measure.own, MONDAY + 7.5] = {
            f'{measure.own}{{group="legal", publisher_id="{publisher}"}}': value
            for publisher, value in figures.items()
        }
        ordered = sorted(figures.values())
        expected[measure.quartile, MONDAY + 7.5] = {
            f'{measure.quartile}{{group="legal", publisher_id="{publisher}",'
            f' quartile="{label}"}}': quantile(ordered, share)
            for publisher in figures
            for label, share in groups.QUARTILES.items()
        }
    check(promtool, tmp_path, series, expected, [*listings.rules(), *groups.rules()])


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile as Prometheus interpolates it."""
    place = share * (len(ordered) - 1)
    below, rest = int(place), place % 1
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] * (1 - rest) + ordered[above] * rest
