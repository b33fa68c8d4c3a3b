"""A worker that opens blocks and adds to them until it is killed, or its parent is gone.

Of every block the first cell goes before the second, each by ``STEP``.
"""

import os
import random
import sys
import time
from threading import RLock
from typing import TYPE_CHECKING

from agent_analytics.processor._durable import DurableStore
from agent_analytics.processor._series import schema

if TYPE_CHECKING:
    from agent_analytics.processor._series.store import Block

STEP = 7


def main() -> None:
    """Write into the state directory that is named on the command line."""
    path, seed = sys.argv[1], int(sys.argv[2])
    dice = random.Random(seed)
    store = DurableStore(path, "shop", b"key", RLock(), time.time)
    blocks: list[Block] = []
    parent = os.getppid()
    while os.getppid() == parent:
        if len(blocks) < 250 and dice.random() < 0.02:
            labels = ("acme", "finder", f"tool-{len(blocks)}" + "y" * dice.randrange(120))
            blocks.append(store.open_block(schema.TOOL, labels, 0.0))
            sys.stdout.write(f"{len(blocks)}\n")
            sys.stdout.flush()
        for block in dice.sample(blocks, min(len(blocks), 3)):
            block.cells[0] += STEP
            block.cells[1] += STEP


if __name__ == "__main__":
    main()
