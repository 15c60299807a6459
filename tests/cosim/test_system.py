"""The whole system around a tiny accelerator: results, time, and what is reported as wrong."""

from collections.abc import Callable
from typing import Any

import pytest

from cosim.errors import ScenarioError, SimulationError
from cosim.scenario import Scenario
from cosim.system import RunRecord
from cosim.trace import Trace
from tests.cosim.conftest import load_board
from tests.cosim.fake_accelerator import (
    JOB_CYCLES,
    Faults,
    expected,
    images,
    make_system,
)

MakeScenario = Callable[..., Scenario]


def scenario(board: dict[str, Any] | None = None, **sections: Any) -> Scenario:
    data = {"network": {"source": "fake"}, "board": load_board(**(board or {})), **sections}
    return Scenario.model_validate(data)


def run(described: Scenario, count: int = 2, **options: Any) -> RunRecord:
    return make_system(described, **options).run(images(count))


@pytest.mark.parametrize("mode", ["interrupt", "polling"])
@pytest.mark.parametrize("data_bits", [32, 64])
@pytest.mark.parametrize("accelerator_mhz", [37.0, 100.0, 240.0])
def test_results_come_back_in_true_channel_order(
    mode: str, data_bits: int, accelerator_mhz: float
) -> None:
    board = {
        "bus": {"data_bits": data_bits},
        "clocks": {"accelerator_mhz": accelerator_mhz},
    }
    record = run(scenario(board, host={"mode": mode}), 3)
    assert [list(image.logits) for image in record.images] == [expected(i) for i in images(3)]
    assert len(record.jobs) == 6


def test_host_layers_read_and_write_modelled_memory() -> None:
    record = run(scenario(), host_layer=True)
    for image, result in zip(images(2), record.images, strict=True):
        pooled = [max(expected(image)[6 * channel :][:6]) for channel in range(4)]
        assert list(result.logits) == pooled
        assert result.prediction == pooled.index(max(pooled))
    assert any(span.step == "layers" for span in record.host_spans)


def test_every_image_takes_the_same_time_in_turn() -> None:
    record = run(scenario(), 3)
    starts = [image.start_ps for image in record.images]
    ends = [image.end_ps for image in record.images]
    assert starts == [record.setup_ps, *ends[:2]]
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    # The host's clock and the bus's meet at different phases.
    assert max(lengths) - min(lengths) < 50_000
    assert min(lengths) > JOB_CYCLES * 10_000


def test_two_runs_are_equal() -> None:
    first, second = run(scenario()), run(scenario())
    assert first.images == second.images
    assert first.host_spans == second.host_spans
    assert first.transfers_ps == second.transfers_ps
    assert first.traffic == second.traffic


def test_slower_parts_make_slower_images() -> None:
    def latency(**changes: Any) -> int:
        record = run(scenario(changes), 1)
        return record.images[0].end_ps - record.images[0].start_ps

    base = latency()
    assert latency(memory={"read_latency_ns": 800.0}) > base
    assert latency(host={"flush_line_ns": 12.0, "invalidate_line_ns": 12.0}) < base
    slow_entry_ps = latency(host={"interrupt_entry_cycles": 1778})
    # Register accesses wait for the next bus edge.
    assert slow_entry_ps == pytest.approx(base + 902 * 1538, abs=20_000)
    assert latency(clocks={"accelerator_mhz": 50.0}) > base + JOB_CYCLES * 10_000


def test_other_masters_take_bandwidth() -> None:
    def run_with(*rates: float) -> tuple[int, RunRecord]:
        masters = tuple({"name": f"other{i}", "rate_mbyte_s": rate} for i, rate in enumerate(rates))
        described = scenario({"bus": {"outstanding": 1}}, masters=masters)
        record = run(described, 1)
        return record.images[0].end_ps - record.images[0].start_ps, record

    alone, _ = run_with()
    crowded, record = run_with(300.0, 300.0)
    assert crowded > alone
    total_s = record.images[-1].end_ps / 1e12
    for served_bytes in record.other_masters_bytes.values():
        assert 0 < served_bytes / total_s <= 300e6


def test_a_stopped_accelerator_is_a_deadlock_that_names_both_sides() -> None:
    with pytest.raises(SimulationError) as caught:
        run(scenario(), faults=Faults(stops_in_job=True))
    message = str(caught.value)
    assert message.startswith("deadlock at ")
    assert "the host waits for the results of invert" in message
    assert "DMA S2MM: 1 descriptors under way" in message
    assert "1 jobs started" in message
    assert "\n" not in message


def test_other_masters_do_not_hide_a_deadlock() -> None:
    described = scenario(
        masters=({"name": "other", "rate_mbyte_s": 100.0},), host={"timeout_us": 200.0}
    )
    with pytest.raises(
        SimulationError, match=r"timeout at .* host waits for the results of invert"
    ):
        run(described, faults=Faults(stops_in_job=True))


@pytest.mark.parametrize("mode", ["interrupt", "polling"])
@pytest.mark.parametrize(
    ("faults", "message"),
    [
        (Faults(error_code=1), r"accelerator reports error 1 \(0: none, 1: unknown packet"),
        (Faults(miscounts=True), "JOBS of the accelerator must be 4, not 5"),
        (Faults(units=4), "VERSION.units of the accelerator must be 8, not 4"),
        (
            Faults(result_words_missing=2),
            "result of invert must be one packet of 24 bytes, not 16 bytes",
        ),
    ],
)
def test_what_the_hardware_reports_ends_the_run(mode: str, faults: Faults, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        run(scenario(host={"mode": mode}), faults=faults)


def test_memory_must_hold_program_and_other_masters() -> None:
    with pytest.raises(
        ScenarioError, match=r"board\.memory.size_bytes must be at least 4[0-9]{3} "
    ):
        run(scenario({"memory": {"size_bytes": 4096}}))
    masters = ({"name": "other", "rate_mbyte_s": 100.0, "region_bytes": 65536},)
    with pytest.raises(ScenarioError, match="size_bytes must be at least 73728 for this network"):
        run(scenario({"memory": {"size_bytes": 8192}}, masters=masters))


def test_address_ranges_must_not_overlap() -> None:
    with pytest.raises(ScenarioError, match="Address range 0x40400000-0x40400fff of accelerator"):
        run(scenario({"bus": {"accelerator_base_bytes": 0x4040_0000}}))


def test_the_trace_shows_every_part() -> None:
    trace = Trace()
    run(scenario(), trace=trace)
    tracks = {span.track for span in trace.spans}
    assert tracks >= {
        "host",
        "interrupt",
        "bus read",
        "bus write",
        "bus registers",
        "dma mm2s",
        "dma mm2s descriptors",
        "dma s2mm",
        "memory",
    }


def test_polling_reads_registers_instead_of_waiting() -> None:
    trace = Trace()
    run(scenario(host={"mode": "polling"}), trace=trace)
    names = [span.name for span in trace.spans if span.track == "interrupt"]
    assert "interrupt entry" not in names
    assert names.count("read S2MM DMASR") > 2


def test_interrupts_are_waited_for_in_set_up_too() -> None:
    trace = Trace()
    run(scenario(), trace=trace)
    names = [span.name for span in trace.spans if span.track == "interrupt"]
    assert "poll interval" not in names
    assert names.count("interrupt entry") >= 2
