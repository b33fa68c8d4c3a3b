"""A real Alertmanager for tests, on loopback."""

import shutil
import subprocess
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.patience import patience, wait_for
from tests.ports import free_port


@contextmanager
def alertmanager(folder: Path, config: str) -> Generator[str]:
    """Run an Alertmanager in a folder, and yield its address once it is ready.

    Args:
        folder: Takes its files.
        config: Its configuration, as YAML.
    """
    names = ("prometheus-alertmanager", "alertmanager")
    command = next((path for name in names if (path := shutil.which(name))), None)
    if command is None:
        pytest.skip("Alertmanager is not installed (Debian: prometheus-alertmanager)")
    written = folder / "alertmanager.yml"
    written.write_text(config, encoding="utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    with (folder / "alertmanager.log").open("wb") as log:
        process = subprocess.Popen(
            [
                command,
                f"--config.file={written}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address={url.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )

    def ready() -> bool:
        try:
            urllib.request.urlopen(f"{url}/-/ready", timeout=patience()).close()
        except OSError:
            return False
        return True

    try:
        wait_for(ready, "Alertmanager is ready", every=0.1)
        yield url
    finally:
        process.terminate()
        process.wait(patience())
