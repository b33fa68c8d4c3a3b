"""A worker of any release on a state directory, which does as each line of its input says.

``count ID`` lets everything happen once, with that id of its events; ``open`` begins an invocation
that does not end; ``show`` only looks. Each is answered by one line of JSON: what a scrape shows.

``COMMIT.tar.gz`` beside this file was written by the release at that commit, with what it showed
then in ``shown.json``; ``python -m tests.durable.formats.write COMMIT`` writes it anew.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "revision_1"))

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v


def _schema() -> Any:  # noqa: ANN401 - the module of whatever release
    """Return the module with the kinds of blocks, wherever a release has it."""
    try:
        return importlib.import_module("agent_analytics.processor._series.schema")
    except ModuleNotFoundError:
        return importlib.import_module("agent_analytics.processor._" + "schema")


#: Beside the first release's directory.
traffic: Any = importlib.import_module("traffic")

Rows = list[tuple[str, list[tuple[str, str]], float]]

#: Kinds of blocks of a release that is to come.
LATER = ("later", "named")
#: What later releases have figures of their own for, and earlier ones count as they did.
EUROS = {
    **traffic.MODEL,
    "gen_ai.usage.cost.amount": 0.5,
    "gen_ai.usage.cost.currency": "EUR",
    **traffic.OWNER,
}
STEERED = {**traffic.INVOCATION, v.OUTCOME: "steered"}
#: More was cached than was sent.
CONTRADICTED = {
    v.OPERATION_NAME: v.CHAT,
    "gen_ai.provider.name": "anthropic",
    v.REQUEST_MODEL: "m-1",
    v.INPUT_TOKENS: 10,
    v.OUTPUT_TOKENS: 20,
    "gen_ai.usage.cache_read.input_tokens": 60,
}


class Counting:
    """What a worker does at a word.

    Args:
        state: Its state directory.
    """

    def __init__(self, state: Path) -> None:
        self.processor, self._tracer = traffic.worker(state)
        resource = Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"})
        self._others = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._others.add_span_processor(self.processor)
        self._never_ended: list[object] = []

    def __call__(self, verb: str, *more: str) -> Rows:
        """Do something, and return what a scrape shows then."""
        if verb == "count":
            traffic.count(self._tracer, more[0])
            traffic.run(self._tracer, EUROS, 5)
            traffic.run(self._tracer, STEERED, 5)
            traffic.run(self._others.get_tracer("acme.sdk"), CONTRADICTED, 5)
            self._count_later()
        elif verb == "open":
            span = self._tracer.start_span("span", attributes=traffic.INVOCATION)
            self._never_ended.append(span)
        return [
            (sample.name, sorted(sample.labels.items()), sample.value)
            for part in ("metrics", "sketches")
            for family in text_string_to_metric_families(
                exposition(self.processor, part=part)[0].decode()
            )
            for sample in family.samples
        ]

    def _count_later(self) -> None:
        """Add to kinds of blocks of a release that is to come, once each."""
        processor: Any = self.processor
        listings = processor._listings  # noqa: SLF001 - what is to come has no other interface
        for kind in getattr(_schema(), "KINDS", ()):
            if kind.name in LATER:
                block = listings.block(listings.known["acme", "finder"], kind, "search")
                block.cells[0] += 1


def main() -> None:
    """Do as standard input says."""
    worker = Counting(Path(sys.argv[1]))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(worker(*line.split())) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
