"""Fork again and again while another thread is inside the processor.

Writes what the parent has counted itself, how many children came to their end, and how many
invocations the last exposition shows. Arguments: the state directory (or ``memory``), forks, and
how many seconds a child may take.
"""

import json
import os
import signal
import sys
import threading
import time

from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor


def main() -> None:
    """Count in a thread, fork in another one."""
    state, forks, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    processor = AgentMetricsProcessor(0, None if state == "memory" else state)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("forking")

    def invoke(agent: str) -> None:
        attributes = {
            v.OPERATION_NAME: v.INVOKE_AGENT,
            v.PUBLISHER_ID: "acme",
            v.AGENT_ID: agent,
            v.AGENT_NAME: agent,
            v.TENANT_ID: str(time.time_ns()),
        }
        tracer.start_span("s", attributes=attributes).end()

    def total() -> float:
        return sum(
            float(line.rpartition(" ")[2])
            for line in exposition(processor)[0].decode().splitlines()
            if line.startswith("marketplace_agent_invocations_total{")
        )

    over = threading.Event()
    counted = [0]

    def count(number: int) -> None:
        while not over.is_set():
            invoke(f"agent-{counted[number] % 20}")
            counted[number] += 1
            if counted[number] % 20 == 0:
                total()
                time.sleep(0.003)  # so that forks get their turn

    threads = [threading.Thread(target=count, args=(number,)) for number in range(1)]
    for thread in threads:
        thread.start()
    ended = wrong = 0
    for _ in range(forks):
        with tracer.start_as_current_span("around"):
            pid = os.fork()
            if pid == 0:
                signal.setitimer(
                    signal.ITIMER_REAL, patience
                )  # a deadlock ends in a death by signal
                before = total()
                invoke("child")
                grew = total() - before
                # In memory nobody else adds; with a state directory the parent may have.
                os._exit(0 if grew == 1 or (state != "memory" and grew > 1) else 1)
        status = os.waitpid(pid, 0)[1]
        ended += status == 0
        wrong += os.WIFEXITED(status) and status != 0
    over.set()
    for thread in threads:
        thread.join()
    json.dump({"own": sum(counted), "ended": ended, "wrong": wrong, "shown": total()}, sys.stdout)


if __name__ == "__main__":
    main()
