"""The simulated marketplace: its publishers, listings, and what is planted in which of them.

Every insight is planted in one listing at least, beside listings that are well, in publishers that
have both; changes that are nothing to report (a launch, a price change, an incident that is long
over, a new version) are planted too.
"""

from dataclasses import dataclass
from typing import Final

from agent_analytics.demo._history._simulation.traits import Incident, Profile, Tool, Traits

#: Hosts and what happens to their processes: days before the end of each restart, and the name
#: under which the process comes back (the same name: its counters begin anew all the same).
RESTARTS: Final[dict[str, tuple[tuple[float, str], ...]]] = {
    "apps-1": ((41.0, "apps-1:9464"), (5.0, "apps-1b:9464")),
    "apps-2": ((1.0, "apps-2:9464"),),
    "apps-3": (),
    "edge-1": (),
}
#: Days before the end at which the past is dense: restarts, and times at which it was well or ill.
MOMENTS: Final = (41.0, 20.0, 5.0)

_ONE: Final = ("apps-1",)
_TWO: Final = ("apps-2",)
_THREE: Final = ("apps-3",)


@dataclass(frozen=True, slots=True)
class World:
    """A simulated marketplace.

    Attributes:
        profiles: Its listings.
        population: How many tenants there are on a day, about.
    """

    profiles: tuple[Profile, ...]
    population: int


def _sick(
    publisher: str,
    agent: str,
    hosts: tuple[str, ...],
    *incidents: Incident,
    traits: Traits | None = None,
) -> Profile:
    return Profile(publisher, agent, hosts, traits or Traits(), incidents)


_SEARCH: Final = Tool("search")
_FOLLOWS_FAILURE: Final = frozenset(
    {"error-rate", "error-anomaly", "error-budget", "wasted-spend", "revenue-falling"}
)
_FOLLOWS_SLOWNESS: Final = frozenset({"response-time", "latency-regression"})
_FOLLOWS_LOSS: Final = frozenset(
    {"revenue-falling", "retention-falling", "few-tenants", "install-churn", "listing-dead"}
)

