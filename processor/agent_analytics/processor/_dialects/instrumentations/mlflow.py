"""MLflow's tracing, which writes every value as JSON, texts in quotes."""

from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects._shared.input_row import Basis, Input
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_TYPE: Final = "mlflow.spanType"
_ROLES: Final = {"AGENT": f.AGENT, "TOOL": f.TOOL, "LLM": f.MODEL, "CHAT_MODEL": f.MODEL}
_MODEL: Final = "mlflow.llm.model"
_PROVIDER: Final = "mlflow.llm.provider"


def _what(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    del name
    kind = _text(attributes, _TYPE)
    if kind is not None:
        facts.role = _ROLES.get(kind, f.OTHER)


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    del name
    if facts.role == f.MODEL:
        facts.model = facts.model or _text(attributes, _MODEL)
        facts.provider = facts.provider or _text(attributes, _PROVIDER)


def _text(attributes: Mapping[str, Any], key: str) -> str | None:
    value = attributes.get(key)
    return value.strip('"') or None if type(value) is str else None


MLFLOW: Final = Dialect(
    name="mlflow",
    scopes=("mlflow",),
    cost_objects=("mlflow.llm.cost",),
    # What it keeps of usage is put into the words of the conventions.
    inputs=(Input("mlflow", Basis.WITHIN),),
    what=_what,
    more=_more,
)
