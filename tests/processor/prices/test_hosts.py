"""A model at a host costs what it costs there, however the host is told."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from tests.processor.prices.test_price_table import table

from agent_analytics.processor import FilePrices, ModelCall, PublicPrices
from agent_analytics.processor._prices.hosts import host_of, names_of

NOON = round(datetime(2025, 10, 15, 12, tzinfo=UTC).timestamp()) * 10**9
#: Claude Sonnet 4.5 for a million input tokens, in dollars: Anthropic's own, and Bedrock's regions.
OWN, REGION = Decimal(3), Decimal("3.3")
ACCOUNT = "arn:aws:bedrock:eu-central-1:123456789012"


@pytest.fixture(scope="module")
def public() -> PublicPrices:
    """Return the public prices."""
    return PublicPrices()


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        ("aws.bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", REGION),
        ("aws.bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", REGION),
        ("aws.bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", OWN),
        (None, "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", REGION),
        ("anthropic", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", REGION),
        ("langchain", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", REGION),
        (None, "bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", REGION),
        (
            None,
            f"{ACCOUNT}:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            REGION,
        ),
        ("gcp.vertex_ai", "claude-sonnet-4-5@20250929", OWN),
        (None, "publishers/anthropic/models/claude-sonnet-4-5@20250929", OWN),
        (
            "vertex_ai",
            "projects/p/locations/eu/publishers/anthropic/models/claude-sonnet-4-5@20250929",
            OWN,
        ),
        ("azure.ai.inference", "claude-sonnet-4-5", OWN),
        ("anthropic", "claude-sonnet-4-5", OWN),
        ("aws.bedrock", "meta.llama3-1-70b-instruct-v1:0", Decimal("0.72")),
        # Oracle names models as Bedrock does, without a version: whose price is not known.
        ("oci", "meta.llama-3.3-70b-instruct", None),
    ],
)
def test_a_million_tokens(
    public: PublicPrices, provider: str | None, model: str, usd: Decimal | None
) -> None:
    """Bedrock's and Vertex's ids say who serves them, whatever provider stands beside."""
    # In ten calls: a long input has prices of its own.
    found = public.usd(ModelCall(model, provider, input_tokens=100_000, started_ns=NOON))
    assert (None if found is None else found * 10) == usd


def test_an_hour_in_the_cache(public: PublicPrices) -> None:
    """The public list has prices for what is kept for an hour and for five minutes."""
    used = ModelCall("claude-sonnet-4-5", "anthropic", None, 2_000, 0, 0, 2_000, 0, NOON, 1_000)
    assert public.usd(used) == (Decimal("3.75") + Decimal(6)) / 1_000


def test_a_profile_of_ones_own(public: PublicPrices) -> None:
    """What a profile's name does not say, the model that answered does."""
    asked = f"{ACCOUNT}:application-inference-profile/a1b2c3"
    answered = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    used = ModelCall(asked, "aws.bedrock", answered, input_tokens=1_000, started_ns=NOON)
    assert public.usd(used) == REGION / 1_000


def test_a_resource_in_ones_own_table(tmp_path: Path) -> None:
    """A table names models as their ids do; a resource's name has the id at its end."""
    own = FilePrices(table(tmp_path / "t", {"eu.anthropic.*": {"input": 2, "output": 0}}))
    model = f"{ACCOUNT}:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert own.usd(ModelCall(model, input_tokens=1_000_000)) == 2


@pytest.mark.parametrize(
    "model", ["", "gpt-4o", "claude-sonnet-4-5", "anthropic/claude-3", "a.b", "x" * 10_000, "é.é:1"]
)
def test_other_names_say_nothing_of_a_host(model: str) -> None:
    """What is no id of a host names none, and is looked up as it is."""
    assert host_of(model) is None
    assert list(names_of(model, model, None)) == [model]
