"""Serves the metrics of a process: alone, or as one of the workers of a state directory."""

import errno
import logging
from contextlib import ExitStack

from agent_analytics.exporters._http.listening import NotServedError, Sharing
from agent_analytics.exporters._http.server import MetricsServer
from agent_analytics.exporters._settings.explained import not_served
from agent_analytics.exporters._settings.settings import Settings
from agent_analytics.exporters._workers.target import SharedTarget
from agent_analytics.processor import AgentMetricsProcessor

_logger = logging.getLogger("agent_analytics")


def serve(
    settings: Settings,
    port: int,
    processor: AgentMetricsProcessor,
    started: ExitStack,
    *,
    needed: bool,
) -> MetricsServer | SharedTarget | None:
    """Serve a processor's metrics until ``started`` is unwound.

    Args:
        settings: What was asked for.
        port: Where to serve; 0 for any free port.
        processor: Whose metrics.
        started: Takes what ends the server.
        needed: Whether to fail where the port is in use.

    Returns:
        The server, or this worker's part in the one of its state directory; None where the port is
        in use and the process goes on without.

    Raises:
        OSError: Nothing can listen there.
    """

    def server(sharing: Sharing = Sharing.ALONE) -> MetricsServer:
        return MetricsServer(
            processor,
            port,
            settings.metrics_host,
            web_config=settings.web_config,
            sharing=sharing,
        )

    if processor.state_dir is not None:
        try:
            target = SharedTarget(processor.state_dir, (settings.metrics_host, port), server)
        except NotServedError as error:
            raise not_served(error, shared=True) from None
        started.callback(target.close)
        return target
    try:
        return started.enter_context(server())
    except NotServedError as error:
        in_use = error.errno == errno.EADDRINUSE
        if in_use and not needed:
            return None
        wrong = not_served(error, shared=False)
        if settings.state_dir is None or not in_use:
            raise wrong from None  # the message says all that the errors below it do
        # The directory cannot be used, which was said: that must not end the service.
        _logger.error("agent-analytics: %s", wrong.strerror)  # noqa: TRY400 - it says it all
        return None
