"""What a trace-event file must satisfy to open in Perfetto with nothing lost."""

import json
from typing import Any


def check_trace(text: str) -> dict[str, list[dict[str, Any]]]:
    """Spans by track name; asserts the format, and that spans of a track nest or follow."""
    document = json.loads(text)
    assert document["displayTimeUnit"] == "ns"
    names: dict[tuple[int, int], str] = {}
    tracks: dict[str, list[dict[str, Any]]] = {}
    for event in document["traceEvents"]:
        assert {"name", "ph", "ts", "pid", "tid"} <= event.keys()
        if event["ph"] == "M":
            if event["name"] == "thread_name":
                names[event["pid"], event["tid"]] = event["args"]["name"]
            continue
        assert event["ph"] == "X"
        assert event["dur"] >= 0
        tracks.setdefault(names[event["pid"], event["tid"]], []).append(event)
    assert len(set(names.values())) == len(names)
    for spans in tracks.values():
        _check_nesting(spans)
    return tracks


def _check_nesting(spans: list[dict[str, Any]]) -> None:
    open_ends: list[int] = []
    for span in spans:
        start_ps, end_ps = round(span["ts"] * 1e6), round((span["ts"] + span["dur"]) * 1e6)
        while open_ends and open_ends[-1] <= start_ps:
            open_ends.pop()
        assert not open_ends or end_ps <= open_ends[-1], f"{span} overlaps its predecessor"
        open_ends.append(end_ps)
