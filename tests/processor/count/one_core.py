"""Counts workloads with one core and prints what is shown: a program for ``test_two_cores.py``.

Each line of input is a workload as JSON, a list of steps; each line of output is what is exposed
after every scrape of the workload, as JSON. The first line says which core counts.
"""

import json
import os
import sys
from fractions import Fraction
from typing import Any

from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

from agent_analytics.exporters._http.exposition import text_of
from agent_analytics.processor import AgentMetricsProcessor, Limits, RecordAllSampler, core_in_use
from agent_analytics.processor.catalogue import LAST_SPAN

#: Scopes that spans come from: the decorators' own, a framework's, a library's.
SCOPES = ("agent_analytics.instrumentation", "pydantic-ai", "opentelemetry.instrumentation.httpx")
#: What a span is given as a time.
Time = int | float | str | list[int]
LIMITS = Limits(publishers=2, listings_per_publisher=3, tools_per_listing=2, open_spans=8)


class _Ids(IdGenerator):
    """One id after the other, so that both cores see the same."""

    def __init__(self) -> None:
        self._last = 0

    def _next(self, bits: int) -> int:
        self._last += 1
        return (self._last * 0x9E3779B97F4A7C15 + 1) % (1 << bits) or 1

    def generate_span_id(self) -> int:
        """Return an id of 64 bits."""
        return self._next(64)

    def generate_trace_id(self) -> int:
        """Return an id of 128 bits, half of which are sampled."""
        return self._next(128)


def _time(at: Time) -> int:
    """Return a time of a step, whatever it is; JSON has fractions as lists."""
    time: Any = Fraction(*at) if isinstance(at, list) else at
    return time  # type: ignore[no-any-return]  # the SDK asks for an int, and takes anything


class _World:
    """A processor, its spans, and a clock that steps turn."""

    def __init__(self, state: str | None) -> None:
        self.now = 0.0
        self.processor = AgentMetricsProcessor(
            30.0,
            state,
            LIMITS,
            take_rate="0.15",
            tenant_key="key",
            clock=lambda: self.now,
            wall_clock=lambda: self.now,
        )
        provider = TracerProvider(
            sampler=RecordAllSampler(TraceIdRatioBased(0.5)),
            id_generator=_Ids(),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(self.processor)
        self.tracers: list[Tracer] = [provider.get_tracer(scope) for scope in SCOPES]
        self.spans: list[Any] = []
        self.shown: list[str] = []

    def start(self, scope: int, parent: int | None, attributes: dict[str, Any], at: Time) -> None:
        """Start a span, in the one that was started so many spans ago if that is there."""
        above: Span | None = None
        if parent is not None and parent < len(self.spans):
            above = self.spans[-1 - parent]
        context = None if above is None else set_span_in_context(above)
        tracer = self.tracers[scope]
        name = f"{attributes.get('gen_ai.operation.name', 'work')} x"
        started = tracer.start_span(name, context, attributes=attributes, start_time=_time(at))
        self.spans.append(started)

    def end(self, span: int, at: Time, failed: bool) -> None:  # noqa: FBT001 - a step of a workload
        """End the span that was started so many spans ago."""
        if span < len(self.spans):
            ended = self.spans[-1 - span]
            if failed:
                ended.set_status(Status(StatusCode.ERROR))
            ended.end(_time(at))

    def fill(self, left: int) -> None:
        """Let every cell of every listing have room for so many more."""
        for listing in self.processor._parts.listings.known.values():  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
            for block in listing.blocks():
                for index in range(block.schema.size):
                    block.cells[index] = 2**63 - 1 - left

    def scrape(self, seconds: float) -> None:
        """Turn the clock, and keep what is shown."""
        self.now += seconds
        for part in ("metrics", "sketches"):
            text = b"".join(text_of(self.processor.snapshot(part), openmetrics=True)).decode()
            lines = [line for line in text.splitlines() if not line.startswith(LAST_SPAN.name)]
            self.shown.append("\n".join(lines))

    def fork(self, seconds: float) -> None:
        """Go on as a forked child does, which counts from zero."""
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            self.shown.append(f"child ended with {status}")
            self.processor.after_fork()
            self.scrape(seconds)
            return
        try:
            self.scrape(seconds)
            assert self.shown
        finally:
            os._exit(0)


def main() -> None:
    """Count every workload of standard input."""
    sys.stdout.write(core_in_use() + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        state, steps = json.loads(line)
        world = _World(state)
        for what, *arguments in steps:
            getattr(world, what)(*arguments)
        world.scrape(0)
        sys.stdout.write(json.dumps(world.shown) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
