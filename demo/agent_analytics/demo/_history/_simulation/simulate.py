"""Lets a listing live, hour by hour, and writes down every event."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate
from random import Random
from typing import Final

from agent_analytics.demo._history._simulation.ledger import Ledger
from agent_analytics.demo._history._simulation.population import Population
from agent_analytics.demo._history._simulation.traits import PRICES, Profile, Traits
from agent_analytics.demo._history.clock import HOUR, Clock

#: How much of the usual traffic an hour of the day (UTC) and a day of the week (Thursday first, as
#: the Unix epoch was) has.
_HOURS: Final = tuple(1.0 + 0.75 * math.sin((hour - 8.5) / 24 * math.tau) for hour in range(24))
_WEEKDAYS: Final = (1.15, 1.1, 0.7, 0.65, 1.1, 1.15, 1.15)
#: Seconds after a restart in which no event happens.
DOWN_SECONDS: Final = 60.0
_POOL: Final = 4096
_NEW_CONVERSATION: Final = 0.4
_EVALUATED: Final = 0.2
_TIMEOUT_SECONDS: Final = 60.0
_FAILED_SHARE: Final = 0.4
_KNUTH_LIMIT: Final = 30.0
#: Share of the installs that are by newcomers of the marketplace, and by those who had it before.
_OF_NEWCOMERS: Final = 0.6
_BACK: Final = 0.05

_SUCCESS, _ERROR, _TIMEOUT, _CANCELLED = range(4)


@dataclass(slots=True)
class _Tenants:
    """Who has the listing installed, oldest install first."""

    population: Population
    random: Random
    installed: list[int] = field(default_factory=list[int])
    gone: set[int] = field(default_factory=set[int])
    weights: dict[int, float] = field(default_factory=dict[int, float])

    def install(self, time: float, *, first: bool, loyal: bool) -> int | None:
        """Pick a tenant that does not have it, None where everybody has; one in twenty comes back.

        Args:
            time: When.
            first: Whether the listing is beginning: later, most are new to the marketplace.
            loyal: Whether none does but those who never leave.
        """
        here = self.population.here(time)
        back = [tenant for tenant in sorted(self.gone) if tenant in here]
        if back and self.random.random() < _BACK:
            tenant = self.random.choice(back)
            self.gone.discard(tenant)
        else:
            free = self._free(self.population.loyal) if loyal else []
            if not loyal and not first and self.random.random() < _OF_NEWCOMERS:
                free = self._free(self.population.newcomers(time))
            if not loyal and not free:
                free = self._free(self.population.everybody(time))
            if not free:
                return None
            tenant = self.random.choice(free)
            self.weights[tenant] = self.random.lognormvariate(0.0, 0.7)
        self.installed.append(tenant)
        return tenant

    def _free(self, crowd: Sequence[int]) -> list[int]:
        return [tenant for tenant in crowd if tenant not in self.weights]

    def uninstall(self) -> int:
        """Pick a tenant that leaves."""
        tenant = self.installed.pop(self.random.randrange(len(self.installed)))
        self.gone.add(tenant)
        return tenant

    def using(self, time: float, idle: float) -> list[int]:
        """Return who uses it: has it, is in the marketplace, and is not among the idle ones."""
        here = self.population.here(time)
        active = [tenant for tenant in self.installed if tenant in here]
        return active[int(len(active) * idle) :]


def simulate(
    profile: Profile,
    clock: Clock,
    *,
    seed: int,
    population: Population,
    restarts: Mapping[str, Sequence[int]],
) -> Ledger:
    """Return everything that happened to a listing.

    Args:
        profile: The listing.
        clock: The simulated time.
        seed: Decides every draw, together with the listing's name.
        population: The tenants of the marketplace.
        restarts: Unix times at which the processes of a host were restarted, by host.
    """
    names = dict.fromkeys(tool.name for tool in profile.traits.tools)
    for incident in profile.incidents:
        names |= dict.fromkeys(tool.name for tool in incident.changes.get("tools", ()))
    ledger = Ledger(profile.publisher, profile.agent, tuple(names))
    life = _Life(profile, clock, Random(f"{seed}/{profile.key}"), ledger, population)
    life.down = [
        (host, time, time + DOWN_SECONDS)
        for host, name in enumerate(profile.hosts)
        for time in restarts.get(name, ())
    ]
    for hour in range(profile.begins(clock), clock.last, HOUR):
        life.hour(hour)
    return ledger


class _Life:
    """One listing's simulation."""

    def __init__(
        self, profile: Profile, clock: Clock, random: Random, ledger: Ledger, population: Population
    ) -> None:
        self._profile = profile
        self._clock = clock
        self._random = random
        self._ledger = ledger
        self._tenants = _Tenants(population, random)
        self._tool = {name: index for index, name in enumerate(ledger.tools)}
        self._noise = [random.gauss(0.0, 1.0) for _ in range(_POOL)]
        self._shapes: dict[float, list[float]] = {}
        self._talks: dict[int, int] = {}
        self._talk = 0
        self._calls = 0
        self._refunds: list[tuple[float, int]] = []
        self._begins = profile.begins(clock)
        self.down: list[tuple[int, float, float]] = []

    def _shape(self, spread: float) -> list[float]:
        """Return draws of a log-normal distribution whose median is 1."""
        shape = self._shapes.get(spread)
        if shape is None:
            shape = self._shapes[spread] = [math.exp(spread * noise) for noise in self._noise]
        return shape

    def _poisson(self, mean: float) -> int:
        if mean > _KNUTH_LIMIT:
            return max(0, round(self._random.gauss(mean, math.sqrt(mean))))
        limit, product, count = math.exp(-mean), self._random.random(), 0
        while product > limit:
            product *= self._random.random()
            count += 1
        return count

    def hour(self, hour: int) -> None:
        """Let an hour pass."""
        traits = self._profile.at(self._clock, hour + HOUR / 2)
        self._come_and_go(hour, traits)
        while self._refunds and self._refunds[0][0] <= hour + HOUR:
            self._ledger.refunds.add(*heappop(self._refunds))
        active = self._tenants.using(hour, traits.idle)
        season = _HOURS[hour // HOUR % 24] * _WEEKDAYS[hour // HOUR // 24 % 7]
        daily = traits.daily * self._profile.grown(self._clock, hour)
        count = self._poisson(daily / 24 * (1 + traits.season * (season - 1)))
        if not active or not count:
            return
        random = self._random.random
        times = sorted(hour + random() * HOUR for _ in range(count))
        weights = self._tenants.weights
        picked = self._random.choices(
            active, cum_weights=list(accumulate(weights[tenant] for tenant in active)), k=count
        )
        hosts = len(self._profile.hosts)
        for time, tenant in zip(times, picked, strict=True):
            host = int(random() * hosts) if hosts > 1 else 0
            if any(down == host and first <= time <= last for down, first, last in self.down):
                continue
            self._invoke(time, tenant, host, traits)

    def _come_and_go(self, hour: int, traits: Traits) -> None:
        random, tenants, ledger = self._random.random, self._tenants, self._ledger
        usual = traits.installing / 24 * self._profile.grown(self._clock, hour)
        installs = traits.tenants if hour == self._begins else self._poisson(usual)
        leaving = self._poisson(traits.leaving / 24 * len(tenants.installed))
        leaving = min(leaving, len(tenants.installed))
        moves = [True] * installs + [False] * leaving
        for time, comes in sorted((hour + random() * HOUR, comes) for comes in moves):
            if any(down == 0 and first <= time <= last for down, first, last in self.down):
                continue
            if comes:
                tenant = tenants.install(hour, first=hour == self._begins, loyal=traits.loyal)
                if tenant is not None:
                    ledger.installs.add(time, tenant)
            elif tenants.installed:
                ledger.uninstalls.add(time, tenants.uninstall())

    def _outcome(self, traits: Traits) -> int:
        draw = self._random.random()
        for outcome, share in (
            (_ERROR, traits.failing),
            (_TIMEOUT, traits.timing_out),
            (_CANCELLED, traits.given_up),
        ):
            draw -= share
            if draw < 0:
                return outcome
        return _SUCCESS

    def _invoke(self, time: float, tenant: int, host: int, traits: Traits) -> None:
        random = self._random.random
        shape = self._shape(traits.spread)
        outcome = self._outcome(traits)
        seconds = traits.seconds * shape[int(random() * _POOL)]
        seconds += self._call_tools(time, host, traits)
        if outcome == _TIMEOUT:
            seconds = max(seconds, _TIMEOUT_SECONDS)
        elif outcome:
            seconds *= _FAILED_SHARE
        size = 0.7 + 0.6 * random()
        sent, received = int(traits.tokens[0] * size), int(traits.tokens[1] * size)
        cached = int(sent * traits.cached)
        dear, cheap, out = PRICES[traits.model]
        cost = (sent - cached) * dear + cached * cheap + received * out
        if traits.dearer != 1:
            cost = int(cost * traits.dearer)
        if outcome in {_ERROR, _TIMEOUT}:
            cost = int(cost * traits.failed_cost)
        if tenant not in self._talks or random() < _NEW_CONVERSATION:
            self._talk += 1
            self._talks[tenant] = self._talk
        columns = self._ledger.invocations
        columns.time.append(time)
        columns.tenant.append(tenant)
        columns.conversation.append(self._talks[tenant])
        columns.host.append(host)
        columns.outcome.append(outcome)
        # Nanoseconds, as the processor counts them.
        columns.seconds.append(round(seconds, 9))
        columns.input.append(sent)
        columns.output.append(received)
        columns.cached.append(cached)
        columns.cost.append(cost)
        columns.revenue.append(0 if outcome else traits.price)
        if not outcome:
            self._afterwards(time, traits)

    def _call_tools(self, time: float, host: int, traits: Traits) -> float:
        """Call the tools and return the seconds that it took."""
        random, noise = self._random.random, self._shape(0.4)
        columns = self._ledger.tool_calls
        spent = 0.0
        for tool in traits.tools:
            for _ in range(int(tool.calls + random())):
                drawn = noise[int(random() * _POOL)]
                seconds = round(tool.seconds * drawn, 9)
                columns.time.append(time)
                columns.host.append(host)
                columns.tool.append(self._tool[tool.name])
                columns.failed.append(random() < tool.failing)
                columns.seconds.append(seconds)
                # Without a draw of their own: what else happens is as it was without them.
                self._calls += 1
                share = tool.repeating
                columns.repeated.append(int((self._calls + 1) * share) - int(self._calls * share))
                columns.result.append(int(tool.result * drawn) if tool.result else -1)
                spent += seconds
        return spent

    def _afterwards(self, time: float, traits: Traits) -> None:
        random = self._random.random
        if random() < traits.rated:
            drawn = traits.rating + 0.7 * self._noise[int(random() * _POOL)]
            self._ledger.ratings.add(time, max(1, min(5, round(drawn))))
        if self._profile.evaluated and random() < _EVALUATED:
            self._ledger.evaluations.add(time, round(1000 * min(1.0, 0.7 + 0.3 * random())))
        if random() < traits.refunding:
            heappush(self._refunds, (time + HOUR * (1 + random()), traits.price))
