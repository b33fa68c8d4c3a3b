"""The rule files, for who writes or compares them."""

from agent_analytics.insights._definitions.model import RUNBOOKS
from agent_analytics.insights._rules.rule_files import ABSENCE, render_rules

__all__ = ["ABSENCE", "RUNBOOKS", "render_rules"]
