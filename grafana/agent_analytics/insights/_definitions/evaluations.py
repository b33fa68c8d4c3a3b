"""Pages that say that rules are not evaluated, or not in time.

What Prometheus says of its own groups of rules is read, where it scrapes itself. A group that
fails records nothing, and what is read from it looks like silence.
"""

from typing import Final

from agent_analytics.insights._definitions.spec.model import Question, Spec

_GROUPS: Final = '{rule_group=~".*agent-analytics.*"}'
_FAILED: Final = f"prometheus_rule_evaluation_failures_total{_GROUPS}"
_MISSED: Final = f"prometheus_rule_group_iterations_missed_total{_GROUPS}"
_LAST: Final = f"prometheus_rule_group_last_evaluation_timestamp_seconds{_GROUPS}"
_INTERVAL: Final = f"prometheus_rule_group_interval_seconds{_GROUPS}"
#: Evaluations that may be left out in a quarter of an hour: a busy moment is no page.
_SPARED: Final = 3
#: So many intervals after its last evaluation a group has stopped; before the first there is none.
_INTERVALS: Final = 3


def _page(cause: str, expr: str, hold: str, title: str, description: str) -> Question:
    return Question(
        audience="oncall",
        cause=cause,
        measure=expr,
        hold=hold,
        keep="5m",
        title=title,
        description=description,
    )


EVALUATIONS: Final = Spec(
    slug="rules-not-evaluated",
    alert="RulesNotEvaluated",
    severity="critical",
    category="integration",
    title="Rules are not evaluated, or late",
    description="Rules are not evaluated, or not in time.",
    recommendation=(
        "Ask `agent-analytics doctor` what fails, mend that, and give Prometheus the"
        " processor time that its rules need: pages and insights may be missing."
    ),
    questions=(
        _page(
            "failed",
            f"sum by (rule_group) (increase({_FAILED}[1h])) > 0",
            "",
            "Rules fail",
            "In the last hour, evaluations of {{ $labels.rule_group }} failed"
            ' {{ printf "%.0f" $value }} times; what they record is missing.',
        ),
        _page(
            "late",
            f"sum by (rule_group) (increase({_MISSED}[15m])) > {_SPARED}\n"
            f"or max by (rule_group) ((time() - ({_LAST} > 0)) / {_INTERVAL}) > {_INTERVALS}",
            "1m",
            "Rules are evaluated late",
            "{{ $labels.rule_group }} is not evaluated as often as it should be: Prometheus has"
            " too little processor time for it.",
        ),
    ),
)
