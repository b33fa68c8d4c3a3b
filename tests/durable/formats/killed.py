"""Open a state directory again and again, and be killed on the way: ``killed.py STATE TIMES SEED``.

Each child is killed before a line of what restores, at random; then another one looks, and what it
sees is written as a line of JSON.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import worker  # type: ignore[import-not-found]  # beside this file

#: What finds, takes over and puts in place what was stored.
RESTORES = ("/_durable/", "listings.py", "processor/_series/health.py", "shares.py")


class Lines:
    """Counts the lines of what restores, and kills the process at one of them."""

    def __init__(self, last: int) -> None:
        self.seen = 0
        self._last = last

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - a tracer
        """Trace what restores, and nothing else."""
        if not any(part in frame.f_code.co_filename for part in RESTORES):
            return None
        if event == "line":
            self.seen += 1
            if self.seen == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def opened(state: Path, last: int = 0) -> tuple[int, worker.Rows]:
    """Open a directory in a child; return after how many lines it could count, and what it saw."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        lines = Lines(last)
        sys.settrace(lines)
        counting = worker.Counting(state)
        counting("open")
        sys.settrace(None)
        # The open one has ended with its worker; nobody else sees it in progress.
        with os.fdopen(writer, "w") as answer:
            json.dump([lines.seen, counting("show")], answer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else (last, [])


def main() -> None:
    """Be killed, and look."""
    state, times = Path(sys.argv[1]), int(sys.argv[2])
    dice = random.Random(int(sys.argv[3]))
    whole, shown = opened(state)
    for _ in range(times):
        killed_at, nothing = opened(state, dice.randrange(1, whole))
        assert not nothing, f"not killed at line {killed_at} of {whole}"
        whole, shown = opened(state)
        sys.stdout.write(json.dumps(shown) + "\n")


if __name__ == "__main__":
    main()
