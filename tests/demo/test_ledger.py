"""The demo's ground truth, against figures worked out by hand and by another way of counting."""

from collections import Counter
from itertools import islice

import pytest

from agent_analytics.demo._market.ledger import Bounds, Ledger, Receipt, Stopwatch, ToolReceipt
from agent_analytics.demo._market.listings import BY_KEY
from agent_analytics.demo._market.market import Install, Market, Order, Uninstall, Usage, Visit
from agent_analytics.demo._reconciliation.expected import exactly, expected_series, usd
from agent_analytics.demo._reconciliation.reconcile import Comparison
from agent_analytics.instrumentation.money import nano_usd

TRIAGE = BY_KEY["brightdesk/ticket-triage"]
CUSTOMS = BY_KEY["shipwise/customs-clerk"]
CENT = 10_000_000


@pytest.fixture
def ledger() -> Ledger:
    """Return a ledger of three invocations of one listing, and some of what goes with them."""
    ledger = Ledger()
    price = nano_usd("0.75")
    ledger.post(
        Receipt(
            Order(CUSTOMS, "cedar-books", 1.0),
            charged=3 * CENT,
            usage=[Usage("atlas-4", 100, 10, cached=40, reasoning=7)],
            tools=[ToolReceipt("tariff_table"), ToolReceipt("file_form", "error")],
            watch=Stopwatch(0.3, 0.4),
        ),
        price,
    )
    ledger.post(
        Receipt(
            Order(CUSTOMS, "ember-law", 1.0),
            outcome="error",
            error_type="ValueError",
            usage=[Usage("atlas-4", 1000, 100)],
            refunded=20 * CENT,
            watch=Stopwatch(7.0, 8.0),
        ),
        price,
    )
    ledger.post(
        Receipt(
            Order(CUSTOMS, "cedar-books", 1.0),
            outcome="cancelled",
            usage=[Usage("easel-xl", 5, 6)],
            watch=Stopwatch(0.1, 0.2),
        ),
        price,
    )
    ledger.install(CUSTOMS)
    ledger.install(CUSTOMS)
    ledger.uninstall(CUSTOMS)
    ledger.charge(CUSTOMS, 100 * CENT)
    ledger.refund(CUSTOMS, 75 * CENT)
    ledger.rate(CUSTOMS, 2)
    ledger.rate(CUSTOMS, 5)
    ledger.evaluate(CUSTOMS, "faithfulness", 0.85)
    return ledger


class TestBooking:
    """Each figure of three invocations, worked out by hand."""

    def test_outcomes_and_errors(self, ledger: Ledger) -> None:
        """A cancelled invocation is neither a success nor an error."""
        account = ledger.account(CUSTOMS)
        assert account.outcomes == {"success": 1, "error": 1, "cancelled": 1}
        assert account.errors == {"ValueError": 1}
        assert account.invocations == 3

    def test_the_price_is_due_for_successes_alone(self, ledger: Ledger) -> None:
        """Revenue is one price, the extra charge and the subscription."""
        assert ledger.account(CUSTOMS).revenue == (75 + 3 + 100) * CENT

    def test_refunds_inside_and_outside_add_up(self, ledger: Ledger) -> None:
        """What is given back inside an invocation and afterwards is one sum."""
        assert ledger.account(CUSTOMS).refunds == (20 + 75) * CENT

    def test_cost_and_what_of_it_was_wasted(self, ledger: Ledger) -> None:
        """The failed invocation's cost is wasted, the cancelled one's has no known price."""
        account = ledger.account(CUSTOMS)
        wasted = 1000 * 2_500 + 100 * 10_000
        assert account.wasted == wasted
        assert account.cost == wasted + 60 * 2_500 + 40 * 250 + 10 * 10_000

    def test_tokens_by_model(self, ledger: Ledger) -> None:
        """Subsets are counted beside what they are part of; unpriced tokens are in and out."""
        account = ledger.account(CUSTOMS)
        assert account.input_tokens == {"atlas-4": 1100, "easel-xl": 5}
        assert account.output_tokens == {"atlas-4": 110, "easel-xl": 6}
        assert account.cached_tokens == {"atlas-4": 40}
        assert account.reasoning_tokens == {"atlas-4": 7}
        assert account.unpriced_tokens == {"easel-xl": 11}

    def test_tenants_are_distinct(self, ledger: Ledger) -> None:
        """Two of three invocations were by the same tenant."""
        assert ledger.account(CUSTOMS).tenants == {"cedar-books", "ember-law"}

    def test_totals(self, ledger: Ledger) -> None:
        """The marketplace's figures are sums over listings."""
        ledger.install(TRIAGE)
        totals = ledger.totals()
        assert totals["listings"] == totals["publishers"] == 2
        assert totals["installs"] == 3
        assert totals["invocations"] == 3
        assert totals["failed"] == 1
        assert totals["tenants"] == 2


