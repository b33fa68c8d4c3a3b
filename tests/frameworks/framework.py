"""What is known of a framework, or of a model's client, that is run live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Framework:
    """A framework and how it is run.

    Attributes:
        package: Its name on the package index, whose version is told.
        instrumentations: What records it: the name of a switch in its driver, several joined by
            ``+``; each with the packages that are at work, none where the framework's own spans
            are all there is.
        scenarios: What it is run through, by each of them.
        native: Whether it records spans of its own, whatever else does.
        note: What to know of it, or of how it was run.
        environment: Where it is installed, if not in an environment of its own.
        driver: Whose driver runs it, if not one of its own.
        client: Whether it is a model's client, which has neither agents nor tools.
        guide: Whether it has a page of its own in ``docs/frameworks``.
    """

    package: str
    instrumentations: Mapping[str, Sequence[str]]
    scenarios: Sequence[str]
    native: bool = False
    note: str = ""
    environment: str = ""
    driver: str = ""
    client: bool = False
    guide: bool = True
