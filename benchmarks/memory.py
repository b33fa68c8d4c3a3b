"""Memory of series, measured in a process of its own: ``python -m benchmarks.memory OURS WHAT``.

The first argument is ``agent-analytics`` or ``prometheus_client``, the second ``resident`` (what
the operating system gives the process more than before) or ``traced`` (what Python's allocator
has handed out and not got back). Prints the samples exposed and the bytes taken by them.
"""

import gc
import sys
import tracemalloc
from pathlib import Path
from resource import getpagesize

from benchmarks.series import filled, mirrored

from agent_analytics.processor import AgentMetricsProcessor

SAMPLES = 100_000


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * getpagesize()


def main(whose: str, what: str) -> None:
    """Print samples and bytes."""
    filled(1)  # imports and caches that do not grow with the series
    families = list(filled(SAMPLES).collect()) if whose == "prometheus_client" else []
    gc.collect()
    if what == "traced":
        tracemalloc.start()
    before = _resident()
    kept = mirrored(families) if families else filled(SAMPLES)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] if what == "traced" else _resident() - before
    tracemalloc.stop()
    if isinstance(kept, AgentMetricsProcessor):
        samples = sum(len(f.samples) for f in kept.collect() if "sketch" not in f.name)
    else:
        samples = sum(len(f.samples) for f in kept.collect())
    print(samples, taken)


if __name__ == "__main__":
    main(*sys.argv[1:])
