"""The settings that a service runs with, for who cannot see its environment.

No value of a setting is shown that could be a secret, and no path: whether it is set is enough.
"""

import json
import os
import weakref
from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.exporters._settings import settings as _settings
from agent_analytics.exporters._settings.identity import publisher_named
from agent_analytics.exporters._settings.settings import Settings
from agent_analytics.exporters._settings.variables import PREFIXES
from agent_analytics.processor import AgentMetricsProcessor

_known: Final[weakref.WeakKeyDictionary[Any, Mapping[str, object]]] = weakref.WeakKeyDictionary()


def offer(processor: AgentMetricsProcessor, settings: Settings) -> None:
    """Let the settings of a processor be asked for."""
    _known[processor] = {
        "service_name": _settings.service_name(settings.service_name),
        "hold_seconds": settings.hold_seconds,
        "tenant_key": processor.has_tenant_key,
        "sketches_token": settings.sketches_token is not None,
        "state_dir": settings.state_dir is not None,
        "publisher": publisher_named(),
        "sdk_disabled": settings.sdk_disabled,
        "variables": sorted(name for name in os.environ if name.startswith(PREFIXES)),
    }


def in_use(processor: object) -> str:
    """Return the settings of a processor as JSON; of one that nobody offered, none."""
    return json.dumps(_known.get(processor, {}))
