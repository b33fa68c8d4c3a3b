"""Model calls: which spans that are marked as ones are none, and what model the others asked.

Instrumentations of a client often mark whatever it requests as a model call: that it lists models,
moderates a text, uploads a file, embeds, counts tokens, fills a cache. Such a request has no
answer of a model; what it returns is not paid for as one.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects.facts import Facts
from agent_analytics.processor._dialects.registry import joined

#: Beginnings of attributes that only a call of a model has: what it was asked, and how, an answer.
_CHOICES: Final[tuple[str, ...]] = joined("only_calls")
#: Attributes with what a call was asked with, as text.
_PARAMETERS: Final[tuple[str, ...]] = joined("parameters")
_REQUEST: Final = "gen_ai.request."
#: Names of the model among them, the most believed first.
_MODELS: Final = (
    "model", "model_name", "model_id", "modelId", "ls_model_name", "deployment_name",
    "azure_deployment", "deployment", "engine",
)  # fmt: skip
#: A longer text is not parsed.
_LONGEST: Final = 100_000
#: Models that answer with numbers or verdicts on texts, and generate nothing.
_NO_ANSWER: Final = re.compile(r"embed|moderation|rerank", re.IGNORECASE)
#: Methods that such a request's span is named after, last.
_METHOD: Final = re.compile(
    r"(?:^|[.:/ ])(?:"
    r"(?:a|async_?)?(?:list_?models|models?[._](?:list|retrieve|get|delete))"
    r"|moderations?(?:[._]create)?|moderate"
    r"|(?:text_)?embed(?:ding)?s?(?:_content|[._]create)?|create_?embeddings?"
    r"|(?:messages[._])?count_?tokens|compute_?tokens|tokenize"
    r"|create_?cache(?:d_?content)?|caches?[._](?:create|update|get|list|delete)"
    r"|files?[._](?:create|upload|list|retrieve|content|delete|get)|upload_?file"
    r"|fine_?tuning(?:[._]jobs?)?(?:[._]\w+)?|tunings?[._]\w+"
    r"|batch(?:es)?[._](?:create|retrieve|list|cancel|get|delete)"
    r"|vector_?stores?[._]\w+|rerank)(?:$| )",
    re.IGNORECASE,
)
#: Types of results that it is named after, alone.
_RESULT: Final = re.compile(
    r"(?:Model|Batch|FileObject|FineTuningJob|VectorStore\w*)(?:Deleted)?|HttpxBinaryResponseContent"
    r"|(?:ModerationCreate|CreateEmbedding|InputTokenCount)Response|MessageTokensCount"
    r"|(?:Sync|Async)?\w*Page(?:\[.*\])?"
)
_LONGEST_NAME: Final = 256
_REMEMBERED: Final = 1_000


def doubt(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    """Take what is only marked as a model call for none.

    Args:
        facts: What is known of the span; changed where it asks a model for no answer.
        name: The span's.
        attributes: The span's.
    """
    facts.bare = facts.speaks and _is_bare(facts, attributes)
    if _is_no_call(name, facts.model):
        facts.role, facts.tokens = f.OTHER, None


def _is_no_call(name: str, model: object) -> bool:
    """Tell whether a request is no call by its model, or by what its span is named after."""
    if type(model) is str and _answers_nothing(model[:_LONGEST_NAME]):
        return True
    return len(name) <= _LONGEST_NAME and _is_called_otherwise(name)


@lru_cache(_REMEMBERED)
def _answers_nothing(model: str) -> bool:
    return _NO_ANSWER.search(model) is not None


@lru_cache(_REMEMBERED)
def _is_called_otherwise(name: str) -> bool:
    return _METHOD.search(name) is not None or _RESULT.fullmatch(name) is not None


def _is_bare(facts: Facts, attributes: Mapping[str, Any]) -> bool:
    """Tell whether a span that is marked as a model call says nothing that only one would."""
    if facts.model is not None or facts.tokens is not None or facts.first_chunk is not None:
        return False
    return not any(key.startswith(_CHOICES) for key in attributes)


def model_in_parameters(attributes: Mapping[str, Any]) -> str | None:
    """Return the model that a call was asked with, where only its parameters name one."""
    for key in _PARAMETERS:
        found = _model_in(attributes.get(key))
        if found is not None:
            return found
    for key, value in attributes.items():
        if key.startswith(_REQUEST):
            found = _model_in(value)
            if found is not None:
                return found
    return None


def _model_in(text: object) -> str | None:
    if type(text) is not str or len(text) > _LONGEST or not text.lstrip().startswith("{"):
        return None
    try:
        parsed: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    parameters = cast("Mapping[str, Any]", parsed)
    for key in _MODELS:
        model = parameters.get(key)
        if type(model) is str and model:
            return model
    return None
