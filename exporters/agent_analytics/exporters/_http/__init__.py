"""The metrics over HTTP: rendered once, and answered to whoever asks."""

# Before `lines` is imported: the processor's part has it found compiled, or as it is written.
import agent_analytics.processor  # noqa: F401  # pyright: ignore[reportUnusedImport]  # for what it does

__all__: list[str] = []
