"""What is recorded of spans keeps what later tests need."""

import contextlib
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.frameworks.live import LAB


def test_events_keep_their_names_and_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recording, and a shortened one, tells when the first token came and what was raised."""
    monkeypatch.setattr(sys, "path", [str(LAB.parent), *sys.path])
    recorder: Any = importlib.import_module("recorder").Recorder()
    shorten: Any = importlib.import_module("shorten").shorten
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(recorder)
    with (
        contextlib.suppress(KeyError),
        provider.get_tracer("t").start_as_current_span("chat") as span,
    ):
        span.add_event("First Token Stream Event", timestamp=7)
        span.add_event("First Token Stream Event", timestamp=8)
        raise KeyError
    truth = {"framework": "f", "instrumentation": "i", "scenario": "s"}
    recorder.save(tmp_path, truth=truth)
    (recorded,) = json.loads((tmp_path / "f__i__s.json").read_text())["spans"]
    first, again, raised = recorded["events"]
    assert (first["name"], first["timestamp"]) == ("First Token Stream Event", 7)
    assert again["timestamp"] == 8
    assert raised["attributes"]["exception.type"] == "KeyError"
    short = shorten(recorded)["events"]
    assert [(one["name"], one["timestamp"]) for one in short] == [
        ("First Token Stream Event", 7),
        ("exception", raised["timestamp"]),
    ]
    assert short[1]["attributes"] == {"exception.type": "KeyError"}
