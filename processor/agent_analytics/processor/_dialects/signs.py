"""Telling at a glance whether a span may be one of an agent.

Asked when a span starts that states no operation of an agent, as most spans of a host, so it has to
cost next to nothing: the verdict on an instrumentation scope is remembered, and only where there is
none are the keys looked at.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from agent_analytics.instrumentation.exact import exact_text
from agent_analytics.processor._dialects.instrumentations.others import OTHERS
from agent_analytics.processor._dialects.registry import DIALECTS, begins, joined

#: Any of these on a span says that an agent, a tool or a model is at work.
TELLING: Final[frozenset[str]] = frozenset(joined("signs"))
_NAMES: Final = ("invoke_agent", "execute_tool", "invoke_workflow")
_SCOPES: Final[tuple[str, ...]] = joined("scopes")
_AGENTS: Final[tuple[tuple[str, str], ...]] = joined("starts_agent")
#: Frameworks by other names of instrumentations of them.
FRAMEWORKS: Final[Mapping[str, str]] = {
    name: framework
    for dialect in DIALECTS
    for name, framework in (dialect.frameworks or {}).items()
}
_SUCCESS: Final = tuple(
    scope for dialect in DIALECTS if dialect.states_success for scope in dialect.scopes
)
_INSTRUMENTATIONS: Final = "opentelemetry.instrumentation."
#: Instrumentations of everything but agents, which most spans of a service come from. (Not
#: botocore: it speaks of models.)
_NEVER: Final = tuple(
    _INSTRUMENTATIONS + name
    for name in (
        "aio_pika", "aiohttp_client", "aiohttp_server", "aiokafka", "aiopg", "asgi", "asyncclick",
        "asyncio", "asyncpg", "aws_lambda", "boto3sqs", "cassandra", "celery", "click",
        "confluent_kafka", "dbapi", "django", "elasticsearch", "falcon", "fastapi", "flask", "grpc",
        "httpx", "jinja2", "kafka", "mysql", "pika", "psycopg", "pymemcache", "pymongo", "pymssql",
        "pymysql", "pyramid", "redis", "remoulade", "requests", "sqlalchemy", "sqlite3",
        "starlette", "system_metrics", "threading", "tornado", "tortoiseorm", "urllib", "wsgi",
    )
)  # fmt: skip
_REMEMBERED: Final = 1_000

#: Verdicts: never of an agent; not known before it has ended; of an agent, a tool or a model.
NEVER: Final = 0
PERHAPS: Final = 1
SPEAKS: Final = 2


class Signs:
    """Remembers which instrumentation scopes speak of agents.

    Attributes:
        never: Those that are known never to, as far as spans of them were seen.
    """

    __slots__ = ("_known", "never")

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self.never: set[str] = set()

    def at_start(self, span: Any, attributes: Mapping[str, Any]) -> int:
        """Return the verdict on a span that starts.

        Args:
            span: The span.
            attributes: What the span carries so far.
        """
        try:
            scope_name = span._instrumentation_scope._name  # noqa: SLF001 - as in sdk_access
        except AttributeError:
            scope = span.instrumentation_scope
            scope_name = scope.name if scope is not None else ""
        known = self._known.get(scope_name)
        if known is None:
            known = self._judge(scope_name)
        if known == PERHAPS and (
            not TELLING.isdisjoint(attributes) or span.name.startswith(_NAMES)
        ):
            return SPEAKS
        return known

    def _judge(self, scope_name: str) -> int:
        scope_name = exact_text(scope_name) or ""  # it is kept
        if is_known(scope_name):
            known = SPEAKS
        else:
            known = NEVER if scope_name.startswith(_NEVER) else PERHAPS
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
            self.never.clear()
        self._known[scope_name] = known
        if known == NEVER:
            self.never.add(scope_name)
        return known


@lru_cache(maxsize=_REMEMBERED)
def is_known(scope_name: str) -> bool:
    """Tell whether an instrumentation scope is known to speak of agents.

    A scope is known by its first parts: what only begins with the same letters is somebody else's.
    """
    scope = scope_name.lower()
    if begins(scope, _SCOPES):
        return True
    rest = scope.removeprefix(_INSTRUMENTATIONS)
    return rest != scope and rest.startswith(OTHERS.scopes)


def states_success(scope_name: str) -> bool:
    """Tell whether an instrumentation says of whatever went well that it did."""
    return scope_name.startswith(_SUCCESS)


def starts_agent(attributes: Mapping[str, Any]) -> bool:
    """Tell whether a span that starts is marked as an agent's."""
    get = attributes.get
    for key, value in _AGENTS:  # noqa: SIM110 - any() costs more than both
        if get(key) == value:
            return True
    return False
