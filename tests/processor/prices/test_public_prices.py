"""The public price list: what it says of a call is what a call costs, as computed by hand."""

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import genai_prices
import pytest
from genai_prices import data_snapshot
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, StartDateConstraint
from tests.patience import patience

from agent_analytics.processor import ModelCall, PublicPrices

MILLION = 1_000_000
#: A Wednesday that no price of the list begins at.
NOON = datetime(2025, 10, 15, 12, tzinfo=UTC)


def ns(time: datetime) -> int:
    """Return a time in nanoseconds since 1970."""
    return round(time.timestamp()) * 10**9


def entry(provider: str, model: str) -> ModelInfo:
    """Return what the list says of a model."""
    (found,) = (
        one for p in get_snapshot().providers if p.id == provider for one in p.models
        if one.id == model
    )  # fmt: skip
    return found


def listed(provider: str, model: str, time: datetime = NOON) -> dict[str, Any]:
    """Return the numbers of the list's own."""
    return vars(entry(provider, model).get_prices(time))


@pytest.fixture(scope="module")
def public() -> PublicPrices:
    """Return the public prices."""
    return PublicPrices()


@pytest.mark.parametrize(
    ("provider", "model", "kinds"),
    [
        ("openai", "gpt-4o", {"cache_read_mtok"}),
        ("openai", "gpt-4o-mini", {"cache_read_mtok"}),
        ("anthropic", "claude-sonnet-4-0", {"cache_read_mtok", "cache_write_mtok"}),
        ("anthropic", "claude-opus-4-1", {"cache_read_mtok", "cache_write_mtok"}),
        ("google", "gemini-2.0-flash", {"cache_read_mtok"}),
    ],
)
def test_by_hand(public: PublicPrices, provider: str, model: str, kinds: set[str]) -> None:
    """Fresh, cached, written and output tokens cost what the list says of each, once."""
    price = listed(provider, model)
    assert kinds <= price.keys()
    fresh, cached, written, output = 90_000, 7_001, 303, 1_234
    used = ModelCall(
        model, provider, None, fresh + cached + written, output, cached, written, 1_000, ns(NOON)
    )
    wanted = (
        price["input_mtok"] * fresh
        + price["cache_read_mtok"] * cached
        + price.get("cache_write_mtok", price["input_mtok"]) * written
        + price["output_mtok"] * output
    ) / MILLION
    assert public.usd(used) == wanted


@pytest.mark.parametrize(("sent", "tier"), [(200_000, False), (200_001, True)])
def test_a_long_input_is_in_its_tier(public: PublicPrices, sent: int, *, tier: bool) -> None:
    """Beyond its tier's start the whole call costs as the tier says."""
    price = listed("google", "gemini-2.5-pro")
    assert price["input_mtok"].tiers[0].start == 200_000

    def of(kind: str) -> Decimal:
        found: Decimal = price[kind].tiers[0].price if tier else price[kind].base
        return found

    wanted = (
        of("input_mtok") * (sent - 1_000) + of("cache_read_mtok") * 1_000 + of("output_mtok") * 500
    ) / MILLION
    used = ModelCall("gemini-2.5-pro", "google", None, sent, 500, 1_000, 0, 0, ns(NOON))
    assert public.usd(used) == wanted


def test_every_model_of_the_list(public: PublicPrices) -> None:
    """Each costs what the package itself computes, or is unknown where tokens have no price."""
    random = Random(4)
    compared = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            time = random.choice((NOON, NOON.replace(hour=2), datetime(2024, 1, 1, tzinfo=UTC)))
            sent, received = random.randrange(1, 400_000), random.randrange(1, 9_000)
            cached = random.randrange(sent)
            written = random.randrange(sent - cached)
            thought = random.randrange(received)
            usd = public.usd(
                ModelCall(
                    model.id, provider.id, None, sent, received, cached, written, thought, ns(time)
                )
            )
            usage = genai_prices.Usage(
                input_tokens=sent,
                output_tokens=received,
                cache_read_tokens=cached,
                cache_write_tokens=written,
                output_reasoning_tokens=thought,
            )
            try:
                theirs = genai_prices.calc_price(
                    usage, model.id, provider_id=provider.id, genai_request_timestamp=time
                )
            except LookupError:
                assert usd is None
                continue
            keys = vars(theirs.model_price)
            if keys.get("input_mtok") is None or keys.get("output_mtok") is None:
                assert usd is None, (provider.id, model.id)
            else:
                assert usd == theirs.total_price, (provider.id, model.id)
                compared += 1
    assert compared > 1_000