_PROFILES: Final = (
    # --- reliability -----------------------------------------------------------------------------
    Profile(
        "northwind", "invoice-reader", _ONE, Traits(),
        (
            Incident("error-rate", 0.9, changes={"failing": 0.20}, also=_FOLLOWS_FAILURE),
            # It began with a release.
            Incident("version-regression-errors", 0.9, changes={"version": "1.1.0"}),
        ),
    ),
    _sick(
        "northwind", "receipt-scanner", _THREE,
        # Over for weeks: nothing to report any more.
        Incident("error-rate", 20.8, 19.9, {"failing": 0.20}, also=_FOLLOWS_FAILURE),
    ),
    _sick(
        "meridian", "fare-search", _TWO,
        Incident(
            "tool-failures", None,
            changes={"tools": (_SEARCH, Tool("quote_airlines", 1.0, 0.3, 0.18))},
        ),
        traits=Traits(tools=(_SEARCH, Tool("quote_airlines", 1.0, 0.3, 0.18))),
    ),
    _sick(
        "meridian", "seat-picker", _TWO,
        # Below the limit of the error rate, and many times what the listing used to have. The
        # insight promises a false alarm in ten thousand looks at most, which 400 invocations of a
        # Sunday (600 a day) are too few for: one such change in ten stays below it.
        Incident("error-anomaly", 1.2, changes={"failing": 0.042}, also=_FOLLOWS_FAILURE),
        traits=Traits(daily=1200.0, failing=0.003),
    ),
    Profile(
        "meridian", "visa-checker", _TWO, Traits(daily=1500.0, season=0.0),
        (
            # It comes and goes: the three days and the last hours are bad, the last day is not.
            Incident("", 3.0, 1.0, {"failing": 0.11}, also=_FOLLOWS_FAILURE),
            Incident("error-budget", 0.25, changes={"failing": 0.11}, also=_FOLLOWS_FAILURE),
        ),
    ),
    # --- performance -----------------------------------------------------------------------------
    Profile(
        "lumen", "deposition-digest", _THREE,
        Traits(seconds=3.0, price=2_000_000_000, model="corvid-reason-2", tokens=(9_000, 1_200)),
        (
            Incident("response-time", 3.0, changes={"seconds": 8.0}, also=_FOLLOWS_SLOWNESS),
            # A release was to mend it, and has made it worse.
            Incident(
                "version-regression-latency", 1.1, changes={"seconds": 14.0, "version": "1.1.0"},
            ),
        ),
    ),
    _sick(
        "lumen", "clause-finder", _THREE,
        Incident(
            "latency-regression", 2.0, changes={"seconds": 3.2}, also=_FOLLOWS_SLOWNESS,
        ),
    ),
    _sick(
        "harbor", "port-planner", _ONE,
        Incident("tool-latency", None, also=_FOLLOWS_SLOWNESS),
        Incident(
            "large-tool-results", 5.0,
            changes={"tools": (_SEARCH, Tool("tide_model", 1.0, 3.6, result=120_000))},
        ),
        traits=Traits(seconds=0.6, tools=(_SEARCH, Tool("tide_model", 1.0, 3.6, result=8_000))),
    ),
    # --- quality ---------------------------------------------------------------------------------
    _sick(
        "harbor", "tone-check", _ONE,
        Incident("satisfaction", None),
        Incident("verbose-output", 6.0, changes={"tokens": (3_000, 700)}),
        traits=Traits(rating=2.9, rated=0.2, tokens=(3_000, 300)),
    ),
    Profile(
        "kestrel", "trip-writer", _TWO, Traits(rated=0.3),
        (
            Incident("rating-falling", 7.0, changes={"rating": 3.9}),
            Incident(
                "version-regression-rating", 1.1, changes={"rating": 2.8, "version": "1.1.0"},
                also=frozenset({"satisfaction"}),
            ),
        ),
    ),
    # --- revenue ---------------------------------------------------------------------------------
    _sick(
        "kestrel", "route-planner", _TWO,
        Incident("revenue-falling", 7.0, changes={"daily": 150.0}, also=_FOLLOWS_LOSS),
    ),
    _sick(
        "fathom", "market-brief", _THREE,
        Incident("few-tenants", None, also=_FOLLOWS_LOSS),
        traits=Traits(daily=120.0, tenants=4, installing=0.0, leaving=0.0, loyal=True),
    ),
    # --- adoption --------------------------------------------------------------------------------
    _sick(
        "fathom", "note-taker", _THREE,
        Incident(
            "install-churn", 20.0, changes={"installing": 0.4, "leaving": 0.02},
            also=_FOLLOWS_LOSS,
        ),
        traits=Traits(tenants=120, installing=2.0),
    ),
    _sick(
        "osprey", "thread-summary", _ONE,
        Incident("retention-falling", 7.0, changes={"idle": 0.6}, also=_FOLLOWS_LOSS),
        Incident("model-cost-drift", 6.0, changes={"dearer": 1.6}),
        traits=Traits(tenants=80, installing=1.4),
    ),
    _sick(
        "osprey", "meeting-prep", _ONE,
        Incident("listing-dead", 8.0, changes={"daily": 0.0}, also=_FOLLOWS_LOSS),
        traits=Traits(daily=120.0),
    ),
    # --- cost ------------------------------------------------------------------------------------
    _sick(
        "sablier", "legal-search", _TWO,
        Incident("negative-margin", 10.0, changes={"model": "corvid-reason-2", "version": "2.0.0"},
                 also=frozenset({"token-growth", "version-regression-cost", "model-cost-drift"})),
        # Failures and refunds are not what it is about.
        Incident("price-below-break-even", 10.0),
        traits=Traits(price=15_000_000, tokens=(2_500, 400)),
    ),
    _sick(
        "sablier", "form-filler", _TWO,
        Incident("wasted-spend", 6.0, changes={"failing": 0.035, "failed_cost": 12.0},
                 also=_FOLLOWS_FAILURE | {"negative-margin", "model-cost-drift"}),
        traits=Traits(price=200_000_000, tokens=(4_000, 900)),
    ),
    Profile(
        "tessera", "deep-reader", _THREE, Traits(price=120_000_000),
        (
            Incident(
                "token-growth", 7.0, changes={"tokens": (3_600, 700)},
                also=frozenset({"verbose-output"}),
            ),
            Incident(
                "version-regression-cost", 1.1,
                changes={"tokens": (7_200, 1_400), "version": "1.1.0"},
            ),
        ),
    ),
    _sick(
        "tessera", "policy-helper", _THREE,
        Incident("prompt-cache", None),
        traits=Traits(price=150_000_000, tokens=(7_000, 300), cached=0.0),
    ),
    # --- integration -----------------------------------------------------------------------------
    _sick(
        "vireo", "code-fixer", _ONE,
        Incident(
            "tool-loops", 3.0,
            changes={"tools": (Tool("run_tests", 5.0, 0.1, repeating=0.5), _SEARCH)},
            also=_FOLLOWS_SLOWNESS,
        ),
        # What it calls again and again, it mostly asks the same.
        Incident("tool-repeats", 3.0),
        traits=Traits(tools=(Tool("run_tests", 1.1, 0.1, repeating=0.02), _SEARCH)),
    ),
    _sick(
        "vireo", "release-notes", _ONE,
        Incident("tool-unused", None),
        traits=Traits(tools=(_SEARCH, Tool("read_tracker", 0.0))),
    ),
    _sick(
        "quill", "door-watch", ("edge-1",),
        Incident("telemetry-absent", 0.125, changes={"daily": 0.0}),
    ),
    # --- well ------------------------------------------------------------------------------------
    Profile(
        "quill", "grammar", ("apps-2", "apps-3"), Traits(daily=500.0, tenants=120, installing=2.0),
        conversational=True, streaming=True, evaluated=True,
    ),
    Profile(
        "quill", "translate", _THREE, Traits(daily=400.0),
        # A price change at the same demand, and a new version.
        (Incident("", 30.0, changes={"price": 65_000_000, "version": "1.1.0"}),),
    ),
    Profile("vireo", "pr-review", _ONE, launched=33.0, conversational=True),
    Profile("tessera", "quick-answers", _THREE, Traits(installing=2.0), launched=12.0),
    Profile(
        "lumen", "brief-writer", _THREE, Traits(seconds=2.0, price=90_000_000),
        conversational=True, streaming=True, evaluated=True,
    ),
    Profile(
        "sablier", "tariff-desk", _TWO, Traits(tenants=100, installing=1.7),
        # A cohort left two months ago; those who stayed have been staying.
        (Incident("", 65.0, 60.0, {"leaving": 0.06}, also=_FOLLOWS_LOSS),),
    ),
    Profile(
        "northwind", "ledger-match", _ONE, Traits(seconds=0.3, spread=0.3),
        # A release that breaks nothing.
        (Incident("", 1.1, changes={"version": "1.1.0"}),),
    ),
    # --- growing, dying and coming back ----------------------------------------------------------
    Profile("northwind", "tax-drafts", _ONE, Traits(tenants=30), weekly=1.08),
    Profile(
        "kestrel", "fax-gateway", _TWO, Traits(daily=90.0, installing=0.5),
        (Incident("listing-dead", 29.0, changes={"daily": 0.0, "installing": 0.0},
                  also=_FOLLOWS_LOSS),),
        weekly=0.94,
    ),
    _sick(
        "fathom", "season-guide", _THREE,
        # It was mended, and its tenants are back.
        Incident("listing-dead", 55.0, 25.0, {"daily": 0.0}, also=_FOLLOWS_LOSS),
        traits=Traits(daily=150.0),
    ),
)  # fmt: skip


def default_world() -> World:
    """Return the marketplace of the demo: eleven publishers, 32 listings, about 600 tenants."""
    return World(_PROFILES, 600)


def large_world(listings: int, *, publishers: int) -> World:
    """Return a marketplace of any size in which all listings are well, for measuring."""
    profiles = tuple(
        Profile(
            f"publisher-{index % publishers:03}",
            f"listing-{index:04}",
            (f"apps-{index % 3 + 1}",),
            Traits(
                daily=10.0 * (1 + index % 7),
                tenants=20 + index % 50,
                tools=(_SEARCH,) if index % 3 else (_SEARCH, Tool("lookup", 0.5, 0.1)),
            ),
        )
        for index in range(listings)
    )
    return World(profiles, 4 * listings + 400)
