"""Distinct counts that merge, for whoever makes registers outside a processor."""

from agent_analytics.processor._series.sketch import EPOCH_SECONDS, Hasher, Sketch

__all__ = ["EPOCH_SECONDS", "Hasher", "Sketch"]
