"""The doctor blames a clock for what the clock says, not for how long an answer took."""

import http.server
import threading
import time

import pytest

from agent_analytics.cli._doctor import Examination, examine
from agent_analytics.cli._doctor.service import overview
from agent_analytics.cli._doctor.service.overview import check_clock
from agent_analytics.exporters import exposition
from agent_analytics.processor import AgentMetricsProcessor


@pytest.mark.parametrize(
    ("shows", "took", "found"),
    [
        pytest.param(0.0, 0.0, "", id="right"),
        pytest.param(0.0, 60.0, "", id="right when it was asked, a minute ago"),
        pytest.param(60.0, 60.0, "", id="right when it answered, after a minute"),
        pytest.param(-3.0, 0.0, "", id="a little behind"),
        pytest.param(63.0, 60.0, "", id="a little ahead of now"),
        pytest.param(-60.0, 0.0, "60 s behind", id="a minute behind"),
        pytest.param(-60.0, 60.0, "60 s behind", id="a minute behind, and slow"),
        pytest.param(60.0, 0.0, "60 s ahead of", id="a minute ahead"),
        pytest.param(120.0, 60.0, "60 s ahead of", id="a minute ahead, and slow"),
    ],
)
def test_a_clock(shows: float, took: float, found: str) -> None:
    """Off is what shows a time of before it was asked, or of after now."""
    examination, begun = Examination(), time.time() - took
    check_clock(examination, "the service", begun + shows, begun)
    said = [each.wrong for each in examination.problems]
    assert len(said) == bool(found)
    assert found in "".join(said)


def test_a_service_that_answers_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked after the metrics may take longer than clocks may differ."""
    monkeypatch.setattr(overview, "_SKEW_SECONDS", 1.2)
    shown, _ = exposition(AgentMetricsProcessor(hold_seconds=0))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/-/findings":
                time.sleep(2.3)
            self.send_response(200)
            self.send_header("Content-Length", str(len(shown)))
            self.end_headers()
            self.wfile.write(shown)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            found = examine(f"http://127.0.0.1:{server.server_port}/metrics", "none")
        finally:
            server.shutdown()
            thread.join()
    assert not [each.wrong for each in found.problems if "clock" in each.wrong]
