"""``agent-analytics doctor``: what was checked of a set-up, what is wrong with it, what to set."""

from agent_analytics.cli._doctor.command import add_doctor, doctor, examine
from agent_analytics.cli._doctor.examination import Examination, Problem

__all__ = ["Examination", "Problem", "add_doctor", "doctor", "examine"]
