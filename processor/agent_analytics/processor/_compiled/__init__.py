"""Which modules run compiled: all that are to be, or none of them.

The modules of ``modules.MODULES`` run as they are written. Where every one lies compiled in this
folder, and of the very text that is there now, an import of it is given the compiled one;
``AGENT_ANALYTICS_PURE=1`` leaves them alone. Both do alike. Where they have no text as files
(archives, folders of ``.pyc``), what is compiled cannot be of another.
"""

from agent_analytics.processor._compiled.finder import PURE, WHY_PURE, in_use, why_pure

__all__ = ["PURE", "WHY_PURE", "in_use", "why_pure"]
