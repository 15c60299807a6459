"""Traces open in a viewer."""

import pytest

from cosim.trace import Trace
from tests.cosim.fake_accelerator import images, make_system
from tests.cosim.test_system import scenario
from tests.cosim.trace_checks import check_trace


def test_picoseconds_survive_the_microseconds_of_the_format() -> None:
    trace = Trace()
    trace.span("host", "step", 123_456_789_001, 123_456_790_012, cycles=3)
    [span] = check_trace(trace.to_json())["host"]
    assert round(span["ts"] * 1e6) == 123_456_789_001
    assert round(span["dur"] * 1e6) == 1_011
    assert span["args"] == {"cycles": 3}


def test_outer_spans_come_first_and_tracks_in_system_order() -> None:
    trace = Trace()
    trace.span("stage fetch", "inner", 10, 20)
    trace.span("stage fetch", "outer", 10, 40)
    trace.span("host", "step", 50, 60)
    tracks = check_trace(trace.to_json())
    assert list(tracks) == ["host", "stage fetch"]
    assert [span["name"] for span in tracks["stage fetch"]] == ["outer", "inner"]


def test_a_span_must_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="span step must end at or after 20 ps, not 10 ps"):
        Trace().span("host", "step", 20, 10)


@pytest.mark.parametrize("mode", ["interrupt", "polling"])
def test_spans_of_a_system_never_overlap_on_a_track(mode: str) -> None:
    trace = Trace()
    masters = ({"name": "other", "rate_mbyte_s": 150.0, "write": True},)
    described = scenario(host={"mode": mode}, masters=masters)
    make_system(described, trace=trace).run(images(3))
    tracks = check_trace(trace.to_json())
    assert len(tracks["dma s2mm"]) == 3
    assert {span["name"] for span in tracks["bus write"]} == {"dma s2mm", "dma sg", "other"}
