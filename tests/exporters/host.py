"""A service that is attacked: it serves listings, makes calls of its own, and says what they took.

``python -m tests.exporters.host SAMPLES [WEB_CONFIG]`` prints its port. Each line of its input is a
number of seconds to make calls for; it answers with a line of JSON.
"""

import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from tests.exporters.crowd import crowd

from agent_analytics.exporters import start_http_server
from agent_analytics.instrumentation import agent


def main() -> None:
    """Serve until the input ends."""
    processor = crowd(int(sys.argv[1]))
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)

    @agent(publisher_id="host", agent_id="own")
    def call() -> None: ...

    web_config = sys.argv[2] if len(sys.argv) > 2 else None
    with start_http_server(processor, web_config=web_config) as server:
        _say(str(server.port))
        for line in sys.stdin:
            _say(json.dumps(_calls(call, float(line))))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _calls(call: Callable[[], None], seconds: float) -> dict[str, float]:
    """Make a call each millisecond and return milliseconds, and what the process has used."""
    took: list[float] = []
    used = time.process_time()
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        call()
        took.append(time.perf_counter() - begun)
        time.sleep(0.001)
    used = time.process_time() - used
    took.sort()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "p50": 1_000 * took[len(took) // 2],
        "p99": 1_000 * took[len(took) * 99 // 100],
        "worst": 1_000 * took[-1],
        "cpu": used / max(seconds, 0.001),
        "mb": pages * resource.getpagesize() / 1e6,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "threads": threading.active_count(),
    }


if __name__ == "__main__":
    main()
