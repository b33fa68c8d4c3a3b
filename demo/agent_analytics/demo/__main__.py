"""``python -m agent_analytics.demo`` is the command ``agent-analytics``."""

import sys

from agent_analytics.demo.cli import main

sys.exit(main())
