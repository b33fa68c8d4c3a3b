"""Names of models: which one is billed, and what a name says of who serves it.

One model costs other amounts at other hosts. A name in the form of a host's own ids says which
host that is, whatever provider a span names beside it.
"""

import re
from collections.abc import Iterator
from typing import Final

from agent_analytics.processor._prices.prices import ModelCall

#: Bedrock's ids: a region or none, the vendor, the model; ``eu.anthropic.claude-…-v1:0``. Others
#: (Oracle) name models of a vendor alike, without a version.
_BEDROCK: Final = re.compile(
    r"(?:(?:[a-z]{2}|apac|global|us-gov)\.)?"
    r"(?:(?:amazon|anthropic)\.[a-z0-9]|[a-z0-9]+\.[a-z0-9][\w.-]*:\d)"
)
_ARN: Final = re.compile(r"arn:[\w-]+:(?:bedrock|sagemaker):")
#: Vertex names resources, from the publisher or from the project on.
_VERTEX: Final = re.compile(r"(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models/")
_BEDROCK_PREFIX: Final = "bedrock/"
_VERTEX_PREFIXES: Final = ("vertex_ai/", "vertex/")

#: The date, or the number, of a snapshot at the end of a model's name.
_DATE: Final = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
#: Providers at which models are asked by the names of deployments.
_DEPLOYED: Final = ("azure", "az.ai")


def host_of(model: str) -> str | None:
    """Return the provider that a model's name says serves it, by the public price list's id."""
    name = model.lower()
    if name.startswith(_BEDROCK_PREFIX) or _BEDROCK.match(name) or _ARN.match(name):
        return "aws"
    if name.startswith(_VERTEX_PREFIXES) or _VERTEX.match(name):
        return "google"
    return None


def names_of(*models: str | None) -> Iterator[str]:
    """Yield the names of models, and what a resource's name has at its end, each once."""
    seen: set[str] = set()
    for model in models:
        if model is None:
            continue
        resource = _ARN.match(model) or _VERTEX.match(model)
        for name in (model, model.rpartition("/")[2]) if resource else (model,):
            if name not in seen:
                seen.add(name)
                yield name


def billed_names(call: ModelCall) -> Iterator[str]:
    """Yield the names that a call is priced by: of the model that answered, then of what was asked.

    What was asked may be an alias, a router or a deployment, which are called like any model. A
    snapshot that has no price of its own costs as the model that it is one of.
    """
    answered = call.response_model
    undated = None if answered is None else _DATE.sub("", answered)
    yield from names_of(answered, undated or None, call.model)


def is_deployment(call: ModelCall) -> bool:
    """Tell whether what was asked is the name of a deployment, and not of a model."""
    provider = (call.provider or "").lower()
    return call.response_model is not None and any(name in provider for name in _DEPLOYED)
