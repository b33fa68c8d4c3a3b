"""OpenAI's assistants, of which OpenLLMetry writes a span each time that messages are listed.

Each span repeats the usage of the last run. The id of its last message says which run that was.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent_analytics.processor._dialects import facts as f
from agent_analytics.processor._dialects.dialect import Dialect
from agent_analytics.processor._dialects.facts import Facts

_RUN: Final = "openai.assistant.run"
_MESSAGE: Final = re.compile(r"gen_ai\.(?:response|completion)\.(\d{1,6})\.id")


def _more(facts: Facts, name: str, attributes: Mapping[str, Any]) -> None:
    if facts.role != f.MODEL or not name.startswith(_RUN) or facts.response_id is not None:
        return
    last = -1
    for key, value in attributes.items():
        found = _MESSAGE.fullmatch(key)
        if found is not None and type(value) is str and value and int(found[1]) > last:
            last, facts.response_id = int(found[1]), value


OPENAI_ASSISTANTS: Final = Dialect(
    name="openai-assistants", scopes=("opentelemetry.instrumentation.openai",), more=_more
)
