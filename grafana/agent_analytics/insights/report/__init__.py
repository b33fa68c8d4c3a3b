"""The report: what a publisher or the operator asks, as a page to read or data to keep."""

from agent_analytics.insights.report._cli import add_report, report
from agent_analytics.insights.report._marketplace import marketplace_page
from agent_analytics.insights.report._page import Page
from agent_analytics.insights.report._publisher import publisher_page
from agent_analytics.insights.report._render import FORMATS, Format, Report, render

__all__ = [
    "FORMATS",
    "Format",
    "Page",
    "Report",
    "add_report",
    "marketplace_page",
    "publisher_page",
    "render",
    "report",
]
