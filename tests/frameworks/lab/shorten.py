"""Shortens recordings for the repository: what tells what a span is stays, content goes.

``shorten.py FROM TO`` writes each recording of one folder, and its truth, to another.
"""

# recorded spans are JSON, whose types are not known
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

KEPT = re.compile(
    r"gen_ai\.(operation\.name|agent\.(name|id)|tool\.(name|call\.id|status)|usage\.|"
    r"aggregated_usage\.|request\.model|response\.(model|id|time)|conversation\.id|client\.|"
    r"provider\.name|system$|workflow\.)|openinference\.span\.kind|llm\.(token_count|model_name)|"
    r"tool\.(name|status)|agent\.name|agent_name|model_name|graph\.node\.id|session\.id|"
    r"traceloop\.(span\.kind|entity\.name)|"
    r"traceloop\.association\.properties\.(ls_integration|lc_agent_name|langgraph_node|thread_id)|"
    r"langsmith\.span\.kind|langsmith\.metadata\.(ls_|lc_agent_name|langgraph_(node|triggers)|"
    r"thread_id)|ag2\.|agentscope\.usage\.|gcp\.vertex\.agent\.session_id|llm\.cost\.total|"
    r"gen_ai\.cost\.total_cost|llm\.provider|llm\.request\.type|llm\.finish_reason|"
    r"mcp\.|haystack\.(tool\.(name|error)|agent\.step)|error\.type|crewai\.agent\.role|agno\.team\.name|messaging\.operation|rpc\.method"
)
DROPPED = re.compile(r"input\.value|output\.value|arguments|result|description|messages|edges")
METADATA = re.compile(r'"(lc_agent_name|langgraph_node|ls_integration)": ?"([^"]*)"')
TRIGGERS = re.compile(r'"langgraph_triggers": ?(\["__start__"\])')
#: Texts of which only one part tells what a span is.
PARTS = {
    "langsmith.metadata.usage_metadata": re.compile(r"(?s).*"),
    "metadata.usage_object": re.compile(r"(?s).*"),
    "gcp.vertex.agent.llm_response": re.compile(r'"usage_metadata": ?\{[^}]*\}?'),
    "gen_ai.tool.call.result": re.compile(r'"state": ?"\w+"'),
}
#: What failed, where the type of an exception is always the same.
RAISED = re.compile(r"[A-Za-z_][\w.]*\(")


def short(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes that tell what a span is."""
    kept: dict[str, Any] = {}
    for key, value in attributes.items():
        if key == "metadata" and isinstance(value, str):
            told: dict[str, Any] = dict(METADATA.findall(value))
            if triggers := TRIGGERS.search(value):
                told["langgraph_triggers"] = json.loads(triggers[1])
            kept[key] = json.dumps(told)
        elif key in PARTS and isinstance(value, str):
            if part := PARTS[key].search(value):
                kept[key] = part[0] if part[0].startswith("{") else "{" + part[0] + "}"
        elif KEPT.match(key) and not DROPPED.search(key):
            kept[key] = value[:120] if isinstance(value, str) else value
    return kept


def raised(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what failed, without its text."""
    kept = {k: v for k, v in attributes.items() if k == "exception.type"}
    if kept.get("exception.type") == "Exception":
        found = RAISED.match(str(attributes.get("exception.message")))
        if found is not None:
            kept["exception.message"] = f"{found[0]})"
    return kept


def events_of(events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return exceptions, and when an event of each other name came first: a first token, say."""
    kept: list[dict[str, Any]] = []
    names: set[str] = set()
    for event in events:
        if event["name"] != "exception" and event["name"] in names:
            continue
        names.add(event["name"])
        attributes = event.get("attributes") or {}
        kept.append(
            {
                "name": event["name"][:120],
                "timestamp": event["timestamp"],
                "attributes": raised(attributes),
            }
        )
    return kept


def shorten(span: dict[str, Any]) -> dict[str, Any]:
    """Return a span without its content; what it had at the start goes by the keys."""
    attributes = short(span.get("attributes") or {})
    start = short(span.get("attributes_at_start") or {})
    scope = span.get("scope") or {}
    return {
        "name": span["name"],
        "kind": span.get("kind") or "INTERNAL",
        "trace_id": span["trace_id"],
        "span_id": span["span_id"],
        "parent_span_id": span.get("parent_span_id"),
        "start_time_unix_nano": span["start_time_unix_nano"],
        "end_time_unix_nano": span.get("end_time_unix_nano"),
        "status": {"code": (span.get("status") or {}).get("code") or "UNSET"},
        "attributes": attributes,
        "events": events_of(span.get("events") or ()),
        "links": [
            {"trace_id": link["trace_id"], "span_id": link["span_id"]}
            for link in span.get("links") or ()
        ],
        "scope": {"name": scope.get("name") or "", "version": scope.get("version") or ""},
        "name_at_start": span.get("name_at_start") or span["name"],
        "attributes_at_start": {
            key: value for key, value in start.items() if attributes.get(key) != value
        },
        "at_start": [key for key, value in start.items() if attributes.get(key) == value],
    }


def main() -> None:
    """Shorten every recording of a folder."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.json")):
        if path.name.endswith(".expect.json"):
            continue
        truth = path.with_name(f"{path.stem}.expect.json")  # versions have dots, too
        if not truth.exists():
            continue
        data = json.loads(path.read_text())
        lines = {
            kind: ",\n".join(
                json.dumps(shorten(span), ensure_ascii=False, separators=(",", ":"))
                for span in data.get(kind, ())
            )
            for kind in ("spans", "unfinished_spans")
        }
        head = {key: data[key] for key in ("framework", "instrumentation", "scenario")}
        text = json.dumps(head)[:-1]
        for kind, body in lines.items():
            text += f',\n"{kind}":[{body}]'
        (target / path.name).write_text(text + "}\n")
        told = json.loads(truth.read_text())
        (target / truth.name).write_text(
            json.dumps({key: told[key] for key in TRUTH if key in told}, indent=1) + "\n"
        )


TRUTH = (
    "framework", "instrumentation", "scenario", "versions", "agents", "tool_calls",
    "llm_calls_ok", "llm_calls_error", "tokens", "notes",
)  # fmt: skip

if __name__ == "__main__":
    main()
