"""Public prices of models, as the package ``genai-prices`` ships them."""

from __future__ import annotations  # an optional package names types here

from datetime import UTC, datetime
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agent_analytics.processor._prices.hosts import billed_names, host_of
from agent_analytics.processor._prices.prices import EXACT, ModelCall, Rates

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, Provider, TieredPrices

#: Names that are remembered with what they were found to mean; the rest is looked up anew.
_REMEMBERED: Final = 4_096
#: A longer name is no model's.
_LONGEST: Final = 200
_NANO: Final = 1_000_000_000
_THOUSAND: Final = Decimal(1_000)
#: Providers whose names in spans the price list lacks, or takes for another provider's.
_PROVIDERS: Final = {
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock": "aws",
    "fireworks_ai": "fireworks",
    "gcp.gen_ai": "google",
    "gemini": "google",
    "vertex_ai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
_MODELS: Final = "models/"
#: What the AI SDK of Vercel puts between a provider and its interface (``groq.chat``).
_INTERFACE: Final = "."


class PublicPrices:
    """Prices that the package ``genai-prices`` ships; it asks no network.

    A program that keeps that package up to date by itself (its ``UpdatePrices``) has its prices
    used. Prices are those of the time of the call. Where the span names a provider that the list
    knows, only that provider's prices count; else the model's name says whose it is.

    Raises:
        ImportError: The extra ``prices`` is not installed.

    Attributes:
        public: What instrumentations state of the cost of a call is believed before it.
    """

    public: Final = True

    def __init__(self) -> None:
        from genai_prices import data_snapshot  # noqa: PLC0415 - an optional extra

        self._package = data_snapshot
        self._list = data_snapshot.get_snapshot()
        self._find = lru_cache(_REMEMBERED)(_Finder(self._list).find)

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return what a call cost, see ``Prices``."""
        newest = self._package.get_snapshot()
        if newest is not self._list:
            self._list = newest
            self._find = lru_cache(_REMEMBERED)(_Finder(newest).find)
        provider = call.provider
        if provider is not None and len(provider) > _LONGEST:
            provider = None
        names = [name for name in billed_names(call) if len(name) <= _LONGEST]
        host = next((host for name in names if (host := host_of(name)) is not None), provider)
        for model in names:
            found = self._find(model, host)
            if found is not None:
                cost = _usd(found, call)
                if cost is not None:
                    return cost
        return None


class _Finder:
    """Finds models in a price list.

    Past the list's own way in, which remembers every name it was ever asked.
    """

    def __init__(self, prices: DataSnapshot) -> None:
        from genai_prices.data_snapshot import (  # noqa: PLC0415 - an optional extra
            find_provider_by_id,
        )

        self._providers = prices.providers
        self._by_id = {provider.id: provider for provider in prices.providers}
        self._provider_of = find_provider_by_id

    def find(self, model: str, provider: str | None) -> ModelInfo | None:
        """Return the model that a name means at a provider, or ``None``."""
        if provider is not None:
            provider = provider.lower()
            found = self._provider(provider) or self._provider(provider.partition(_INTERFACE)[0])
            if found is not None:
                return self._at(found, model, model.rpartition("/")[2])
        prefix, _, rest = model.lower().partition("/")
        if rest:
            found = self._by_id.get(_PROVIDERS.get(prefix, prefix))
            if found is not None:
                return self._at(found, rest, model)
        if _MODELS in model:  # as Google names them
            model = model.rpartition(_MODELS)[2]
        name = model.lower()
        for one in self._providers:
            if one.model_match is not None and one.model_match.is_match(name):
                return self._at(one, name)
        return None

    def _provider(self, name: str) -> Provider | None:
        return self._provider_of(self._providers, _PROVIDERS.get(name, name))

    def _at(self, provider: Provider, *names: str) -> ModelInfo | None:
        for name in dict.fromkeys(names):
            found = provider.find_model(name, all_providers=self._providers)
            if found is not None:
                return found
        return None


def _usd(model: ModelInfo, call: ModelCall) -> Decimal | None:
    # Past the attributes, which are slow for a price that is not there.
    price = vars(model.get_prices(_time(call.started_ns))).get
    sent = call.input_tokens
    fresh, output = price("input_mtok"), price("output_mtok")
    if (fresh is None and sent) or (output is None and call.output_tokens):
        return None  # priced by another measure, or listed without a price
    inputs = _rate(fresh, sent)
    outputs = _rate(output, sent)
    written = _rate(price("cache_write_mtok"), sent, inputs)
    rates = Rates(
        inputs,
        _rate(price("cache_read_mtok"), sent, inputs),
        written,
        outputs,
        _rate(price("output_reasoning_mtok"), sent, outputs),
        _rate(price("cache_write_1h_mtok"), sent, written),
    )
    with localcontext(EXACT):
        return rates.usd(call) + _rate(price("requests_kcount"), sent) / _THOUSAND


def _rate(
    price: Decimal | TieredPrices | None, sent: int, instead: Decimal = Decimal(0)
) -> Decimal:
    """Return a price, of its tiers the one that so large an input reaches."""
    if price is None:
        return instead
    if isinstance(price, Decimal):
        return price
    reached = price.base
    for tier in price.tiers:
        if sent > tier.start:
            reached = tier.price
    return reached


def _time(started_ns: int | None) -> datetime:
    if started_ns is not None:
        try:
            return datetime.fromtimestamp(started_ns / _NANO, UTC)
        except (ValueError, OverflowError, OSError):
            pass  # a time that no calendar has
    return datetime.now(UTC)
