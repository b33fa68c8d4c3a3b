"""The marketplace on paper: who publishes what, and the character of each listing.

Plain data. Probabilities are per invocation, seconds are market seconds (real ones at speed 1),
prices are decimal strings in US dollars.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

#: How a listing is written, which decides how it is instrumented.
Style = Literal[
    "function",  # a plain function on a thread; usage read off its return value
    "coroutine",  # tools, and usage reported with add_usage
    "framework",  # tools, and model calls that emit GenAI spans of their own
    "stream",  # an async generator
    "lines",  # a plain generator on a thread
    "class",  # a class, instrumented by its entry method
    "broker",  # a coroutine that calls another publisher's listing
    "reported",  # runs elsewhere and is recorded when it has finished
]


@dataclass(frozen=True, slots=True)
class ToolTraits:
    """One tool of a listing.

    Attributes:
        name: The tool's name.
        share: How often an invocation calls it, 0 to 1.
        seconds: Usual time of a call.
        failing: Probability that a call fails.
        as_data: A failure is returned as data (``isError``) instead of raised.
    """

    name: str
    share: float
    seconds: float
    failing: float = 0.0
    as_data: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing and its character.

    Attributes:
        publisher: Publisher's id.
        agent: Listing's id.
        name: What the storefront calls it.
        style: How its code is written.
        price_usd: Charged for a successful invocation; None where it is free.
        weight: Popularity, relative to the other listings.
        seconds: Shortest and longest usual time of an invocation.
        failing: Probability that an invocation raises.
        errors: Names of the exceptions it raises then.
        timing_out: Probability that it runs into its own time limit.
        given_up: Probability that the tenant walks away before the end.
        rating: Mean rating of invocations that worked, 1 to 5.
        model: Model it calls, None where it calls none.
        tokens: Usual input and output tokens of an invocation.
        cached: Share of the input tokens that comes from the prompt cache.
        reasoning: Share of the output tokens spent on reasoning.
        refunding: Probability that a tenant is given the price back afterwards.
        monthly_usd: Subscription charged to its tenants now and then, None for none.
        evaluated: Whether the publisher scores answers for faithfulness.
        tools: Its tools.
        calls: ``publisher/agent`` of the listing it calls, for the broker style.
        version: Version of the agent behind the listing.
    """

    publisher: str
    agent: str
    name: str
    style: Style
    price_usd: str | None
    weight: float
    seconds: tuple[float, float]
    failing: float = 0.01
    errors: tuple[str, ...] = ("ConnectionError", "ValueError")
    timing_out: float = 0.0
    given_up: float = 0.004
    rating: float = 4.4
    model: str | None = None
    tokens: tuple[int, int] = (600, 200)
    cached: float = 0.0
    reasoning: float = 0.0
    refunding: float = 0.0
    monthly_usd: str | None = None
    evaluated: bool = False
    tools: tuple[ToolTraits, ...] = field(default=())
    calls: str | None = None
    version: str = "1.4.0"

    @property
    def key(self) -> str:
        """``publisher/agent``."""
        return f"{self.publisher}/{self.agent}"


#: What the models cost: nano-dollars a token for input, cached input and output. A model that is
#: not here is one whose price nobody knows.
MODEL_PRICES: Final[dict[str, tuple[int, int, int]]] = {
    "atlas-4": (2_500, 250, 10_000),
    "atlas-4-mini": (150, 15, 600),
    "corvid-reason-2": (5_000, 500, 20_000),
}

