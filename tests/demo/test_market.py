"""The simulation: what it decides, and that it decides the same again."""

import random
from collections import Counter
from itertools import islice

import pytest

from agent_analytics.demo._market.listings import BY_KEY, LISTINGS, TENANTS
from agent_analytics.demo._market.market import (
    Install,
    Market,
    Order,
    Step,
    Uninstall,
    Usage,
    Visit,
    burst_order,
    draw_order,
)


def steps(seed: int, number: int) -> list[Step]:
    """Return the first steps of a market."""
    return list(islice(Market(seed).steps(), number))


@pytest.fixture(scope="module")
def history() -> list[Step]:
    """Return the first steps of one market."""
    return steps(7, 12_000)


class TestDeterminism:
    """The seed decides, and nothing else."""

    def test_the_same_seed_decides_the_same(self) -> None:
        """Every step is equal, in every field."""
        assert steps(11, 3000) == steps(11, 3000)

    def test_another_seed_decides_otherwise(self) -> None:
        """The first steps already differ."""
        assert steps(11, 100) != steps(12, 100)

    def test_a_longer_run_begins_like_a_shorter_one(self) -> None:
        """What comes later does not change what came first."""
        assert steps(11, 3000)[:500] == steps(11, 500)

    def test_decisions_do_not_draw_from_the_global_generator(self) -> None:
        """Somebody else's random numbers change nothing."""
        random.seed(1)
        first = steps(11, 500)
        random.seed(2)
        assert steps(11, 500) == first

    def test_time_goes_forward(self, history: list[Step]) -> None:
        """Steps come in the order of their time."""
        times = [step.at for step in history]
        assert times == sorted(times)


class TestCharacter:
    """The marketplace is what the issue asks for."""

    def test_a_dozen_publishers_and_twenty_listings(self) -> None:
        """Every listing has a key of its own, and names of one form."""
        assert len({listing.publisher for listing in LISTINGS}) >= 12
        assert len(BY_KEY) == len(LISTINGS) >= 20
        assert all(key == key.lower() for key in BY_KEY)

    def test_every_style_is_there(self) -> None:
        """Each kind of callable is instrumented somewhere."""
        assert {listing.style for listing in LISTINGS} == {
            "function",
            "coroutine",
            "framework",
            "stream",
            "lines",
            "class",
            "broker",
            "reported",
        }

    def test_brokers_call_other_publishers(self) -> None:
        """A listing that is called from inside is an invocation of its own."""
        brokers = [listing for listing in LISTINGS if listing.calls]
        assert brokers
        for broker in brokers:
            assert BY_KEY[broker.calls or ""].publisher != broker.publisher

    def test_hundreds_of_tenants_come_and_some_leave(self, history: list[Step]) -> None:
        """Tenants install, use and leave; only those who are there leave."""
        visitors = {step.order.tenant for step in history if isinstance(step, Visit)}
        assert 300 < len(visitors) <= len(set(TENANTS)) == 400
        there: set[tuple[str, str]] = set()
        left = 0
        for step in history:
            if isinstance(step, Install):
                there.add((step.listing.key, step.tenant))
            elif isinstance(step, Uninstall):
                there.remove((step.listing.key, step.tenant))
                left += 1
        assert left > 50

    def test_listings_fail_as_often_as_their_character_says(self, history: list[Step]) -> None:
        """Failed visits are within a few standard deviations of what is expected."""
        orders = [step.order for step in history if isinstance(step, Visit)]
        visits = Counter(order.listing.key for order in orders)
        assert min(visits[key] for key in BY_KEY) > 50
        failed = sum(order.fails is not None for order in orders)
        expected = sum(order.listing.failing for order in orders)
        assert abs(failed - expected) < 5 * expected**0.5

    def test_low_rated_listings_are_rated_low(self, history: list[Step]) -> None:
        """The mean rating of each listing is near its character's."""
        for key, low in (("polyglot-press/tone-check", True), ("medscribe/visit-notes", False)):
            ratings = [
                step.rating
                for step in history
                if isinstance(step, Visit) and step.order.listing.key == key and step.rating
            ]
            assert len(ratings) > 20
            assert (sum(ratings) / len(ratings) < 3.5) is low

    def test_abandoned_streams_are_left_before_their_end(self, history: list[Step]) -> None:
        """A tenant who gives up has read at least one chunk and not the last one."""
        left = [
            step.order
            for step in history
            if isinstance(step, Visit) and step.order.chunks and step.order.given_up_after
        ]
        assert left
        assert all(1 <= (order.given_up_after or 0) < order.chunks for order in left)


class TestOrders:
    """Single invocations."""

    def test_every_fifth_of_a_burst_fails(self) -> None:
        """The share is exact, wherever the burst is cut."""
        listing = LISTINGS[0]
        fails = [burst_order(listing, "t", number).fails is not None for number in range(1000)]
        assert sum(fails) == 200
        assert fails[4]
        assert not any(fails[:4])

    def test_a_broker_orders_for_its_own_tenant(self) -> None:
        """The inner order is the other listing's, for the same tenant."""
        order = draw_order(random.Random(1), BY_KEY["waypoint-travel/trip-planner"], "cedar-books")
        inner = order.calls
        assert isinstance(inner, Order)
        assert (inner.listing.key, inner.tenant) == ("fareline/fare-search", "cedar-books")

    def test_cost_counts_cached_tokens_at_their_own_price(self) -> None:
        """1,000 input tokens of which 400 cached, and 100 output, of a model with known prices."""
        usage = Usage("atlas-4", 1000, 100, cached=400)
        assert usage.cost == 600 * 2_500 + 400 * 250 + 100 * 10_000

    def test_a_model_without_a_price_costs_nobody_knows_what(self) -> None:
        """Unknown is not zero."""
        assert Usage("easel-xl", 10, 10).cost is None
