"""What the doctor has looked at, and what was found."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong.

    Attributes:
        wrong: What, in a sentence.
        remedy: What to set or to do, in a sentence; empty where nothing can be done but know it.
    """

    wrong: str
    remedy: str


def _as_it_is(text: str) -> str:
    return text


@dataclass(slots=True)
class Examination:
    """Collects what the parts of the doctor say, with every secret taken out.

    Attributes:
        conceal: Takes secrets out of a sentence.
        checked: What was looked at.
        unchecked: What could not be looked at, and why.
        problems: What is wrong.
        notes: What is worth knowing and wrong for some only.
    """

    conceal: Callable[[str], str] = _as_it_is
    checked: list[str] = field(default_factory=list[str])
    unchecked: list[str] = field(default_factory=list[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[Problem] = field(default_factory=list[Problem])

    def look(self, what: str) -> None:
        """Note what was looked at."""
        self.checked.append(self.conceal(what))

    def leave(self, what: str) -> None:
        """Note what could not be looked at, and why."""
        self.unchecked.append(self.conceal(what))

    def find(self, wrong: str, remedy: str) -> None:
        """Note what is wrong, once."""
        problem = Problem(self.conceal(wrong), self.conceal(remedy))
        if problem not in self.problems:
            self.problems.append(problem)

    def note(self, fact: str, remedy: str) -> None:
        """Note what is worth knowing."""
        self.notes.append(Problem(self.conceal(fact), self.conceal(remedy)))
