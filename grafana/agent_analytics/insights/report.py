"""The report: what a publisher or the operator asks, as a page to read or data to keep."""

from agent_analytics.insights._report.command import add_report, report
from agent_analytics.insights._report.forms.render import FORMATS, Format, Report, render
from agent_analytics.insights._report.pages.marketplace import marketplace_page
from agent_analytics.insights._report.pages.page import Page
from agent_analytics.insights._report.pages.publisher import publisher_page

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
