"""``python -m agent_analytics.demo`` is the command ``agent-analytics``."""

import sys

from agent_analytics.cli import main

sys.exit(main())
