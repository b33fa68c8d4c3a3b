"""Results of several parts, one of which is a stream that the call lasts as long as.

An answer of Flask or Quart may be a pair of a stream and a status. What boto3 returns is a
dictionary that holds, beside the metadata of the answer, the stream of its events.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from agent_analytics.instrumentation._calls.call import Call
from agent_analytics.instrumentation._results.carried import Lazy
from agent_analytics.instrumentation._results.result_kinds import (
    Kind,
    is_streaming,
    kind_of,
    may_stream,
)

#: In the dictionaries that boto3 returns, and hardly in others.
METADATA: Final = "ResponseMetadata"
Parts = tuple[object, ...] | dict[object, object]
#: Longer results are data.
_MOST: Final = 8
_STREAMS: Final = frozenset({Kind.GENERATOR, Kind.ASYNC_GENERATOR, Kind.ITERATOR})


def has_metadata(result: dict[object, object]) -> bool:
    """Tell whether a dictionary is one of boto3's, by keys that are exactly texts."""
    return len(result) <= _MOST and any(type(key) is str and key == METADATA for key in result)


def finish_parts(call: Call, result: Parts, follow: Callable[..., Any]) -> Parts:
    """End the call with a tuple or a dictionary; where one part is a stream, at its end.

    A stream that nobody reads was a part of the answer, which was done when it was returned.

    Args:
        call: The call.
        result: What it returned.
        follow: Continues the call with a part, and returns what takes its place.
    """
    parts: list[object] = list(_parts(result)) if len(result) <= _MOST else []
    streams = [each for each in parts if _is_stream(each)]
    if len(streams) != 1 or call.context is None:
        call.succeeded(result)
        return result
    (stream,) = streams
    carried = Lazy(call)
    call.detach()
    call.returned(result)
    instead = follow(carried, stream)
    if instead is stream:
        return result
    if isinstance(result, dict):
        result.update({key: instead for key, each in result.items() if each is stream})
        return result
    return tuple(instead if each is stream else each for each in parts)


def _parts(result: Parts) -> Iterable[object]:
    return result.values() if isinstance(result, dict) else result


def _is_stream(part: object) -> bool:
    kind = kind_of(part)
    if kind is Kind.LAZY:
        return may_stream(part)
    return kind in _STREAMS or (kind is Kind.HOLDER and is_streaming(part))
