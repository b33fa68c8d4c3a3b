"""What Prometheus answers, compared with the ledger."""

__all__: list[str] = []
