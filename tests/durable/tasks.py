"""A celery application with one agent; the broker is a folder."""

import os
from pathlib import Path
from typing import Any

from celery import Celery  # type: ignore[import-untyped]  # it has no types

from agent_analytics.exporters import configure
from agent_analytics.instrumentation import agent

folder = Path(os.environ["BROKER_FOLDER"])
app: Any = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder),
    "data_folder_out": str(folder),
    "control_folder": str(folder / "control"),
}
app.conf.worker_hijack_root_logger = False
runtime = configure(service_name="shop", metrics_port=None, hold_seconds=0)


@agent(publisher_id="acme", agent_id="finder")
def find() -> int:
    """Answer with the process id."""
    return os.getpid()


@app.task(ignore_result=True)  # type: ignore[untyped-decorator]  # it has no types
def work() -> None:
    """Run the agent."""
    find()
