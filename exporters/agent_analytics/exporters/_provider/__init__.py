"""Where the pipeline hooks into OpenTelemetry."""

__all__: list[str] = []
