"""What Prometheus answers of the past, compared with the ledger."""

__all__: list[str] = []
