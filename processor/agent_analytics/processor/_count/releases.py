"""Which version of its listing a span counts for: the literal one that it states.

That is ``gen_ai.agent.version``, else the ``service.version`` of its resource; where neither is
stated, there is no release. A listing has a block for each version. So many versions are in use at
once; a further one takes a place that nobody has used for a day, and else counts under ``_other``
until there is one. So a listing that is released weekly always shows its newest version, and
whoever makes versions up brings a few series a day. What has left stays where it is stored, and
goes on should the version come back.
"""

from collections.abc import Callable, Mapping
from threading import RLock
from typing import Final, cast

from agent_analytics.instrumentation.exact import exact_text
from agent_analytics.processor._caps.admission import RELEASES as ROOM
from agent_analytics.processor._caps.admission import Admission
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._caps.sizes import MOST_VERSION_BYTES, escaped
from agent_analytics.processor._count.core import Block, Listing
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._series.schema import RELEASE_USED, RELEASES
from agent_analytics.processor.catalogue import OTHER

_SERVICE_VERSION: Final = "service.version"
#: Seconds after which a version that nobody uses leaves its place to another.
QUIET_SECONDS: Final = 86_400
#: How often it is written down that the version of a listing is still in use.
_TOUCH_SECONDS: Final = 3_600


class Releases:
    """Finds or makes the blocks of versions.

    Args:
        listings: Where they are.
        limits: How many of a listing are in use at once.
        shares: Who may have any.
        health: Where refusals are counted.
        lock: The processor's.
        wall_clock: Seconds since 1970.
    """

    def __init__(
        self,
        listings: Listings,
        limits: Limits,
        shares: Admission,
        health: Health,
        lock: RLock,
        wall_clock: Callable[[], float],
    ) -> None:
        self._listings = listings
        self._most = limits.releases_per_listing
        self._shares = shares
        self._health = health
        self._lock = lock
        self._wall_clock = wall_clock
        self._counted: dict[int, int] = {}
        self._touch_at = 0.0

    def find(self, listing: Listing, version: object, said: object) -> Block | None:
        """Return where an invocation counts by version; ``None`` for nowhere.

        Args:
            listing: Whose it is.
            version: What its span states; ``None`` for nothing.
            said: The same, or the span's resource: what the listing remembers it by.
        """
        last, block = listing.release
        if said is last:
            return block
        if version is None:
            version = service_version(said)
        now = int(self._wall_clock())
        if block is not None:  # in use until now, as far as anybody knows
            block.cells[RELEASE_USED] = now
        found = None if version is None else self._found(listing, version, now)
        if found is None or found.labels[-1] != OTHER:
            listing.release = (said, found)  # another one may find a place a moment later
        return found

    def of_rating(self, listing: Listing, version: object, resource: object) -> Block | None:
        """Return where a rating counts by version; ``None`` for nowhere.

        A rating rarely names a version. It is of the one that this process has counted last, and
        of the process's own only where that is known to be one of the listing: a service that
        collects ratings has versions that say nothing of the agent.
        """
        if version is not None:
            return self._found(listing, version, int(self._wall_clock()))
        block: Block | None = listing.release[1]
        if block is None:
            known = listing.groups[RELEASES.place]
            block = known.get(exact_text(service_version(resource)) or "")
        return block

    def _found(self, listing: Listing, version: object, now: int) -> Block | None:
        group = listing.groups[RELEASES.place]
        label = self._listings.label(version)
        if label is not None and escaped((label,)) > MOST_VERSION_BYTES:
            self._health.refuse_value("label")
            label = None
        found = group.get(label or OTHER)
        if found is not None and (label is None or self._is_used(found, now)):
            found.cells[RELEASE_USED] = now
            return found
        if not self._shares.admit(ROOM, (listing.publisher, listing.agent)):
            self._health.refuse_series(RELEASES.cause)
            return None
        if label is not None and label != OTHER:
            with self._lock:
                used = [one for name, one in list(group.items()) if name != OTHER]
                full = sum(self._is_used(one, now) for one in used) >= self._most
            if full:
                self._health.refuse_series(RELEASES.cause)
                label = OTHER
        found = self._listings.opened(listing, RELEASES, label or OTHER)
        found.cells[RELEASE_USED] = now
        return found

    @staticmethod
    def _is_used(block: Block, now: int) -> bool:
        used = block.cells[RELEASE_USED]
        if used > now:  # a clock that was set back must keep no place for as long as that
            used = block.cells[RELEASE_USED] = now
        return now - used < QUIET_SECONDS

    def touch(self) -> None:
        """Write down once an hour which versions are still in use."""
        now = self._wall_clock()
        if 0 <= self._touch_at - now <= _TOUCH_SECONDS:
            return
        self._touch_at = now + _TOUCH_SECONDS
        before, self._counted = self._counted, {}
        for listing in list(self._listings.known.values()):
            block: Block | None = listing.release[1]
            if block is None:
                continue
            counted = sum(block.cells.tolist()[:RELEASE_USED])
            self._counted[id(block)] = counted
            if before.get(id(block), 0) != counted:
                block.cells[RELEASE_USED] = int(now)


def service_version(resource: object) -> object:
    """Return the version of the service that a resource states; ``None`` for none."""
    attributes: object = getattr(resource, "attributes", None)
    if not isinstance(attributes, Mapping):
        return None
    return cast("Mapping[str, object]", attributes).get(_SERVICE_VERSION)
