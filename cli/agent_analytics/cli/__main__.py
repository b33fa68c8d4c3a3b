"""``python -m agent_analytics.cli`` is the command ``agent-analytics``."""

import sys

from agent_analytics.cli import main

sys.exit(main())
