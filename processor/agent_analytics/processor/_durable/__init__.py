"""Series that outlive processes: memory-mapped cells in a state directory."""

from agent_analytics.processor._durable._directory import DirectoryError
from agent_analytics.processor._durable._ids import SharedIds
from agent_analytics.processor._durable._inspect import SlotReport, inspect_state, service_of
from agent_analytics.processor._durable._shares import SharedShares
from agent_analytics.processor._durable._snapshots import DurableSnapshots
from agent_analytics.processor._durable._store import DurableStore

__all__ = [
    "DirectoryError",
    "DurableSnapshots",
    "DurableStore",
    "SharedIds",
    "SharedShares",
    "SlotReport",
    "inspect_state",
    "service_of",
]
