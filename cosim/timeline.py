"""What happened when during an image, short enough for a report."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cosim.accelerator import JobRecord
from cosim.system import RunRecord
from cosim.units import ps_to_ns
from networks.program import Job, Program

MOST_SPANS = 240
"""Spans of an image that are kept."""

FINEST = 1 / 4000
"""Part of the image's time below which a gap between spans of one name is not shown."""


class Span(NamedTuple):
    """`track` is a category of `cosim.breakdown`; what is not the host's may overlap it."""

    track: str
    name: str
    start_ps: int
    end_ps: int


def timeline(
    program: Program, record: RunRecord, jobs: Sequence[tuple[Job, JobRecord]]
) -> dict[str, Any]:
    """Spans of the first image, nanoseconds since its start: `[track, name, start, end]`.

    Spans of the same name that (almost) follow each other are one; if more than `MOST_SPANS` are
    left, the shortest are left out (`left_out` of them).
    """
    image = record.images[0]
    start_ps, end_ps = image.start_ps, image.end_ps
    inside = [
        Span(track, name, max(start, start_ps), min(end, end_ps))
        for track, name, start, end in _spans(program, record, jobs)
        if start < end_ps and end > start_ps
    ]
    merged = _merged(inside, round((end_ps - start_ps) * FINEST))
    kept = sorted(merged, key=lambda span: span.start_ps - span.end_ps)[:MOST_SPANS]
    return {
        "image": 0,
        "duration_ns": ps_to_ns(end_ps - start_ps),
        "left_out": len(merged) - len(kept),
        "spans": [
            [track, name, ps_to_ns(start - start_ps), ps_to_ns(end - start_ps)]
            for track, name, start, end in sorted(kept, key=lambda span: span.start_ps)
        ],
    }


def _spans(
    program: Program, record: RunRecord, jobs: Sequence[tuple[Job, JobRecord]]
) -> Iterable[Span]:
    for span in record.host_spans:
        track = "interrupt" if span.step == "notice" else "host"
        yield Span(track, span.step, span.start_ps, span.end_ps)
    for start_ps, end_ps in record.transfers_ps:
        yield Span("transfer", "DMA", start_ps, end_ps)
    for plan, job in jobs:
        name = program.layers[plan.layer_index].name
        if plan.kind == "compute":
            yield Span("compute", name, job.start_ps, job.end_ps)
        else:
            yield Span("transfer", f"store {name}", job.start_ps, job.end_ps)


def _merged(spans: Iterable[Span], gap_ps: int) -> list[Span]:
    """Spans of a track with one name joined where no more than `gap_ps` lies between them."""
    found: list[Span] = []
    last: dict[str, int] = {}
    for span in sorted(spans, key=lambda span: span.start_ps):
        index = last.get(span.track)
        before = None if index is None else found[index]
        if (
            index is not None
            and before is not None
            and before.name == span.name
            and span.start_ps - before.end_ps <= gap_ps
        ):
            found[index] = before._replace(end_ps=max(before.end_ps, span.end_ps))
        else:
            last[span.track] = len(found)
            found.append(span)
    return found
