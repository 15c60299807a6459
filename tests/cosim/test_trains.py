"""Many beats in one step give what single ones do, to the picosecond and in every count."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simpy import Event

from cosim.descriptors import Descriptor
from cosim.dma_channel import Command
from cosim.read_train import ReadTrain
from cosim.report import build_report
from cosim.run import execute, prepare
from cosim.scenario import load_scenario
from cosim.train import Pausable, Train
from cosim.transactions import Bursts
from cosim.write_train import WriteBurst, WriteState, WriteTrain

SCENARIO = Path(__file__).parents[2] / "scripts" / "scenarios" / "lenet5-list.toml"

BOARD = {
    "clocks.accelerator_mhz": [100, 150, 66.7, 37, 200],
    "clocks.bus_mhz": [100, 133, 50],
    "bus.data_bits": [32, 64, 128],
    "bus.outstanding": [4, 1, 2, 8],
    "bus.address_cycles": [1, 2, 5],
    "dma.burst_beats": [16, 8],
    "dma.fifo_words": [512, 128],
    "dma.s2mm_gap_cycles": [5.16, 2.0, 20.0],
    "dma.mm2s_beat_cycles": [6, 1, 9],
    "dma.stream_depth_beats": [4, 2, 8],
    "memory.peak_mbyte_s": [2100, 300, 150],
    "memory.port_mbyte_s": [1200, 200],
    "memory.read_latency_ns": [200, 60, 900],
}
SMALL = {"list_words": 1024, "weight_words": 512, "bitmap_words": 512}


@st.composite
def changes(draw: st.DrawFn, networks: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {f"board.{key}": draw(st.sampled_from(BOARD[key])) for key in BOARD}
    found |= {f"accelerator.{name}": words for name, words in SMALL.items()}
    found["accelerator.kind"] = draw(st.sampled_from(["list", "bitmap", "dense"]))
    found["accelerator.lookahead"] = draw(st.sampled_from([1, 2, 4]))
    found["accelerator.units"] = draw(st.sampled_from([1, 4, 8]))
    found["network.source"] = draw(st.sampled_from(networks))
    # the smaller one makes row bands, whose results go to memory and come back
    large = found["network.source"].startswith("fire")
    elements = [16384, 32768] if large else [1024, 4096]
    found["accelerator.activation_elements"] = draw(st.sampled_from(elements))
    found["board.memory.size_bytes"] = 1 << 24
    found["host.mode"] = draw(st.sampled_from(["interrupt", "polling"]))
    if draw(st.booleans()):
        rate, write = draw(st.sampled_from([1.0, 60.0])), draw(st.booleans())
        camera = {"name": "camera", "rate_mbyte_s": rate, "burst_bytes": 64, "write": write}
        found["masters"] = [camera]
    return found


class OneByOne:
    """No engine is one, so that none is asked to take or send many words at once."""


def run(wanted: dict[str, Any], *, riding: bool) -> tuple[str, Any, Counter]:
    """Report and record of a run, and how many trains of either kind there were."""
    trains: Counter = Counter()
    depart = Train._depart

    def counted(train: Train, partner: Pausable, until_ps: int) -> Event:
        trains[type(train)] += 1
        return depart(train, partner, until_ps)

    settled = {"run.engine": "fast", "input.images": 1, "host.timeout_us": 100000.0}
    prepared = prepare(load_scenario(SCENARIO, changes=settled | wanted))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Train, "_depart", counted)
        if not riding:
            patch.setattr("cosim.bridge.StreamingEngine", OneByOne)
        done = execute(prepared)
    report = build_report(done) | {"wall_s": None}
    return json.dumps(report, sort_keys=True), done.record, trains


def check(wanted: dict[str, Any]) -> Counter:
    single, single_record, none = run(wanted, riding=False)
    assert not none
    joined, joined_record, trains = run(wanted, riding=True)
    assert joined == single
    assert joined_record == single_record
    return trains


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes(("lenet300", "lenet5")))
def test_all_is_as_burst_by_burst(wanted: dict[str, Any]) -> None:
    check(wanted)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes(("lenet300", "lenet5", "fire2-expand3x3")))
def test_all_is_as_burst_by_burst_often(wanted: dict[str, Any]) -> None:
    check(wanted)


@pytest.mark.parametrize("kind", ["list", "bitmap", "dense"])
def test_trains_start_where_weights_stream(kind: str) -> None:
    """With short packets one may start in the very cycle in which a job's command is written."""
    small = {f"accelerator.{name}": words for name, words in SMALL.items()}
    network = "lenet300" if kind == "dense" else "lenet5"
    assert check({"accelerator.kind": kind, "network.source": network} | small)[ReadTrain] > 10


def test_results_that_leave_between_words_that_come() -> None:
    """Row bands of a larger layer, stored through a FIFO that is full most of the time."""
    trains = check(
        {
            "network.source": "fire2-expand3x3",
            "accelerator.units": 64,
            "accelerator.activation_elements": 16384,
            "board.memory.size_bytes": 1 << 24,
        }
    )
    assert trains[WriteTrain] > 10


