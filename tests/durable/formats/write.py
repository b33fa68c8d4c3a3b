"""Write the directory of a release anew: ``python -m tests.durable.formats.write COMMIT``."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.durable.releases import FORMATS, Release, unpack


def main() -> None:
    """Let two workers count, and pack what they leave and what a scrape shows."""
    commit = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        packages = unpack(commit, Path(scratch) / "packages")
        state = Path(scratch) / "state"
        with Release(state, packages) as first, Release(state, packages) as second:
            first("count", "first")
            second("count", "second")
        with Release(state, packages) as last:
            shown = last("show")
        rows = [[name, labels, value] for (name, labels), value in shown.items()]
        (Path(scratch) / "shown.json").write_text(json.dumps(rows), encoding="utf-8")
        owner = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]
        target = str(FORMATS / f"{commit}.tar.gz")
        subprocess.run(
            ["tar", *owner, "-I", "gzip -9n", "-cf", target, "state", "shown.json"],  # noqa: S607 - a program of the machine
            cwd=scratch,
            check=True,
        )


if __name__ == "__main__":
    main()
