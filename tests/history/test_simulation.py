"""What the simulation does with what is planted."""

from dataclasses import replace
from itertools import pairwise

import pytest

from agent_analytics.demo._history import Incident, Ledger, Profile, Tool, Traits, default_world
from agent_analytics.demo._history._simulation.population import LOYAL, Population
from agent_analytics.demo._history._simulation.simulate import DOWN_SECONDS, simulate
from agent_analytics.demo._history.clock import DAY, HOUR, Clock, Pace, make_clock
from agent_analytics.insights._definitions import releases

END = 1_795_523_456
PROFILE = Profile("acme", "finder", ("apps-1",))


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Return the time of a past of eight days."""
    return make_clock(end=END, days=8, pace=Pace())


def live(profile: Profile, clock: Clock, seed: int = 1, restart: float | None = None) -> Ledger:
    """Simulate one listing."""
    restarts = {"apps-1": (clock.ago(restart),) if restart else ()}
    population = Population(seed, clock, 600)
    return simulate(profile, clock, seed=seed, population=population, restarts=restarts)


def test_the_same_seed_gives_the_same_past(clock: Clock) -> None:
    """Two simulations of one seed are equal event by event; another seed differs."""
    assert live(PROFILE, clock) == live(PROFILE, clock)
    assert live(PROFILE, clock) != live(PROFILE, clock, seed=2)


def test_a_listing_does_not_depend_on_its_neighbours(clock: Clock) -> None:
    """Each listing draws from a generator of its own."""
    other = replace(PROFILE, agent="other")
    assert live(other, clock).invocations.time != live(PROFILE, clock).invocations.time


def test_an_incident_begins_and_ends_when_it_says(clock: Clock) -> None:
    """The error rate is high inside the incident alone."""
    incident = Incident("error-rate", 3.0, 2.0, {"failing": 0.5})
    ledger = live(replace(PROFILE, incidents=(incident,)), clock)
    inside = ledger.truth((clock.ago(3.0), clock.ago(2.0)))
    assert 0.35 < inside.error_rate < 0.65
    for window in ((clock.start, clock.ago(3.0)), (clock.ago(2.0), clock.last)):
        assert ledger.truth(window).error_rate < 0.05


def test_a_launch_has_no_past(clock: Clock) -> None:
    """A listing that was launched lately did nothing before."""
    ledger = live(replace(PROFILE, launched=2.0), clock)
    begin = clock.ago(2.0)
    assert begin < ledger.invocations.time[0] < begin + 6 * HOUR
    assert ledger.installs.time[0] > begin


def test_a_process_that_restarts_does_nothing_meanwhile(clock: Clock) -> None:
    """No invocation ends in the minute after a restart, since nobody would have seen it."""
    busy = replace(PROFILE, traits=Traits(daily=20_000.0))
    ledger = live(busy, clock, restart=4.0)
    down = (float(clock.ago(4.0)), clock.ago(4.0) + DOWN_SECONDS)
    assert ledger.truth(down).total == 0
    assert ledger.truth((down[0] - DOWN_SECONDS, down[0])).total > 0


def test_idle_tenants_stay_away_and_new_ones_come(clock: Clock) -> None:
    """Retention falls where the oldest tenants stop using a listing that they keep installed."""
    incident = Incident("retention-falling", 2.0, changes={"idle": 0.6})
    ledger = live(replace(PROFILE, incidents=(incident,)), clock)
    assert ledger.retention((clock.ago(4.0), clock.ago(2.0))) > 0.8
    assert ledger.retention((clock.ago(2.0), float(clock.last))) < 0.6


def test_more_people_work_by_day_than_by_night(clock: Clock) -> None:
    """Traffic has a season of the day."""
    times = live(PROFILE, clock).invocations.time
    by_day = sum(10 <= time % DAY // HOUR < 18 for time in times)
    by_night = sum(time % DAY // HOUR < 8 for time in times)
    assert by_day > 2 * by_night


def test_a_tool_that_is_never_called_is_known_all_the_same(clock: Clock) -> None:
    """The ledger names it, with no calls."""
    profile = replace(PROFILE, traits=Traits(tools=(Tool("search"), Tool("spare", 0.0))))
    tools = live(profile, clock).truth((clock.start, clock.last)).tools
    assert tools["spare"].calls == 0
    assert tools["search"].calls > 0


def test_every_planted_insight_stands_beside_listings_that_are_well() -> None:
    """The demo's marketplace has ill and well listings, and no listing twice."""
    profiles = default_world().profiles
    assert len({profile.key for profile in profiles}) == len(profiles)
    well = [
        profile for profile in profiles if not any(incident.kind for incident in profile.incidents)
    ]
    assert len(well) >= 6
    ill = {incident.kind for profile in profiles for incident in profile.incidents}
    assert len(ill - {""}) >= 28
    assert {spec.slug for spec in releases.SPECS} <= ill