def test_prices_are_those_of_the_time_of_the_call(public: PublicPrices) -> None:
    """A price counts from the day that it begins, and the one before it until then."""
    seen = 0
    for provider in get_snapshot().providers:
        for model in provider.models:
            if isinstance(model.prices, ModelPrice):
                continue
            for one in model.prices:
                if not isinstance(one.constraint, StartDateConstraint):
                    continue
                start = datetime.combine(one.constraint.start_date, datetime.min.time(), UTC)
                costs: list[Decimal | None] = []
                for time in (start - timedelta(seconds=1), start):
                    price = vars(model.get_prices(time))
                    usd = public.usd(
                        ModelCall(model.id, provider.id, None, 1_000, started_ns=ns(time))
                    )
                    if isinstance(price.get("input_mtok"), Decimal) and len(price) == 2:
                        assert usd == price["input_mtok"] / 1_000, model.id
                    costs.append(usd)
                seen += costs[0] != costs[1]
    assert seen > 5


@pytest.mark.parametrize(
    ("told", "provider", "model"),
    [
        ("openai", "openai", "gpt-4o"),
        ("anthropic", "anthropic", "claude-sonnet-4-0"),
        ("aws.bedrock", "aws", "amazon.nova-pro-v1:0"),
        ("azure.ai.openai", "azure", "phi-4"),
        ("az.ai.inference", "azure", "phi-4"),
        ("gcp.gemini", "google", "gemini-2.0-flash"),
        ("gcp.gen_ai", "google", "gemini-2.0-flash"),
        ("gcp.vertex_ai", "google", "gemini-2.0-flash"),
        ("mistral_ai", "mistral", "mistral-large-latest"),
        ("groq", "groq", "llama-3.3-70b-versatile"),
        ("x_ai", "x-ai", "grok-3"),
        ("OpenAI", "openai", "gpt-4o"),
        # the AI SDK of Vercel, with the interface after a dot
        ("groq.chat", "groq", "llama-3.3-70b-versatile"),
        ("perplexity.chat", "perplexity", "sonar-pro"),
        ("xai.chat", "x-ai", "grok-3"),
        ("google.vertex.chat", "google", "gemini-2.0-flash"),
    ],
)
def test_providers_by_the_names_that_spans_give_them(
    public: PublicPrices, told: str, provider: str, model: str
) -> None:
    """Each is the one of the list; it is known by that it lacks models of others."""
    price = public.usd(ModelCall(model, told, None, MILLION, started_ns=ns(NOON)))
    theirs = genai_prices.calc_price(
        genai_prices.Usage(input_tokens=MILLION), model, provider_id=provider,
        genai_request_timestamp=NOON,
    )  # fmt: skip
    assert theirs.provider.id == provider
    assert price == theirs.total_price
    assert public.usd(ModelCall("no-such-model", told, None, MILLION)) is None


def test_one_model_at_two_providers(public: PublicPrices) -> None:
    """The same name has the price of the provider that the span names."""
    providers = {one.id: one for one in get_snapshot().providers}
    at_groq = {one.id for one in providers["groq"].models}
    shared = [one.id for one in providers["openrouter"].models if one.id in at_groq]
    differing = 0
    for name in shared:
        costs: list[Decimal | None] = []
        for provider in ("groq", "openrouter"):
            price = listed(provider, name)
            if isinstance(price.get("input_mtok"), Decimal):
                costs.append(
                    public.usd(ModelCall(name, provider, None, MILLION, 0, 0, 0, 0, ns(NOON)))
                )
                assert costs[-1] == price["input_mtok"]
        differing += len(set(costs)) == 2
    assert differing


@pytest.mark.parametrize(
    ("name", "provider", "same"),
    [
        ("gpt-4o", None, ("gpt-4o", "openai")),
        ("gpt-4o", "mine", ("gpt-4o", "openai")),
        ("gpt-4o-2024-08-06", None, ("gpt-4o", "openai")),
        ("openai/gpt-4o", None, ("gpt-4o", "openai")),
        ("openai/gpt-4o", "litellm", ("gpt-4o", "openai")),
        ("openai/gpt-4o", "openai", ("gpt-4o", "openai")),
        ("models/gemini-2.0-flash", None, ("gemini-2.0-flash", "google")),
        ("gemini/gemini-2.0-flash", None, ("gemini-2.0-flash", "google")),
        ("gemini-2.0-flash", "p" * 1_000, ("gemini-2.0-flash", "google")),
    ],
)
def test_other_names_of_a_model(
    public: PublicPrices, name: str, provider: str | None, same: tuple[str, str]
) -> None:
    """A provider that nobody knows says nothing; then the name alone tells."""
    wanted = public.usd(ModelCall(*same, None, MILLION, MILLION))
    assert wanted is not None
    assert public.usd(ModelCall(name, provider, None, MILLION, MILLION)) == wanted


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("easel-xl", None),
        ("", None),
        ("deepseek-chat", "openai"),  # somewhere behind the same interface, at whatever price
        ("deepseek-ai/DeepSeek-V3", None),
        ("gpt-4o" + "x" * 300, None),
        ("mai-ds-r1:free", "azure"),  # in the list, without a price
        ("whisper-large-v3", "groq"),  # priced by the hour
    ],
)
def test_what_has_no_price(public: PublicPrices, name: str, provider: str | None) -> None:
    """Nothing is guessed, and nothing is free that the list does not call free."""
    assert public.usd(ModelCall(name, provider, None, MILLION, MILLION)) is None


