"""The rule files, for who writes or compares them, and what there is to read of insights."""

from agent_analytics.insights._definitions.spec.model import RUNBOOKS
from agent_analytics.insights._definitions.telemetry import ABSENCE
from agent_analytics.insights._rules.rule_files import render_rules
from agent_analytics.insights._rules.runbooks import insights_table

__all__ = ["ABSENCE", "RUNBOOKS", "insights_table", "render_rules"]
