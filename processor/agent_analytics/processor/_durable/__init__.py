"""Series that outlive processes: memory-mapped cells in a state directory."""

from agent_analytics.processor._durable._files.directory import DirectoryError
from agent_analytics.processor._durable.ids import SharedIds
from agent_analytics.processor._durable.inspect import SlotReport, inspect_state, service_of
from agent_analytics.processor._durable.shares import SharedShares
from agent_analytics.processor._durable.snapshots import DurableSnapshots
from agent_analytics.processor._durable.store import DurableStore

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
