"""Trace of a run in the Chrome trace-event format, which the Perfetto UI opens.

Every track is a thread of one process. Format: "Trace Event Format" (Google), complete events
(`ph` "X") with `ts` and `dur` in microseconds; picoseconds are kept as decimals.
"""

import json
from dataclasses import dataclass
from typing import Any

from cosim.units import PS_PER_US

PROCESS_ID = 1

SYSTEM_TRACKS = (
    "host",
    "interrupt",
    "bus read",
    "bus write",
    "bus registers",
    "dma mm2s descriptors",
    "dma mm2s",
    "dma mm2s status",
    "dma s2mm descriptors",
    "dma s2mm",
    "dma s2mm status",
    "memory",
    "jobs",
)
"""Tracks of the system around the accelerator, in the order in which a viewer shows them."""


@dataclass(frozen=True)
class Span:
    """Something that lasted from `start_ps` to `end_ps` on a track."""

    track: str
    name: str
    start_ps: int
    end_ps: int
    args: dict[str, Any]


class Trace:
    """Collects spans; tracks appear in the order of `SYSTEM_TRACKS`, then of their first span."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._tracks: dict[str, int] = {name: i + 1 for i, name in enumerate(SYSTEM_TRACKS)}

    def span(self, track: str, name: str, start_ps: int, end_ps: int, **args: Any) -> None:
        """Adds a span; on one track spans must nest or follow each other.

        Raises ValueError on a span that ends before it starts.
        """
        if end_ps < start_ps:
            raise ValueError(f"span {name} must end at or after {start_ps} ps, not {end_ps} ps")
        self._tracks.setdefault(track, len(self._tracks) + 1)
        self.spans.append(Span(track, name, start_ps, end_ps, args))

    def events(self) -> list[dict[str, Any]]:
        """The trace events: names of process and tracks, then all spans by track and time."""
        events: list[dict[str, Any]] = [_metadata("process_name", 0, name="sparse accelerator")]
        used = {span.track for span in self.spans}
        for track, thread_id in self._tracks.items():
            if track in used:
                events.append(_metadata("thread_name", thread_id, name=track))
                events.append(_metadata("thread_sort_index", thread_id, sort_index=thread_id))
        # An outer span must come before those it encloses.
        for span in sorted(
            self.spans, key=lambda s: (self._tracks[s.track], s.start_ps, -s.end_ps)
        ):
            event: dict[str, Any] = {
                "name": span.name,
                "cat": "simulation",
                "ph": "X",
                "ts": span.start_ps / PS_PER_US,
                "dur": (span.end_ps - span.start_ps) / PS_PER_US,
                "pid": PROCESS_ID,
                "tid": self._tracks[span.track],
            }
            if span.args:
                event["args"] = span.args
            events.append(event)
        return events

    def to_json(self) -> str:
        """The whole trace file, one event a line."""
        lines = ",\n".join(json.dumps(event) for event in self.events())
        return f'{{"displayTimeUnit": "ns", "traceEvents": [\n{lines}\n]}}\n'


def _metadata(kind: str, thread_id: int, **args: Any) -> dict[str, Any]:
    return {"name": kind, "ph": "M", "ts": 0, "pid": PROCESS_ID, "tid": thread_id, "args": args}
