"""The time line of an image is short and loses nothing that could be seen."""

from typing import Any

import pytest

from cosim import timeline as module
from cosim.breakdown import CATEGORIES
from cosim.report import build_report, match_jobs
from tests.cosim.fake_accelerator import JOB_CYCLES
from tests.cosim.test_report import make_run


def line_of(run: Any) -> dict[str, Any]:
    return module.timeline(run.program, run.record, match_jobs(run.program, run.record))


def test_it_is_in_the_report_and_covers_the_image() -> None:
    run = make_run()
    line = build_report(run)["timeline"]
    image = run.record.images[0]
    assert line["duration_ns"] == (image.end_ps - image.start_ps) / 1000
    assert line["left_out"] == 0
    starts = [start for _, _, start, _ in line["spans"]]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert max(end for *_, end in line["spans"]) == line["duration_ns"]
    assert {track for track, *_ in line["spans"]} == set(CATEGORIES) - {"idle"}
    (job,) = [span for span in line["spans"] if span[0] == "compute"]
    assert job[1] == "invert"
    assert job[3] - job[2] == JOB_CYCLES * 10


def test_spans_of_the_host_add_up_to_its_steps() -> None:
    run = make_run()
    report = build_report(run)
    spans = report["timeline"]["spans"]
    first = run.record.images[0]
    busy_ns = sum(end - start for track, _, start, end in spans if track == "host")
    expected_ps = sum(
        span.end_ps - span.start_ps
        for span in run.record.host_spans
        if span.step != "notice" and first.start_ps <= span.start_ps < first.end_ps
    )
    assert busy_ns == pytest.approx(expected_ps / 1000)


def test_the_longest_spans_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run()
    whole = line_of(run)
    monkeypatch.setattr(module, "MOST_SPANS", 5)
    short = line_of(run)
    assert len(short["spans"]) == 5
    assert short["left_out"] == len(whole["spans"]) - 5
    lengths = sorted((end - start for *_, start, end in whole["spans"]), reverse=True)
    assert min(end - start for *_, start, end in short["spans"]) >= lengths[4]


def test_spans_that_follow_each_other_are_one() -> None:
    spans = [
        module.Span("host", "cache", 0, 10),
        module.Span("host", "cache", 11, 20),
        module.Span("compute", "fc1", 12, 15),
        module.Span("host", "cache", 25, 30),
        module.Span("host", "call", 30, 31),
    ]
    assert module._merged(spans, 1) == [
        module.Span("host", "cache", 0, 20),
        module.Span("compute", "fc1", 12, 15),
        module.Span("host", "cache", 25, 30),
        module.Span("host", "call", 30, 31),
    ]