def test_no_train_goes_beyond_the_memory() -> None:
    """There the bus refuses bursts, and the DMA stops."""
    start = WriteTrain.start

    def beyond(
        train: WriteTrain, state: WriteState, like: WriteBurst, bursts: Bursts
    ) -> Event | None:
        far = Bursts(bursts.address_bytes + (1 << 28), bursts.length_bytes)
        assert start(train, state, like, far) is None
        return start(train, state, like, bursts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WriteTrain, "start", beyond)
        wanted = {
            "network.source": "fire2-expand3x3",
            "accelerator.activation_elements": 16384,
            "board.memory.size_bytes": 1 << 24,
        }
        _, _, trains = run(wanted, riding=True)
    assert trains[WriteTrain] > 0


def test_a_burst_is_answered_in_the_instant_in_which_a_train_begins() -> None:
    """It must not count as one of those that are still under way."""
    camera = {"name": "camera", "rate_mbyte_s": 5.0, "burst_bytes": 64, "write": False}
    check(
        {
            "network.source": "fire2-expand3x3",
            "accelerator.units": 16,
            "accelerator.lookahead": 4,
            "accelerator.list_words": 2048,
            "accelerator.activation_elements": 16384,
            "board.clocks.accelerator_mhz": 150,
            "board.bus.outstanding": 8,
            "board.bus.address_cycles": 1,
            "board.bus.data_bits": 64,
            "board.dma.burst_beats": 8,
            "board.dma.s2mm_gap_cycles": 20.0,
            "board.dma.stream_depth_beats": 8,
            "board.memory.peak_mbyte_s": 300,
            "board.memory.size_bytes": 1 << 24,
            "masters": [camera],
        }
    )


def test_a_train_begins_while_the_one_write_that_may_be_outstanding_is() -> None:
    check(
        {f"accelerator.{name}": words for name, words in SMALL.items()}
        | {
            "network.source": "fire2-expand3x3",
            "accelerator.kind": "bitmap",
            "accelerator.units": 4,
            "accelerator.activation_elements": 16384,
            "board.clocks.accelerator_mhz": 66.7,
            "board.bus.outstanding": 1,
            "board.bus.address_cycles": 5,
            "board.bus.data_bits": 64,
            "board.dma.burst_beats": 8,
            "board.dma.stream_depth_beats": 4,
            "board.memory.peak_mbyte_s": 300,
            "board.memory.size_bytes": 1 << 24,
        }
    )


@pytest.mark.parametrize(("bus_mhz", "accelerator_mhz"), [(50, 100), (133, 150)])
def test_a_beat_that_is_put_while_others_are_being_taken(
    bus_mhz: float, accelerator_mhz: float
) -> None:
    """The DMA must take it after those before it, at edges of its own clock."""
    check(
        {
            "board.clocks.bus_mhz": bus_mhz,
            "board.clocks.accelerator_mhz": accelerator_mhz,
            "board.dma.burst_beats": 8,
            "board.dma.stream_depth_beats": 8,
            "accelerator.units": 16,
            "accelerator.activation_elements": 1024,
        }
    )


def test_results_fill_the_stream_to_a_slow_bus() -> None:
    """Four results come in the time in which the DMA takes one; two have places."""
    check(
        {
            "board.clocks.bus_mhz": 50,
            "board.clocks.accelerator_mhz": 200,
            "board.dma.stream_depth_beats": 2,
            "accelerator.activation_elements": 1024,
        }
    )


@pytest.mark.parametrize(
    ("network", "kind"), [("lenet5", ReadTrain), ("fire2-expand3x3", WriteTrain)]
)
def test_other_masters_cut_trains(network: str, kind: type[Train]) -> None:
    camera = {"name": "camera", "rate_mbyte_s": 1.0, "burst_bytes": 64, "write": True}
    wanted: dict[str, Any] = {f"accelerator.{name}": words for name, words in SMALL.items()}
    wanted |= {"network.source": network, "board.memory.size_bytes": 1 << 24}
    if kind is WriteTrain:
        wanted |= {"accelerator.activation_elements": 16384}
    alone = run(wanted, riding=True)
    assert check(wanted | {"masters": [camera]})[kind] > alone[2][kind]


@pytest.mark.parametrize("delay_ns", [300, 1000])
def test_a_buffer_becomes_ready_while_the_tail_of_the_one_before_comes(delay_ns: int) -> None:
    """A train that knew of no further buffer must end there."""

    def late(
        address_bytes: int, descriptor: Descriptor, requested_ps: int, ready_ps: int
    ) -> Command:
        weights = descriptor.length_bytes > 100_000
        return Command(
            address_bytes, descriptor, requested_ps, ready_ps + weights * delay_ns * 1000
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cosim.dma_channel.Command", late)
        # an image of 25 bursts goes before the weights
        check({"accelerator.list_words": 1024, "board.dma.burst_beats": 8})


def test_a_train_goes_on_through_the_ends_of_jobs_that_raise_no_interrupt() -> None:
    """Weights of `dense` come while a job runs and after it: one train, not two."""
    _, record, trains = run(
        {
            "accelerator.kind": "dense",
            "network.source": "lenet300",
            "accelerator.weight_words": 512,
        },
        riding=True,
    )
    assert trains[ReadTrain] < 1.5 * len(record.jobs)