def test_the_ledger_agrees_with_another_way_of_counting() -> None:
    """A whole market in which everything succeeds, booked, and counted again by flat lists."""
    ledger = Ledger()
    history = list(islice(Market(3).steps(), 4000))
    for step in history:
        if isinstance(step, Visit):
            ledger.post(Receipt(step.order), nano_usd(step.order.listing.price_usd or 0))
        elif isinstance(step, Install):
            ledger.install(step.listing)
        elif isinstance(step, Uninstall):
            ledger.uninstall(step.listing)
    visits = [step.order for step in history if isinstance(step, Visit)]
    invocations = Counter(order.listing.key for order in visits)
    for (publisher, agent), account in ledger.accounts.items():
        key = f"{publisher}/{agent}"
        assert account.outcomes["success"] == invocations[key]
        assert account.revenue == invocations[key] * nano_usd(BY_KEY[key].price_usd or 0)
        assert account.tenants == {order.tenant for order in visits if order.listing.key == key}
        assert account.installs - account.uninstalls == sum(
            (step.listing.key == key) * (1 if isinstance(step, Install) else -1)
            for step in history
            if isinstance(step, Install | Uninstall)
        )


class TestBounds:
    """Durations that are known to lie in an interval."""

    def test_a_duration_across_an_edge_is_on_either_side(self) -> None:
        """The bucket may or may not have counted it; others are certain."""
        bounds = Bounds((0.1, 1.0, 10.0))
        bounds.add(Stopwatch(0.9, 1.1))
        bounds.add(Stopwatch(0.2, 0.3))
        assert bounds.at_most(0.1) == (0, 0)
        assert bounds.at_most(1.0) == (1, 2)
        assert bounds.at_most(10.0) == (2, 2)
        assert bounds.count == 2
        assert bounds.least < 1.1
        assert 1.4 < bounds.most < 1.41


class TestExpectation:
    """What Prometheus has to answer."""

    def test_series_carry_the_labels_of_the_catalogue(self, ledger: Ledger) -> None:
        """A count, an amount and a bucket, looked up by their exact labels."""
        expected = expected_series(ledger)
        listing = {("publisher_id", "shipwise"), ("agent_id", "customs-clerk")}
        errors = expected[
            "marketplace_agent_invocations_total", frozenset({*listing, ("outcome", "error")})
        ]
        revenue = expected["marketplace_agent_revenue_usd_total", frozenset(listing)]
        rated = expected[
            "marketplace_agent_feedback_rating_bucket", frozenset({*listing, ("le", "4.0")})
        ]
        assert (errors.low, errors.high) == (1, 1)
        assert revenue.told == "1.780000000"
        assert (rated.low, rated.high) == (1, 1)

    @pytest.mark.parametrize(
        ("answer", "equal"), [(7, True), (6, False), (8, False), (None, False)]
    )
    def test_counts_are_compared_exactly(self, answer: float | None, *, equal: bool) -> None:
        """One more, one less or nothing at all is a difference."""
        comparison = Comparison()
        comparison.check("series", exactly("invocations", 7), answer)
        assert comparison.equal is equal
        assert comparison.differing("invocations") == (0 if equal else 1)

    @pytest.mark.parametrize(("answer", "equal"), [(1.23, True), (1.24, False), (1.22, False)])
    def test_money_is_compared_to_the_cent(self, answer: float, *, equal: bool) -> None:
        """A cent more or less is a difference."""
        comparison = Comparison()
        comparison.check("series", usd("money", 123 * CENT), answer)
        assert comparison.equal is equal

    def test_nothing_compared_is_not_equal(self) -> None:
        """An empty answer of Prometheus does not pass."""
        assert not Comparison().equal