def test_what_tools_return_and_repeat_is_as_planted(clock: Clock) -> None:
    """Sizes lie round the usual one, repeated calls have their share, no draw is another one."""
    plain = Tool("search", 3.0)
    telling = replace(plain, repeating=0.4, result=10_000)
    quiet, told = (
        live(replace(PROFILE, traits=Traits(tools=(tool,))), clock) for tool in (plain, telling)
    )
    assert quiet.tool_calls.seconds == told.tool_calls.seconds
    assert quiet.invocations == told.invocations
    (of_quiet,), (of_told,) = (
        ledger.truth((clock.start, clock.last)).tools.values() for ledger in (quiet, told)
    )
    assert (of_quiet.repeated, of_quiet.bytes) == (0, 0)
    assert of_told.repeated / of_told.calls == pytest.approx(0.4, abs=0.01)
    assert of_told.bytes / of_told.calls == pytest.approx(10_800, rel=0.05)


def test_who_leaves_the_marketplace_uses_no_listing_of_it(clock: Clock) -> None:
    """Every invocation is of somebody who is a tenant on that day, whatever the listing."""
    population = Population(1, clock, 600)
    for agent in ("finder", "writer"):
        ledger = live(replace(PROFILE, agent=agent), clock)
        columns = ledger.invocations
        here = [
            tenant in population.here(time)
            for time, tenant in zip(columns.time, columns.tenant, strict=True)
        ]
        assert len(here) > 1000
        assert all(here)


def test_cohorts_fade_and_some_come_back() -> None:
    """Of a month's newcomers fewer are there each month; as many tenants are there as before."""
    months = make_clock(end=END, days=91, pace=Pace())
    population = Population(3, months, 600)
    weeks = [
        set[int]().union(
            *(population.here(months.start + (7 * week + day) * DAY) for day in range(7))
        )
        for week in range(13)
    ]
    assert all(500 < len(week) < 750 for week in weeks)
    new = weeks[4] - weeks[3] - weeks[2] - weeks[1] - weeks[0]
    shares = [len(new & week) / len(new) for week in weeks[4:]]
    assert shares[0] == 1
    assert 0.5 < shares[1] < 0.9
    assert 0.2 < shares[8] < shares[1] - 0.1
    away = (weeks[4] - weeks[5] - weeks[6]) & set[int]().union(*weeks[7:])
    assert away
    assert set(population.loyal) == set(range(LOYAL)) <= set[int].intersection(*weeks)


def test_a_listing_of_loyal_tenants_keeps_them(clock: Clock) -> None:
    """Few tenants who never leave carry a listing: none of them fades."""
    few = Traits(daily=120.0, tenants=4, installing=0.0, leaving=0.0, loyal=True)
    ledger = live(replace(PROFILE, traits=few), clock)
    days = [ledger.tenants((float(clock.ago(ago + 2.0)), clock.ago(ago))) for ago in (4.0, 0.0)]
    assert days[0] == days[1]
    assert len(days[0]) == 4


def test_a_listing_grows_from_week_to_week() -> None:
    """Its invocations and installs are multiplied by as much each week, up to what it is like."""
    weeks = make_clock(end=END, days=28, pace=Pace())
    calm = Traits(daily=800.0, installing=8.0, season=0.0)
    ledger = live(replace(PROFILE, traits=calm, weekly=1.3), weeks)
    counts = [
        ledger.truth((float(weeks.ago(7.0 * ago + 7)), weeks.ago(7.0 * ago)))
        for ago in (3, 2, 1, 0)
    ]
    for before, after in pairwise(counts):
        assert 1.2 < after.total / before.total < 1.4
    assert counts[3].installs > 1.5 * counts[1].installs
    assert 0.8 < counts[3].total / (7 * 800 / 1.3**0.5) < 1.2


def test_listings_grow_die_and_come_back() -> None:
    """The demo's marketplace has one that grows, one that has died, and one that was dead."""
    clock = make_clock(end=END, days=91, pace=Pace())
    profiles = default_world().profiles
    assert any(profile.weekly > 1 and not profile.incidents for profile in profiles)
    dead = [
        profile
        for profile in profiles
        for incident in profile.incidents
        if incident.kind == "listing-dead"
    ]
    now = {profile.key: profile.at(clock, clock.last).daily for profile in dead}
    assert 0 in now.values()
    assert any(now.values())
