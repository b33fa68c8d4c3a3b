"""What a simulated listing is like, and what can befall it."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final

from agent_analytics.demo._history.clock import DAY, Clock

#: Nano-dollars a token: input, cached input, output.
PRICES: Final[dict[str, tuple[int, int, int]]] = {
    "atlas-4": (2_500, 250, 10_000),
    "atlas-4-mini": (150, 15, 600),
    "corvid-reason-2": (5_000, 500, 20_000),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Attributes:
        name: Its name.
        calls: How many calls an invocation makes.
        seconds: How long one takes.
        failing: Share of the calls that fail.
        repeating: Share of the calls with the arguments of an earlier one of their invocation.
        result: Usual bytes of the text that it returns; 0 where it returns none.
    """

    name: str
    calls: float = 1.0
    seconds: float = 0.2
    failing: float = 0.01
    repeating: float = 0.0
    result: int = 0


@dataclass(frozen=True, slots=True)
class Traits:
    """The character of a listing at one time.

    Attributes:
        daily: Invocations a day.
        tenants: How many tenants have it installed when it begins.
        seconds: Median time of an invocation, tools left out.
        spread: Sigma of the logarithm of that time.
        failing: Probability of an error.
        timing_out: Probability of a timeout.
        given_up: Probability that the tenant cancels.
        rating: What ratings are drawn round.
        rated: Share of the successful invocations that are rated.
        price: Nano-dollars for a successful invocation.
        refunding: Share of the successful invocations whose price is given back later.
        model: The model it calls, once an invocation.
        tokens: Usual input and output tokens.
        cached: Share of the input that comes from the prompt cache.
        dearer: How many times its usual price the model costs.
        failed_cost: How many times the usual cost a failed invocation has.
        tools: Its tools.
        installing: Installs a day.
        leaving: Share of the installed tenants that uninstall, a day.
        idle: Share of the tenants (the oldest installs first) that have stopped using it.
        loyal: Whether it is installed by none but those who never leave the marketplace.
        version: Version of the agent.
        season: How much traffic follows the hour and the day of the week, 0 to 1.
    """

    daily: float = 300.0
    tenants: int = 60
    seconds: float = 1.2
    spread: float = 0.5
    failing: float = 0.006
    timing_out: float = 0.001
    given_up: float = 0.004
    rating: float = 4.6
    rated: float = 0.12
    price: int = 50_000_000
    refunding: float = 0.003
    model: str = "atlas-4"
    tokens: tuple[int, int] = (1_500, 300)
    cached: float = 0.5
    dearer: float = 1.0
    failed_cost: float = 1.0
    tools: tuple[Tool, ...] = (Tool("search"), Tool("lookup", 0.5, 0.1))
    installing: float = 1.0
    leaving: float = 0.002
    idle: float = 0.0
    loyal: bool = False
    version: str = "1.0.0"
    season: float = 1.0


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that befalls a listing, or something it always was.

    Attributes:
        kind: What it is; an insight's name, or empty for a change that is nothing to report.
        starts: Days before the end at which it begins; None for ever.
        ends: Days before the end at which it is over; 0 for not yet.
        changes: Fields of the traits that it replaces.
        also: Further insights that may be raised because of it, and need not be.
    """

    kind: str
    starts: float | None
    ends: float = 0.0
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    also: frozenset[str] = frozenset()

    def active(self, clock: Clock, time: float) -> bool:
        """Tell whether it is going on."""
        began = self.starts is None or time > clock.ago(self.starts)
        return began and (self.ends == 0 or time <= clock.ago(self.ends))


@dataclass(frozen=True, slots=True)
class Profile:
    """One simulated listing.

    Attributes:
        publisher: Publisher's id.
        agent: Listing's id.
        hosts: The processes that it runs on; several share its invocations.
        traits: What it is like where nothing befalls it.
        incidents: What befalls it.
        launched: Days before the end at which it was put on the market; None for long ago.
        conversational: Whether its spans tell conversations apart.
        streaming: Whether it answers in chunks.
        evaluated: Whether its publisher has answers evaluated.
        weekly: By what its invocations and installs are multiplied from one week to the next.
    """

    publisher: str
    agent: str
    hosts: tuple[str, ...]
    traits: Traits = Traits()
    incidents: tuple[Incident, ...] = ()
    launched: float | None = None
    conversational: bool = False
    streaming: bool = False
    evaluated: bool = False
    weekly: float = 1.0

    @property
    def key(self) -> tuple[str, str]:
        """Publisher and agent."""
        return self.publisher, self.agent

    @property
    def name(self) -> str:
        """What the storefront calls it."""
        return self.agent.replace("-", " ").title()

    def begins(self, clock: Clock) -> int:
        """Return the Unix time from which it is on the market."""
        return clock.start if self.launched is None else max(clock.start, clock.ago(self.launched))

    def at(self, clock: Clock, time: float) -> Traits:
        """Return its traits at a time."""
        traits = self.traits
        for incident in self.incidents:
            if incident.active(clock, time):
                traits = replace(traits, **incident.changes)
        return traits

    def grown(self, clock: Clock, time: float) -> float:
        """Return by what the invocations a day of its traits are multiplied at a time."""
        return math.pow(self.weekly, (time - clock.last) / (7 * DAY))

    def planted(self, clock: Clock, time: float) -> frozenset[str]:
        """Return the insights that have to be raised at a time."""
        return frozenset(
            incident.kind
            for incident in self.incidents
            if incident.kind and incident.active(clock, time)
        )

    def allowed(self, clock: Clock, time: float, days: float = 31.0) -> frozenset[str]:
        """Return the insights that may be raised, though they need not be.

        They follow from what is planted, or from what was over less than ``days`` ago: the
        longest window of an insight remembers it.
        """
        recent = [
            incident
            for incident in self.incidents
            if incident.active(clock, time)
            or (
                incident.starts is not None
                and clock.ago(incident.starts) < time
                and time - clock.ago(incident.ends) < days * DAY
            )
        ]
        return frozenset(
            name for incident in recent for name in (incident.kind, *incident.also) if name
        )