def test_the_model_that_answered(public: PublicPrices) -> None:
    """The model that answered is billed: a deployment, an alias or a router may be called alike."""
    for asked in ("our-deployment", "gpt-4o", "o3-mini"):
        named = ModelCall(asked, "azure", "o3-mini", MILLION)
        assert public.usd(named) == public.usd(ModelCall("o3-mini", "azure", None, MILLION))
    routed = ModelCall("gpt-4o-mini", "openai", "gpt-4o-2024-08-06", MILLION)
    assert public.usd(routed) == public.usd(ModelCall("gpt-4o", "openai", None, MILLION))


def test_an_answer_of_a_model_without_a_price(public: PublicPrices) -> None:
    """Where the name of what answered has no price, what was asked has."""
    asked = ModelCall("gpt-4o-mini", "openai", "fp_44709d6fcb", MILLION)
    assert public.usd(asked) == public.usd(ModelCall("gpt-4o-mini", "openai", None, MILLION))


@pytest.mark.parametrize("started_ns", [-(10**30), 10**30, 0, None])
def test_a_time_out_of_this_world(public: PublicPrices, started_ns: int | None) -> None:
    """Whatever a span says of its start, the call has a price."""
    assert public.usd(ModelCall("gpt-4o", None, None, MILLION, started_ns=started_ns)) is not None


# --- the package beneath --------------------------------------------------------------------------


@pytest.fixture
def own_snapshot() -> Iterator[None]:
    """Put the package's own list back."""
    yield
    data_snapshot.set_custom_snapshot(None)


@pytest.mark.usefixtures("own_snapshot")
def test_a_list_that_the_program_keeps_up_to_date() -> None:
    """Prices that the program itself has set in the package count from then on."""
    public = PublicPrices()
    used = ModelCall("gpt-4o", "openai", None, MILLION)
    before = public.usd(used)
    (openai,) = (one for one in get_snapshot().providers if one.id == "openai")
    cheap = ModelInfo(
        id="gpt-4o",
        match=entry("openai", "gpt-4o").match,
        prices=ModelPrice(input_mtok=Decimal("0.01"), output_mtok=Decimal(1)),
    )
    newer = type(openai)(
        id="openai", name="OpenAI", api_pattern="", model_match=openai.model_match, models=[cheap]
    )
    data_snapshot.set_custom_snapshot(DataSnapshot(providers=[newer], from_auto_update=True))
    assert public.usd(used) == Decimal("0.01")
    data_snapshot.set_custom_snapshot(None)
    assert public.usd(used) == before


def test_nothing_is_asked_of_the_network() -> None:
    """Neither loading nor asking opens a socket or starts a thread."""
    code = (
        "import sys, threading\n"
        "def hook(event, args):\n"
        "    if event.startswith('socket.') and event != 'socket.gethostname':\n"
        "        print(event, flush=True)\n"
        "sys.addaudithook(hook)\n"
        "from agent_analytics.processor import ModelCall, PublicPrices\n"
        "public = PublicPrices()\n"
        "print(public.usd(ModelCall('gpt-4o', 'openai', None, 1000)) is not None)\n"
        "print(threading.active_count())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        timeout=patience(), env={**os.environ, "OTEL_SDK_DISABLED": "true"},
    )  # fmt: skip
    assert found.stdout.split() == ["True", "1"]


def test_names_without_end_fill_no_memory() -> None:
    """A publisher with ever new names of models leaves no more behind than a few thousand."""
    public = PublicPrices()

    def ask(first: int, last: int) -> None:
        for number in range(first, last):
            # The package knows names like this one, and would keep each that it was asked.
            assert public.usd(ModelCall(f"claude-3-5-sonnet-{number}", input_tokens=1))
            assert public.usd(ModelCall(f"{'x' * 150}{number}", input_tokens=1)) is None

    tracemalloc.start()
    try:
        ask(0, 3_000)
        full = tracemalloc.get_traced_memory()[0]
        ask(3_000, 9_000)
        assert tracemalloc.get_traced_memory()[0] < full * 1.1
    finally:
        tracemalloc.stop()
