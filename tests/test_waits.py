"""No test bounds a wait by a number that its author found long enough on a quiet machine."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
#: What runs in environments of its own, where this folder cannot be imported.
APART = TESTS / "frameworks" / "lab"
#: Keywords that are a bound in seconds, and methods whose first argument is one.
KEYWORDS = frozenset({"timeout", "init_timeout", "read_timeout_seconds"})
METHODS = frozenset({"communicate", "join", "settimeout", "wait"})


def guesses(source: str) -> Iterator[int]:
    """Yield the lines of a module where a wait is bounded by a number."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=function, args=arguments, keywords=keywords):
                name = function.attr if isinstance(function, ast.Attribute) else ""
                bounds = [word.value for word in keywords if word.arg in KEYWORDS]
                if any(map(_is_number, [*bounds, *(arguments[:1] if name in METHODS else [])])):
                    yield node.lineno
            case ast.BinOp(left=ast.Call(func=function), op=ast.Add(), right=bound):
                if ast.unparse(function).endswith("monotonic") and not isinstance(bound, ast.Call):
                    yield node.lineno
            case ast.For(iter=ast.Call(func=ast.Name(id="range")), body=body):
                if any(_sleeps(part) for each in body for part in ast.walk(each)):
                    yield node.lineno
            case ast.arguments(args=named, defaults=[*_, ast.Constant() as last]):
                if named[-1].arg in KEYWORDS and _is_number(last):
                    yield last.lineno
            case _:
                pass


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value > 0


def _sleeps(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=function, args=[ast.Constant(value=float())]):
            return ast.unparse(function) == "time.sleep"
        case _:
            return False


@pytest.mark.parametrize(
    "line",
    [
        "process.wait(5)",
        "thread.join(0.5)",
        "urlopen(url, timeout=10)",
        "end = time.monotonic() + 10",
        "end = time.monotonic() + SECONDS",
        "for _ in range(100): time.sleep(0.1)",
        "def ask(port, timeout=5.0): ...",
    ],
)
def test_a_guess_is_seen(line: str) -> None:
    """Each way to write a bound down is one that the search finds."""
    assert list(guesses(line)) == [1]


@pytest.mark.parametrize(
    "line", ["process.wait(patience())", "', '.join(words)", "end = time.monotonic() + patience()"]
)
def test_what_is_no_guess(line: str) -> None:
    """Bounds that grow with the load of the machine are found right."""
    assert list(guesses(line)) == []


def test_no_test_guesses() -> None:
    """Every wait in this folder is bounded by `patience()` of tests/patience.py."""
    found = [
        f"{path.relative_to(TESTS)}:{line}"
        for path in sorted(TESTS.rglob("*.py"))
        if not path.is_relative_to(APART)
        for line in guesses(path.read_text(encoding="utf-8"))
    ]
    assert found == []
