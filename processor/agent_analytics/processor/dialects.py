"""What other parts of agent-analytics may know of dialects: content, and who writes them."""

from collections.abc import Mapping
from typing import Final

from agent_analytics.processor._dialects.registry import DIALECTS, joined

#: Names of attributes that hold what was asked and answered, as regular expressions.
CONTENT: Final[tuple[str, ...]] = joined("content")
#: Variables of the environment that keep content out of spans, with the value that does.
CONTENT_OFF: Final[Mapping[str, str]] = {
    name: value for dialect in DIALECTS for name, value in (dialect.content_off or {}).items()
}
#: Beginnings of the names of distributions that instrument GenAI libraries and nothing else.
PACKAGES: Final[tuple[str, ...]] = joined("packages")
#: Libraries whose ``opentelemetry-instrumentation-<library>``, by whomever, records model calls,
#: agents or tools.
LIBRARIES: Final[frozenset[str]] = frozenset(joined("libraries"))

__all__ = ["CONTENT", "CONTENT_OFF", "LIBRARIES", "PACKAGES"]
