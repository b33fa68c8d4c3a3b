"""Do what the README says on a Debian that has nothing of ours, with the time of each step.

Run as root on Debian: ``make bare-debian``. A Debian 12 is made anew in a temporary folder, given
this machine's certificates and package settings, and a clone of the repository. There the README's
commands run as they are written, then ``make demo`` up to its first screen. ``ARGS="--commit
REVISION"`` takes another commit; where the README of that commit has no program that prints its
numbers, only the demo is timed.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
#: What of this machine a package manager needs to reach its servers.
OF_THE_MACHINE: Final = (
    "etc/resolv.conf",
    "etc/hosts",
    "etc/pip.conf",
    "etc/ssl/certs/ca-certificates.crt",
    # By custom, what the owner of a machine sets comes last.
    *(str(each.relative_to("/")) for each in sorted(Path("/etc/apt/apt.conf.d").glob("99*"))),
)
#: The home of its user.
HOME: Final = "root"
BEGUN_WITHIN: Final = 120.0  # seconds from the clone to the first own number
_FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: The demo's first screen is there when its addresses are.
_SCREEN: Final = "Prometheus: http"


def command(machine: Path, *arguments: str) -> list[str]:
    """Return a command that runs inside ``machine``."""
    home = ["env", "-i", f"HOME=/{HOME}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
    kept = [
        f"{name}={os.environ[name]}" for name in ("http_proxy", "https_proxy") if name in os.environ
    ]
    return ["chroot", str(machine), *home, *kept, *arguments]


def shell(machine: Path, line: str, folder: str = ".") -> str:
    """Run a line of shell in a folder of the home of ``machine``; return what it prints."""
    line = f"cd ~/{folder} && {{ {line.strip()}\n}}"
    done = subprocess.run(
        command(machine, "bash", "-ec", line), check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def timed(what: str, machine: Path, line: str, folder: str = ".") -> float:
    """Run a line of shell, print the seconds that it took, and return them."""
    begin = time.monotonic()
    shell(machine, line, folder)
    took = time.monotonic() - begin
    print(f"  {what:58} {took:6.1f} s", flush=True)
    return took


@contextmanager
def bare_machine() -> Generator[Path]:
    """Make a Debian 12 with nothing but its base, and take it away in the end."""
    folder = Path(tempfile.mkdtemp(prefix="bare-debian-"))
    machine = folder / "root"
    mounted: list[Path] = []
    try:
        print("making a bare Debian 12 …", flush=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", "bookworm", str(machine)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for kind, target in (("proc", machine / "proc"), ("devpts", machine / "dev" / "pts")):
            target.mkdir(exist_ok=True)
            subprocess.run(["mount", "-t", kind, kind, str(target)], check=True)
            mounted.append(target)
        shell(machine, "apt-get -qq update; apt-get -qq install -y ca-certificates git 2>&1")
        for name in OF_THE_MACHINE:
            if Path("/", name).exists():
                shutil.copy(Path("/", name), machine / name)
        yield machine
    finally:
        for target in reversed(mounted):
            subprocess.run(["umount", str(target)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def first_number(machine: Path, readme: str) -> float | None:
    """Do what "A first number" says, check what is printed, and return the seconds it took."""
    section = readme.partition("\n## A first number\n")[2].partition("\n## ")[0]
    parts: list[tuple[str, str]] = _FENCED.findall(section)
    if not parts:
        return None
    took = timed("git clone", machine, "git clone -q /repository agent-analytics")
    folder = "agent-analytics"
    lines: list[str] = []
    printed = ""
    for language, body in parts:
        if language == "python":
            file = body.splitlines()[0].removeprefix("# ")
            (machine / HOME / folder / file).write_text(body, encoding="utf-8")
        elif language == "sh":
            for line in body.splitlines():
                # Each line is typed into one shell: what an earlier one activates, holds for it.
                active = [one for one in lines if one.startswith(". ")]
                begin = time.monotonic()
                printed = shell(machine, "\n".join([*active, line]), folder)
                took += time.monotonic() - begin
                print(f"  {line:58} {time.monotonic() - begin:6.1f} s", flush=True)
                lines.append(line)
        elif language == "text" and printed != body:
            sys.exit(f"The README promises\n{body}\nand this was printed:\n{printed}")
    return took


def first_screen(machine: Path) -> float | None:
    """Run ``make demo`` up to its first screen; return the seconds, or ``None`` without one."""
    begin = time.monotonic()
    with subprocess.Popen(
        command(machine, "bash", "-c", "cd ~/demo && exec make demo"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None  # noqa: S101  # it was asked for
        for line in demo.stdout:
            print(f"  {time.monotonic() - begin:6.1f} s  {line.rstrip()}", flush=True)
            if _SCREEN in line:
                took = time.monotonic() - begin
                os.killpg(demo.pid, signal.SIGINT)
                demo.stdout.read()
                return took
    return None


def main() -> int:
    """Print the times, and return 1 if a promise is missed."""
    parser = argparse.ArgumentParser(
        prog="make bare-debian", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--commit", default="HEAD", help="the commit to try (default: the newest)")
    commit: str = parser.parse_args().commit
    if os.getuid() or not shutil.which("debootstrap"):
        print("error: needs root and debootstrap: apt-get install debootstrap", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    with bare_machine() as machine:
        source = machine / "repository"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
        subprocess.run(
            ["git", "-C", str(source), "checkout", "-q", "-B", "main", commit], check=True
        )
        readme = (source / "README.md").read_text(encoding="utf-8")
        print(f"the README of {commit}, load of this machine {load:.1f}", flush=True)
        timed(
            "apt-get install python3-venv make",
            machine,
            "apt-get -qq install -y python3-venv make 2>&1",
        )
        number = first_number(machine, readme)
        if number is not None:
            size = shell(machine, "du -sm agents | cut -f1", "agent-analytics").strip()
            met = "met" if number <= BEGUN_WITHIN else "MISSED"
            print(
                f"clone to first own number: {number:.0f} s ({BEGUN_WITHIN:.0f}: {met}); {size} MB"
            )
        shell(machine, "git clone -q /repository demo")
        screen = first_screen(machine)
        # The newest environment that `make demo` made, whatever its name.
        size = shell(machine, "du -sm .venv* | cut -f1", "demo").strip()
        count = shell(
            machine, "ls -d .venv*/lib/python3*/site-packages/*.dist-info | wc -l", "demo"
        ).strip()
        took = "never" if screen is None else f"{screen:.0f} s"
        print(f"make demo to its first screen: {took}; {count} packages, {size} MB")
    return int(screen is None or (number is not None and number > BEGUN_WITHIN))


if __name__ == "__main__":
    sys.exit(main())
