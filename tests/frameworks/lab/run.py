"""Runs scenarios of one framework, live: what was counted, beside what really happened.

``run.py FRAMEWORK INSTRUMENTATION SCENARIO...`` with ``--output FILE`` for what was counted and
the truth as JSON, and ``--record FOLDER`` for the spans. Each scenario is run twice: bare, and
under the decorator, whose counts go to a listing of its own. Nothing but loopback can be reached.
"""

import argparse
import importlib.util
import ipaddress
import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from types import ModuleType
from typing import Any, cast

# Frameworks that would call home, or wait for an answer from there.
os.environ.update(
    AGNO_TELEMETRY="false",
    ANONYMIZED_TELEMETRY="False",
    HAYSTACK_TELEMETRY_ENABLED="False",
    HF_HUB_OFFLINE="1",
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    TRACELOOP_TELEMETRY="false",
)

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import agent
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor
from lab import Lab, as_it_is
from recorder import Recorder

PUBLISHER, LISTING, DECORATED = "acme", "finder", "decorated"
HERE = Path(__file__).parent


class Loopback:
    """Refuses every connection that leaves this machine, and says where it was to go.

    Attributes:
        refused: The hosts that were asked for.
    """

    def __init__(self) -> None:
        self.refused: set[str] = set()
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        address = arguments[1] if event == "socket.connect" else None
        if event == "socket.getaddrinfo":
            name: str | bytes | None = arguments[0]
        elif isinstance(address, tuple):
            name = cast("tuple[str | bytes, ...]", address)[0]
        else:
            return
        host = name.decode() if isinstance(name, bytes) else str(name or "")
        if host in {"", "localhost"} or _is_loopback(host):
            return
        self.refused.add(host)
        message = f"no network in the lab: {host}"
        raise OSError(message)


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def driver_of(framework: str) -> ModuleType:
    """Return the driver of a framework."""
    path = HERE / "drivers" / (framework.replace("-", "_") + ".py")
    spec = importlib.util.spec_from_file_location("driver_of_" + path.stem, path)
    if spec is None or spec.loader is None:
        message = f"no driver: {path}"
        raise ValueError(message)
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    return driver


def versions_of(packages: list[str]) -> dict[str, str | None]:
    """Return the installed version of each package, None for those that are not there."""
    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def instrument(driver: ModuleType, instrumentation: str, lab: Lab) -> None:
    """Switch on what is to record the runs."""
    if instrumentation == "native":
        if hasattr(driver, "native"):
            driver.native(lab)
        return
    for one in instrumentation.split("+"):
        driver.INSTRUMENT[one](lab)


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as an agent of ours."""
    return agent(publisher_id=PUBLISHER, agent_id=DECORATED)(function)


def arguments() -> argparse.Namespace:
    """Return what the program was called with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("framework")
    parser.add_argument("instrumentation")
    parser.add_argument("scenarios", nargs="+")
    parser.add_argument("--driver", help="whose driver it is, if not the framework's own")
    parser.add_argument("--output", type=Path, help="where to write what was counted, as JSON")
    parser.add_argument("--record", type=Path, help="a folder to write spans and truth to")
    parser.add_argument("--listing", action="store_true", help="the resource names the listing too")
    return parser.parse_args()


def main() -> None:
    """Run the program."""
    options = arguments()
    network = Loopback()
    identity = {v.PUBLISHER_ID: PUBLISHER} | ({v.AGENT_ID: LISTING} if options.listing else {})
    provider = TracerProvider(resource=Resource.create({"service.name": "lab", **identity}))
    processor, recorder = AgentMetricsProcessor(hold_seconds=0), Recorder()
    provider.add_span_processor(processor)
    provider.add_span_processor(recorder)
    trace.set_tracer_provider(provider)
    driver = driver_of(options.driver or options.framework)
    about = {"framework": options.framework, "instrumentation": options.instrumentation}
    runs: list[dict[str, Any]] = []
    for scenario in options.scenarios:
        for around in (as_it_is, decorated):
            lab = Lab(scenario, provider, around=around)
            if not runs:
                instrument(driver, options.instrumentation, lab)
            driver.run(lab)
            provider.force_flush()
            truth = {
                **about,
                "scenario": scenario,
                "versions": versions_of(driver.PACKAGES),
                **lab.truth(),
            }
            runs.append(
                {
                    "scenario": scenario,
                    "decorated": around is decorated,
                    "truth": truth,
                    "exposition": exposition(processor)[0].decode(),
                }
            )
            if options.record and around is as_it_is:
                recorder.save(options.record, truth=truth)
            recorder.forget()
            lab.api.close()
        if options.output:  # after each, so that one that hangs does not take the others with it
            result = {
                "installed": {one.name: one.version for one in distributions()},
                "refused_hosts": sorted(network.refused),
                "runs": runs,
            }
            part = options.output.with_suffix(".part")
            part.write_text(json.dumps(result, indent=1), encoding="utf-8")
            part.replace(options.output)
    sys.stdout.flush()
    # Some frameworks leave threads behind that would keep the process.
    os._exit(0)


if __name__ == "__main__":
    main()
