"""``python -m tests.frameworks.places NAME...`` prints what the live runs of frameworks need.

Each line is the environment of a framework; with ``--guides`` the names of those that have a page.
"""

import sys

from tests.frameworks.matrix import FRAMEWORKS, environment_of


def main() -> int:
    """Run the program."""
    guides = "--guides" in sys.argv
    names = [name for name in sys.argv[1:] if name != "--guides"]
    unknown = [name for name in names if name not in FRAMEWORKS]
    if unknown:
        print(f"no such framework: {', '.join(unknown)}", file=sys.stderr)
        return 2
    if guides:
        print("\n".join(name for name in names if FRAMEWORKS[name].guide))
    else:
        print("\n".join(dict.fromkeys(environment_of(name) for name in names)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
