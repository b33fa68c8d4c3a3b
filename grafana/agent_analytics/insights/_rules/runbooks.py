"""What is looked at first of an insight: the queries of its runbook, with the labels of its alert.

The pages below ``docs/runbooks`` have the same queries with ``P``, ``A`` and ``T`` for labels.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

_UNSAFE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
_PLACE: Final = re.compile('"([PAT])"')
#: By the short name of an insight, the queries of its runbook.
FIRST_LOOK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "error-anomaly": (
            (
                "sum by (error_type) "
                '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
                'agent_id="A"}[6h]))'
            ),
        ),
        "error-budget": (
            (
                "topk(5, sum by (error_type) "
                '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
                'agent_id="A"}[1h])))'
            ),
        ),
        "error-rate": (
            (
                "topk(5, sum by (error_type) "
                '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
                'agent_id="A"}[15m])))'
            ),
            (
                'sum by (tool) (increase(marketplace_agent_tool_calls_total{publisher_id="P", '
                'agent_id="A", outcome=~"error|timeout"}[15m]))'
            ),
            (
                "sum by (model) "
                '(increase(marketplace_agent_inference_calls_total{publisher_id="P", '
                'agent_id="A", outcome!="success"}[15m]))'
            ),
        ),
        "few-tenants": ('listing_unique_tenants:30d{publisher_id="P", agent_id="A"}',),
        "install-churn": (
            ('increase(marketplace_agent_uninstalls_total{publisher_id="P", agent_id="A"}[7d])'),
        ),
        "latency-regression": (
            (
                "sum by (tool) "
                '(increase(marketplace_agent_tool_call_duration_seconds_sum{publisher_id="P", '
                'agent_id="A"}[6h])) / sum by (tool) '
                '(increase(marketplace_agent_tool_call_duration_seconds_count{publisher_id="P", '
                'agent_id="A"}[6h]))'
            ),
        ),
        "listing-dead": ('marketplace_agent_active_installs{publisher_id="P", agent_id="A"}',),
        "negative-margin": (
            ('marketplace_agent_model_cost_usd_total:growth_7d{publisher_id="P", agent_id="A"}'),
            (
                "sum by (model) "
                '(increase(marketplace_agent_unpriced_tokens_total{publisher_id="P", '
                'agent_id="A"}[1d]))'
            ),
        ),
        "prompt-cache": (
            (
                "sum by (model) "
                '(increase(marketplace_agent_cached_input_tokens_total{publisher_id="P", '
                'agent_id="A"}[1d]))'
            ),
        ),
        "rating-falling": (
            (
                "sum by (le) "
                '(increase(marketplace_agent_feedback_rating_bucket{publisher_id="P", '
                'agent_id="A"}[7d]))'
            ),
        ),
        "response-time": (
            (
                "sum by (tool) "
                '(rate(marketplace_agent_tool_call_duration_seconds_sum{publisher_id="P", '
                'agent_id="A"}[15m])) / sum by (tool) '
                '(rate(marketplace_agent_tool_call_duration_seconds_count{publisher_id="P", '
                'agent_id="A"}[15m]))'
            ),
            (
                'sum by (model) (rate(marketplace_agent_output_tokens_total{publisher_id="P", '
                'agent_id="A"}[15m]))'
            ),
            ('sum (marketplace_agent_invocations_in_progress{publisher_id="P", agent_id="A"})'),
        ),
        "retention-falling": ('listing_unique_tenants:7d{publisher_id="P", agent_id="A"}',),
        "revenue-falling": (
            (
                "sum by (outcome) "
                '(marketplace_agent_invocations_total:growth_7d{publisher_id="P", '
                'agent_id="A"})'
            ),
            (
                "sum by (outcome) "
                '(marketplace_agent_invocations_total:growth_7d_7d_ago{publisher_id="P", '
                'agent_id="A"})'
            ),
        ),
        "satisfaction": (
            (
                "sum by (le) "
                '(increase(marketplace_agent_feedback_rating_bucket{publisher_id="P", '
                'agent_id="A"}[1d]))'
            ),
        ),
        "telemetry-absent": (
            (
                'time() - max(timestamp(marketplace_agent_invocations_total{publisher_id="P", '
                'agent_id="A"}))'
            ),
            (
                'sum by (instance) (marketplace_agent_invocations_total{publisher_id="P", '
                'agent_id="A"})'
            ),
        ),
        "token-growth": (
            (
                "sum by (model) "
                '(increase(marketplace_agent_input_tokens_total{publisher_id="P", '
                'agent_id="A"}[1d]))'
            ),
        ),
        "tool-failures": (
            (
                "sum by (outcome) "
                '(increase(marketplace_agent_tool_calls_total{publisher_id="P", agent_id="A", '
                'tool="T"}[15m]))'
            ),
            (
                "sum by (agent_id) "
                '(increase(marketplace_agent_tool_calls_total{publisher_id="P", tool="T", '
                'outcome=~"error|timeout"}[15m]))'
            ),
        ),
        "tool-latency": (
            (
                "histogram_quantile(0.95, sum by (le) "
                '(increase(marketplace_agent_tool_call_duration_seconds_bucket{publisher_id="P", '
                'agent_id="A", tool="T"}[1d])))'
            ),
        ),
        "tool-loops": (
            (
                "sum by (outcome) "
                '(increase(marketplace_agent_tool_calls_total{publisher_id="P", agent_id="A", '
                'tool="T"}[1d]))'
            ),
        ),
        "tool-unused": (
            (
                "sum by (outcome) "
                '(marketplace_agent_tool_calls_total:growth_30d{publisher_id="P", '
                'agent_id="A", tool="T"})'
            ),
            (
                "sum by (tool) "
                '(marketplace_agent_tool_calls_total:growth_30d{publisher_id="P", '
                'agent_id="A"})'
            ),
        ),
        "wasted-spend": (
            (
                "topk(5, sum by (error_type) "
                '(increase(marketplace_agent_invocation_errors_total{publisher_id="P", '
                'agent_id="A"}[1d])))'
            ),
        ),
    }
)


def first_look(insight: str, publisher_id: str, agent_id: str, tool: str) -> tuple[str, ...]:
    """Return the queries of an insight's runbook, about a listing and its tool."""
    labels = {"P": publisher_id, "A": agent_id, "T": tool}

    def of(place: re.Match[str]) -> str:
        return _quoted(labels[place[1]])

    return tuple(_PLACE.sub(of, query) for query in FIRST_LOOK.get(insight, ()))


def _quoted(value: str) -> str:
    """Return a string of PromQL in which nothing steers whoever reads it."""
    return "".join(
        f"\\U{ord(char):08x}" if unicodedata.category(char) in _UNSAFE else char
        for char in json.dumps(value, ensure_ascii=False)
    )


def runbook_url(base: str, insight: str) -> str:
    """Return the address of an insight's page below a base URL."""
    return f"{base.rstrip('/')}/{quote(insight, safe='')}.md"
