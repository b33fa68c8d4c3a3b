"""Rules that carry on what they recorded an evaluation ago: no past of them is put together.

What becomes of an insight is recorded from one evaluation to the next, and the rules read one
another in a circle. No stage of a past could evaluate them: they begin with the server that reads
the past.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")

#: The file whose rules are evaluated all along.
_PAST: Final = "rollups.yml"
#: A group and one of its rules, as Prometheus tells of them.
Told = tuple[Mapping[str, Any], Mapping[str, Any]]


def without_carried(found: Sequence[Told]) -> list[Told]:
    """Return rules, given with their groups, without those that read what they record.

    What reads those is left out, too. Rules that are evaluated all along are kept.
    """
    reads: dict[str, set[str]] = {}
    carried: set[str] = set()
    for _, rule in found:
        name, read = rule["name"], set(_NAME.findall(rule["query"]))
        # A later rule of a name reads what an earlier one has recorded at the same moment.
        if name in read and name not in reads:
            carried.add(name)
        reads.setdefault(name, set()).update(read)
    kept = {rule["name"] for group, rule in found if Path(group["file"]).name == _PAST}
    carried -= kept
    grows = True
    while grows:
        before = len(carried)
        carried |= {name for name, read in reads.items() if read & carried} - kept
        grows = len(carried) > before
    return [each for each in found if each[1]["name"] not in carried]
