"""Random trees of spans over three publishers, compared with a tiny model of the rules."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.processor.rig import Rig, chat, event, invoke, tool

from agent_analytics.instrumentation import vocabulary as v

Listing = tuple[str, str]
LISTINGS: tuple[Listing, ...] = (("acme", "a"), ("acme", "b"), ("zeta", "a"), ("omega", "o"))


@dataclass(frozen=True)
class Tree:
    """One span and what is in it.

    Attributes:
        kind: ``invocation``, ``agent``, ``tool``, ``chat``, ``http``, ``install``, ``charge``.
        listing: Whom an invocation names.
        name: Of a tool, a model, a tenant.
        outcome: What it says came of it, if anything.
        amount: Tokens, or nano-dollars.
        children: Spans in it.
    """

    kind: str
    listing: Listing
    name: str
    outcome: str
    amount: int
    children: tuple["Tree", ...] = ()


def usd(nano: int) -> str:
    """Return nano-dollars as a decimal string."""
    return f"{nano // 10**9}.{nano % 10**9:09d}"


def attributes(tree: Tree) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the span of ``tree`` carries at its start and at its end."""
    outcome = {v.OUTCOME: tree.outcome, v.ERROR_TYPE: f"Error{tree.name}"}
    price = usd(tree.amount)
    nothing: dict[str, Any] = {}
    carried: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "invocation": (invoke(*tree.listing, tree.name), outcome | {v.REVENUE_USD: price}),
        "agent": (invoke(None, None) | {v.AGENT_NAME: tree.name}, outcome),
        "tool": (tool(tree.name), outcome),
        "chat": (chat(tree.amount, 1, tree.name) | {v.COST_USD: price}, outcome),
        "http": ({"http.request.method": "GET"}, nothing),
        "install": (event("install", *tree.listing), nothing),
        "charge": (event("charge", *tree.listing) | {v.REVENUE_USD: price}, nothing),
    }
    return carried[tree.kind]


def run(rig: Rig, tree: Tree) -> None:
    """Run the span of ``tree`` and those in it."""
    with rig.span(*attributes(tree)):
        for child in tree.children:
            run(rig, child)


class Model:
    """What the rules of counting say of a tree."""

    def __init__(self) -> None:
        self.truth: Counter[tuple[str, Listing | None, str, str]] = Counter()

    def add(self, metric: str, owner: Listing | None, amount: int, *labels: str) -> None:
        """Add to one series."""
        one, two = (*labels, "", "")[:2]
        self.truth[metric, owner, one, two] += amount

    def count(self, tree: Tree, owner: Listing | None = None) -> tuple[bool, int]:
        """Count ``tree``, whose nearest invocation is ``owner``'s.

        Returns whether a model call is in it that another instrumentation may have recorded round
        it (not one of a tool or an agent), and the cost that it brings to its invocation.
        """
        kind = tree.kind
        own = kind == "invocation" and tree.listing != owner
        inside = tree.listing if own else owner
        found = [self.count(child, inside) for child in tree.children]
        called, cost = any(call for call, _ in found), sum(cost for _, cost in found)
        if owner is None and kind in {"chat", "tool", "agent"}:
            if not (kind == "chat" and called):  # a call once, whosever it is
                of = {"chat": "inference", "agent": "invocation"}.get(kind, kind)
                self.add("unattributed", None, 1, of)
            return kind == "chat", 0
        if own:
            self.invocation(tree, cost)
            return False, 0
        if kind == "invocation":
            self.add("revenue", owner, tree.amount)
        elif kind == "tool":
            self.add("tool", owner, 1, tree.name, tree.outcome)
        elif kind == "install":
            self.add("installs", tree.listing, 1)
        elif kind == "charge":
            self.add("revenue", tree.listing, tree.amount)
        elif kind == "chat" and not called:
            self.add("calls", owner, 1, tree.name, tree.outcome)
            self.add("input", owner, tree.amount, tree.name)
            self.add("cost", owner, tree.amount)
            return True, cost + tree.amount
        return kind == "chat" or (called and kind not in {"tool", "agent", "invocation"}), cost

    def invocation(self, tree: Tree, cost: int) -> None:
        """Count an invocation that spent ``cost``."""
        self.add("invocations", tree.listing, 1, tree.outcome)
        self.add("revenue", tree.listing, tree.amount)
        if tree.outcome in {"error", "timeout"}:
            self.add("errors", tree.listing, 1, f"Error{tree.name}")
            self.add("wasted", tree.listing, cost)


METRICS = {
    "invocations_total": ("invocations", ("outcome",), 1),
    "invocation_duration_seconds_count": ("invocations", ("outcome",), 1),
    "invocation_errors_total": ("errors", ("error_type",), 1),
    "tool_calls_total": ("tool", ("tool", "outcome"), 1),
    "inference_calls_total": ("calls", ("model", "outcome"), 1),
    "input_tokens_total": ("input", ("model",), 1),
    "installs_total": ("installs", (), 1),
    "revenue_usd_total": ("revenue", (), 10**9),
    "model_cost_usd_total": ("cost", (), 10**9),
    "wasted_cost_usd_total": ("wasted", (), 10**9),
}


def exposed(rig: Rig) -> Counter[tuple[str, Listing | None, str, str]]:
    """Return what a scrape says, under the model's names."""
    found: Counter[tuple[str, Listing | None, str, str]] = Counter()
    for (name, labels), value in rig.series().items():
        of = dict(labels)
        if name == "agent_analytics_unattributed_spans_total":
            found["unattributed", None, of["kind"], ""] += round(value)
        known = METRICS.get(name.removeprefix("marketplace_agent_"))
        if known is not None:
            metric, more, scale = known
            one, two = (*(of[label] for label in more), "", "")[:2]
            key = (metric, (of["publisher_id"], of["agent_id"]), one, two)
            if name.endswith("_count"):
                assert found[key] == round(value)
            else:
                found[key] += round(value * scale)
    return +found


KINDS = ("invocation", "agent", "tool", "chat", "http", "install", "charge")
LEAF = st.builds(
    Tree,
    st.sampled_from(KINDS),
    st.sampled_from(LISTINGS),
    st.sampled_from(["x", "y", "z"]),
    st.sampled_from(v.OUTCOMES),
    st.integers(min_value=1, max_value=10**6),
)
TREES = st.recursive(
    LEAF,
    lambda children: st.builds(
        Tree,
        st.sampled_from(KINDS),
        st.sampled_from(LISTINGS),
        st.sampled_from(["x", "y", "z"]),
        st.sampled_from(v.OUTCOMES),
        st.integers(min_value=1, max_value=10**6),
        st.lists(children, max_size=4).map(tuple),
    ),
    max_leaves=14,
)


@settings(max_examples=examples(100), deadline=None)
@given(st.lists(TREES, min_size=1, max_size=4))
def test_every_series_is_what_the_model_says(trees: list[Tree]) -> None:
    """Whatever is nested in whatever, every series equals the model's."""
    rig, model = Rig(), Model()
    for tree in trees:
        run(rig, tree)
        model.count(tree)
    assert exposed(rig) == +model.truth
    assert rig.value("invocations_in_progress") == 0
    assert rig.value("agent_analytics_open_spans") == 0
