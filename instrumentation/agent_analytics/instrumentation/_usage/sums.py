"""Usage put together: of the chunks of one call, of the calls of a run, and of what sums it up."""

from collections.abc import Iterable

from agent_analytics.instrumentation._usage.usage import TOKENS, Usage


def merge(old: Usage | None, new: Usage | None) -> Usage | None:
    """Return the larger of each number, as running totals of one call are put together."""
    if old is None or new is None:
        return old or new
    return Usage(
        max(old.input_tokens, new.input_tokens),
        max(old.output_tokens, new.output_tokens),
        max(old.cached_input_tokens, new.cached_input_tokens),
        max(old.reasoning_tokens, new.reasoning_tokens),
        old.model or new.model,
        max(old.cache_write_input_tokens, new.cache_write_input_tokens),
        max(old.cache_write_1h_input_tokens, new.cache_write_1h_input_tokens),
        old.provider or new.provider,
        max(
            (cost for cost in (old.stated_nano, new.stated_nano) if cost is not None), default=None
        ),
    )


def plus(old: Usage | None, new: Usage) -> Usage:
    """Return the sum of two."""
    if old is None:
        return new
    return Usage(
        old.input_tokens + new.input_tokens,
        old.output_tokens + new.output_tokens,
        old.cached_input_tokens + new.cached_input_tokens,
        old.reasoning_tokens + new.reasoning_tokens,
        old.model or new.model,
        old.cache_write_input_tokens + new.cache_write_input_tokens,
        old.cache_write_1h_input_tokens + new.cache_write_1h_input_tokens,
        old.provider or new.provider,
        _plus_cost(old.stated_nano, new.stated_nano),
    )


def _plus_cost(old: int | None, new: int | None) -> int | None:
    return new if old is None else old + (new or 0)


def _beyond(run: Usage, parts: Usage) -> Usage | None:
    """Return what a run used beyond what is known of its calls."""
    rest = Usage(
        max(0, run.input_tokens - parts.input_tokens),
        max(0, run.output_tokens - parts.output_tokens),
        max(0, run.cached_input_tokens - parts.cached_input_tokens),
        max(0, run.reasoning_tokens - parts.reasoning_tokens),
        run.model,
        max(0, run.cache_write_input_tokens - parts.cache_write_input_tokens),
        max(0, run.cache_write_1h_input_tokens - parts.cache_write_1h_input_tokens),
        run.provider,
        None
        if run.stated_nano is None
        else max(0, run.stated_nano - (parts.stated_nano or 0)) or None,
    )
    return rest if any(rest[:TOKENS]) else None


def of_run(old: tuple[Usage, ...], new: tuple[Usage, ...]) -> tuple[Usage, ...]:
    """Return what sums up a run, of two things that do: the larger of each number."""
    if len(old) <= 1 and len(new) <= 1:
        merged = merge(*old or (None,), *new or (None,))
        return () if merged is None else (merged,)
    by_model = {usage.model: usage for usage in old}
    for usage in new:
        merged = merge(by_model.get(usage.model), usage)
        if merged is not None:
            by_model[usage.model] = merged
    return tuple(by_model.values())


def with_run(calls: list[Usage], run: tuple[Usage, ...]) -> list[Usage]:
    """Return the usage of a run's calls and, as far as it goes beyond it, what sums them up.

    A sum that says more of the models or the cost, and of no fewer tokens, stands in their place.
    """
    if not run:
        return calls
    models = {usage.model for usage in calls if usage.model is not None}
    if len(models) == 1:
        (model,) = models
        run = tuple(usage._replace(model=usage.model or model) for usage in run)
    whole, parts = _sum(run), _sum(calls)
    if whole is None or parts is None:
        return calls or list(run)
    says_more = len(run) > 1 or (whole.stated_nano is not None and parts.stated_nano is None)
    if says_more and all(
        more >= less for more, less in zip(_ends(whole), _ends(parts), strict=True)
    ):
        return list(run)
    rest = _beyond(whole._replace(model=run[0].model if len(run) == 1 else None), parts)
    return calls if rest is None else [*calls, rest]


def _ends(usage: Usage) -> tuple[int, int]:
    return usage.input_tokens, usage.output_tokens


def _sum(usages: Iterable[Usage]) -> Usage | None:
    whole: Usage | None = None
    for usage in usages:
        whole = plus(whole, usage)
    return whole
