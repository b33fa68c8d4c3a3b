"""LangSmith's export by OpenTelemetry, for the drivers of what is built on langchain."""

import importlib
import os

from lab import Lab

_ON = {
    "LANGSMITH_TRACING": "true",
    "LANGSMITH_OTEL_ENABLED": "true",
    "LANGSMITH_OTEL_ONLY": "true",
    "LANGSMITH_API_KEY": "x",
    "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
}


def export(lab: Lab) -> None:  # noqa: ARG001 - as instrumentations are switched on
    """Switch it on; it sends to the provider of the process."""
    os.environ.update(_ON)


def exported() -> None:
    """Wait until all of a run was sent, which a thread does afterwards."""
    if os.environ.get("LANGSMITH_TRACING"):
        importlib.import_module("langchain_core.tracers.langchain").wait_for_all_tracers()
