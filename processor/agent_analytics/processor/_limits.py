"""Bounds on what any one publisher, listing or span may cost."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps on series and on memory; beyond a cap, a label value becomes ``_other``.

    Every cap is counted per owner, so that nobody can push somebody else into overflow.

    Attributes:
        publishers: Publishers in one process. Where publishers do not share a process with
            strangers (they are stamped by a trusted party), this is a backstop for memory.
        listings_per_publisher: Listings of one publisher.
        tools_per_listing: Tool names of one listing.
        models_per_listing: Model names of one listing.
        error_types_per_listing: Error types of one listing.
        evaluations_per_listing: Evaluation names of one listing.
        versions_per_listing: Names and versions of one listing shown at once; the oldest leaves.
        label_length: Characters in a label value; a longer one is refused.
        open_spans: Spans followed at once; beyond it the oldest is given up.
        open_span_seconds: Age at which a span that has not ended is given up.
        open_run_seconds: Age at which what has ended of a framework's run is counted although its
            topmost span has not.
        event_ids_per_publisher: Event ids of one publisher remembered to count each once.

    Raises:
        ValueError: A cap is not a positive integer.
    """

    publishers: int = 10_000
    listings_per_publisher: int = 1_000
    tools_per_listing: int = 64
    models_per_listing: int = 32
    error_types_per_listing: int = 32
    evaluations_per_listing: int = 16
    versions_per_listing: int = 4
    label_length: int = 200
    open_spans: int = 100_000
    open_span_seconds: int = 6 * 3600
    open_run_seconds: int = 3600
    event_ids_per_publisher: int = 10_000

    def __post_init__(self) -> None:
        """Refuse a cap that is no positive integer, naming it."""
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                msg = f"{field.name}: expected a positive integer, got {value!r}"
                raise ValueError(msg)
