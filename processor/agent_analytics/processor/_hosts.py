"""Hosts of models: what a model's name says of who serves it.

One model costs other amounts at other hosts. A name in the form of a host's own ids says which
host that is, whatever provider a span names beside it.
"""

import re
from collections.abc import Iterator
from typing import Final

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
