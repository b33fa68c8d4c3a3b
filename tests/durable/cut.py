"""A worker whose state directory is attacked: counts as it is told, and says what it has counted.

Lines on stdin are commands: ``count N`` runs invocations, ``scrape`` answers their sum as shown,
``tools N`` opens blocks, ``event ID`` records an event twice and answers how many count,
``busy`` counts in a thread until the next line, ``upkeep`` does what each second does, and
``still`` lets none pass any more. ``failing`` answers how many workers the directory fails,
``tools-seen`` the calls of tools, and ``room`` says how large a file may become. ``faulthandler``
has tracebacks of faults printed. Logs go to stderr.
"""

import faulthandler
import logging
import resource
import sys
import threading
from pathlib import Path

from tests.durable.conftest import Worker

from agent_analytics.instrumentation import vocabulary as v


def main() -> None:  # noqa: C901, PLR0912 - one branch for each command
    """Do what is asked, until there is nothing more to read."""
    logging.basicConfig(level=logging.INFO)
    one = Worker(Path(sys.argv[1]), service="shop")
    counted = 0

    def count(number: int) -> None:
        nonlocal counted
        for _ in range(number):
            one.invoke(marketplace_tenant_id=f"t-{counted % 50}")
            counted += 1

    def tools(number: int) -> None:
        for index in range(number):
            one.span(
                {
                    v.OPERATION_NAME: v.EXECUTE_TOOL,
                    v.TOOL_NAME: f"tool-{index}",
                    v.PUBLISHER_ID: "acme",
                    v.AGENT_ID: f"agent-{index % 20}",
                }
            )

    busy: threading.Thread | None = None
    over = threading.Event()

    def count_on() -> None:
        while not over.is_set():
            count(1)

    for line in sys.stdin:
        if busy is not None:
            over.set()
            busy.join()
            busy = None
            over.clear()
        command, *numbers = line.split()
        if command == "count":
            count(int(numbers[0]))
        elif command == "tools":
            tools(int(numbers[0]))
        elif command == "busy":
            busy = threading.Thread(target=count_on)
            busy.start()
        elif command == "upkeep":
            one.upkeep()
        elif command == "still":
            one.still()
        elif command == "event":
            for _ in range(2):
                one.event("install", numbers[0])
        elif command == "faulthandler":
            faulthandler.enable()
        elif command == "room":
            most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(numbers[0]) or most, most))
        shown: float | None = -1.0
        if command == "failing":
            shown = one.value("agent_analytics_state_failing")
        if command == "tools-seen":
            shown = one.value("tool_calls_total")
        if command in {"scrape", "event"}:
            shown = one.value(f"{'invocations' if command == 'scrape' else 'installs'}_total")
        sys.stdout.write(f"{counted} {shown or 0:.0f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