LISTINGS: Final = (
    Listing(
        "brightdesk", "ticket-triage", "Ticket Triage", "function", "0.02", 14.0, (0.04, 0.22),
        failing=0.008, model="atlas-4-mini", tokens=(420, 60), rating=4.6,
        errors=("ConnectionError", "KeyError"), monthly_usd="49",
    ),
    Listing(
        "brightdesk", "reply-drafter", "Reply Drafter", "stream", "0.04", 8.0, (0.5, 1.8),
        given_up=0.12, model="atlas-4", tokens=(900, 380), cached=0.4, rating=4.3,
    ),
    Listing(
        "lexora", "contract-review", "Contract Review", "framework", "1.85", 3.0, (1.6, 4.5),
        model="corvid-reason-2", tokens=(18_000, 2_600), reasoning=0.55, cached=0.25, rating=4.7,
        evaluated=True, monthly_usd="320",
        tools=(ToolTraits("load_document", 1.0, 0.12), ToolTraits("cite_case_law", 0.6, 0.3, 0.03)),
    ),
    Listing(
        "lexora", "clause-finder", "Clause Finder", "coroutine", "0.15", 4.0, (0.2, 0.7),
        model="atlas-4-mini", tokens=(5_200, 120), rating=4.5,
        tools=(ToolTraits("search_clauses", 1.0, 0.08, 0.01),),
    ),
    Listing(
        "waypoint-travel", "trip-planner", "Trip Planner", "broker", "0.60", 5.0, (0.6, 1.6),
        model="atlas-4", tokens=(1_500, 700), rating=4.4, calls="fareline/fare-search",
        tools=(ToolTraits("read_calendar", 0.8, 0.05, 0.02),),
    ),
    Listing(
        "fareline", "fare-search", "Fare Search", "coroutine", "0.03", 7.0, (0.15, 0.5),
        model="atlas-4-mini", tokens=(300, 90), rating=4.0,
        tools=(ToolTraits("quote_airlines", 1.0, 0.12, 0.17), ToolTraits("fx_rate", 0.5, 0.02)),
    ),
    Listing(
        "quantfolio", "earnings-brief", "Earnings Brief", "framework", "0.90", 3.0, (0.9, 2.4),
        timing_out=0.03, model="atlas-4", tokens=(9_500, 900), cached=0.5, rating=4.2,
        evaluated=True, tools=(ToolTraits("fetch_filing", 1.0, 0.2, 0.04),),
    ),
    Listing(
        "quantfolio", "portfolio-watch", "Portfolio Watch", "function", "0.005", 9.0, (0.03, 0.12),
        failing=0.004, errors=("ConnectionError",), monthly_usd="19",
    ),
    Listing(
        "medscribe", "visit-notes", "Visit Notes", "stream", "0.35", 5.0, (0.8, 2.6),
        given_up=0.03, model="atlas-4", tokens=(2_800, 850), rating=4.8, monthly_usd="180",
        tools=(ToolTraits("patient_history", 0.7, 0.1, 0.01),),
    ),
    Listing(
        "medscribe", "code-lookup", "Diagnosis Code Lookup", "class", "0.01", 6.0, (0.04, 0.15),
        rating=4.6, errors=("LookupError",), tools=(ToolTraits("icd_index", 1.0, 0.02),),
    ),
    Listing(
        "pixelforge", "banner-maker", "Banner Maker", "reported", "0.45", 3.0, (5.5, 13.5),
        model="easel-xl", tokens=(250, 1_400), rating=4.1, failing=0.02,
        errors=("RuntimeError",), tools=(ToolTraits("render", 1.0, 4.0, 0.02),),
    ),
    Listing(
        "pixelforge", "alt-text", "Alt Text", "function", "0.004", 6.0, (0.08, 0.3),
        model="atlas-4-mini", tokens=(1_100, 40), rating=4.5,
    ),
    Listing(
        "shipwise", "parcel-tracker", "Parcel Tracker", "coroutine", "0.01", 11.0, (0.05, 0.25),
        rating=4.3, tools=(ToolTraits("carrier_api", 1.0, 0.06, 0.05, as_data=True),),
    ),
    Listing(
        "shipwise", "customs-clerk", "Customs Clerk", "coroutine", "0.75", 2.5, (0.7, 1.9),
        refunding=0.08, model="atlas-4", tokens=(2_200, 640), rating=3.9,
        tools=(ToolTraits("tariff_table", 1.0, 0.05), ToolTraits("file_form", 0.7, 0.2, 0.06)),
    ),
    Listing(
        "codewright", "pr-reviewer", "Pull Request Reviewer", "class", "0.25", 6.0, (0.8, 2.2),
        model="atlas-4", tokens=(7_400, 520), cached=0.6, rating=4.5, version="3.0.2",
        tools=(ToolTraits("read_diff", 1.0, 0.06), ToolTraits("run_linter", 0.8, 0.25, 0.03)),
    ),
    Listing(
        "codewright", "test-writer", "Test Writer", "framework", "0.40", 4.0, (1.2, 3.2),
        model="corvid-reason-2", tokens=(4_200, 1_500), reasoning=0.4, rating=4.2, version="3.0.2",
        tools=(ToolTraits("run_tests", 1.0, 0.4, 0.06, as_data=True),),
    ),
    Listing(
        "harbor-legal", "deposition-digest", "Deposition Digest", "coroutine", "4.20", 1.6,
        (8.5, 13.0), given_up=0.02, model="corvid-reason-2", tokens=(42_000, 3_800),
        reasoning=0.3, rating=4.4, tools=(ToolTraits("transcribe", 1.0, 1.5),),
    ),
    Listing(
        "polyglot-press", "translate", "Translate", "lines", "0.02", 10.0, (0.15, 0.6),
        given_up=0.02, model="atlas-4-mini", tokens=(700, 690), rating=4.6,
    ),
    Listing(
        "polyglot-press", "tone-check", "Tone Check", "function", "0.01", 4.0, (0.06, 0.25),
        model="atlas-4-mini", tokens=(350, 45), rating=2.9,
    ),
    Listing(
        "greenleaf-hr", "policy-helper", "Policy Helper", "framework", "0.05", 5.0, (0.4, 1.3),
        model="atlas-4", tokens=(3_100, 260), cached=0.8, rating=3.0, refunding=0.01,
        tools=(ToolTraits("search_handbook", 1.0, 0.07, 0.02),),
    ),
    Listing(
        "greenleaf-hr", "interview-scheduler", "Interview Scheduler", "coroutine", None, 4.0,
        (0.2, 0.8), timing_out=0.02, rating=4.1,
        tools=(ToolTraits("read_calendar", 1.0, 0.05, 0.02), ToolTraits("send_invite", 0.9, 0.05)),
    ),
    Listing(
        "orchard-grocery", "meal-planner", "Meal Planner", "broker", "0.12", 5.0, (0.4, 1.1),
        model="atlas-4-mini", tokens=(800, 420), rating=4.5, calls="shipwise/parcel-tracker",
        tools=(ToolTraits("pantry", 0.9, 0.03),),
    ),
    Listing(
        "sunwell-energy", "bill-explainer", "Bill Explainer", "stream", "0.03", 5.0, (0.4, 1.2),
        given_up=0.06, model="atlas-4-mini", tokens=(650, 310), rating=4.3, timing_out=0.01,
    ),
)  # fmt: skip

#: Listings by ``publisher/agent``.
BY_KEY: Final = {listing.key: listing for listing in LISTINGS}

_PLACES: Final = (
    "alder", "aurora", "birch", "bluff", "canyon", "cedar", "cobalt", "copper", "delta", "ember",
    "fjord", "granite", "harbor", "juniper", "lantern", "maple", "meridian", "pine", "quarry",
    "summit",
)  # fmt: skip
_TRADES: Final = (
    "bakery", "books", "clinic", "cycles", "dental", "design", "farms", "foods", "freight",
    "hotels", "insurance", "labs", "law", "motors", "optics", "outfitters", "realty", "roasters",
    "studios", "textiles",
)  # fmt: skip

#: The tenants: 400 companies.
TENANTS: Final = tuple(f"{place}-{trade}" for trade in _TRADES for place in _PLACES)
