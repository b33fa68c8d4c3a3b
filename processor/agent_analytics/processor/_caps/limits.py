"""Bounds on what any one publisher, listing or span may cost."""

from dataclasses import dataclass, fields
from typing import Final

from agent_analytics.processor.catalogue import SAMPLES_OF_EXPOSITION

#: What an exposition needs for its metrics about health, and for ``_other``.
LEAST: Final = {"max_samples": 3_000, "max_exposition_bytes": 500_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Caps on series and on memory; beyond a cap, a label value becomes ``_other``.

    Every cap is counted per owner, so that nobody can push somebody else into overflow. The caps
    on names multiply; what they may come to together is capped in samples and in bytes.

    Attributes:
        max_samples: Samples in one exposition, over all workers of a state directory.
        max_exposition_bytes: Bytes of its text, in UTF-8 and with escapes.
        publisher_share: Part of both that a publisher may have while it is alone, above 0 and up
            to 1. The more others have, the less it is; a quarter is kept for small publishers,
            unless this is nearly 1.
        publishers: Publishers in one process. Where publishers do not share a process with
            strangers (they are stamped by a trusted party), this is a backstop for memory.
        listings_per_publisher: Listings of one publisher.
        tools_per_listing: Tool names of one listing.
        models_per_listing: Model names of one listing.
        error_types_per_listing: Error types of one listing.
        evaluations_per_listing: Evaluation names of one listing.
        versions_per_listing: Names and versions of one listing shown at once; the oldest leaves.
        releases_per_listing: Versions of one listing whose series are shown at once. A further
            one takes the place of one that nobody has used for a day, and else is ``_other``.
            What they come to is counted apart: beside ``max_samples``, a quarter of it at most.
        label_length: Characters in a label value; a longer one is refused. What a name takes of
            the bytes of an exposition is what it takes in UTF-8, with its escapes.
        open_spans: Spans followed at once; beyond it the oldest is given up.
        open_span_seconds: Age at which a span that has not ended is given up.
        open_run_seconds: Age at which what has ended of a framework's run is counted although its
            topmost span has not.
        event_ids_per_publisher: Event ids of one publisher remembered to count each once.

    Raises:
        ValueError: A cap is not a positive integer, or too small for anything to be exposed; the
            share is not above 0 and up to 1.
    """

    max_samples: int = SAMPLES_OF_EXPOSITION
    max_exposition_bytes: int = 40_000_000
    publisher_share: float = 0.5
    publishers: int = 10_000
    listings_per_publisher: int = 1_000
    tools_per_listing: int = 64
    models_per_listing: int = 32
    error_types_per_listing: int = 32
    evaluations_per_listing: int = 16
    versions_per_listing: int = 4
    releases_per_listing: int = 4
    label_length: int = 200
    open_spans: int = 100_000
    open_span_seconds: int = 6 * 3600
    open_run_seconds: int = 3600
    event_ids_per_publisher: int = 10_000

    def __post_init__(self) -> None:
        """Refuse a cap that is no positive integer, naming it."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "publisher_share":
                if isinstance(value, bool) or not isinstance(value, int | float):
                    value = -1
                if not 0 < value <= 1:
                    msg = f"{field.name}: expected a part above 0 and up to 1, got {value!r}"
                    raise ValueError(msg)
                continue
            least = LEAST.get(field.name, 1)
            if type(value) is not int or value < least:
                expected = "a positive integer" if least == 1 else f"an integer from {least}"
                msg = f"{field.name}: expected {expected}, got {value!r}"
                raise ValueError(msg)
