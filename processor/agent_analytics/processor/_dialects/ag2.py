"""AG2: the conventions, and records that only say what was spent."""

from typing import Final

from agent_analytics.processor._dialects._dialect import Dialect

AG2: Final = Dialect(name="ag2", scopes=("ag2", "opentelemetry.instrumentation.ag2"))
