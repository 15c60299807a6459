"""Latency of one image from a plan: host steps, DMA, jobs and the interrupt, one after the other.

Approximations: the DRAM always serves at its sequential rate; the DMA's start is one latency a
visit; host and accelerator never wait for each other's bus accesses; other masters take their share
of the memory's bandwidth and nothing else.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.board import Board
from cosim.breakdown import CATEGORIES
from cosim.descriptors import DESCRIPTOR_USED_BYTES
from cosim.driver import host_step_cycles
from cosim.estimate.plan import (
    COMPUTE,
    DATA,
    REGISTER_WORDS,
    STORE_CYCLES,
    ImagePlan,
    Visit,
)
from cosim.scenario import Scenario
from cosim.units import PS_PER_US, ns_to_ps
from networks.graph import LayerGraph
from networks.layers import elements

HOST_STEPS = ("call", "input", "cache", "descriptors", "registers", "layers", "result")

REGISTER_ACCESS_CYCLES = 4
"""Bus cycles of a register access beyond the host's own way to the bus."""

JOB_START_CYCLES = 3
"""From the last word of a job's registers to the job's first cycle."""


@dataclass(frozen=True)
class Rates:
    """What a board does to a stream, in picoseconds: a word in, a word out, and the DMA's start."""

    word_in_ps: float
    word_out_ps: float
    start_ps: int
    finish_ps: int
    period_ps: int


@dataclass(frozen=True)
class ImageEstimate:
    """Picoseconds of an image by category, of set-up, and of host work by step."""

    breakdown_ps: dict[str, float]
    setup_ps: float
    host_ps: dict[str, float]
    dram_bytes: float
    bus_bytes: float

    @property
    def total_ps(self) -> float:
        """Latency of an image."""
        return sum(self.breakdown_ps.values())


def rates(scenario: Scenario) -> Rates:
    """The rates of a scenario's board with its other masters."""
    board = scenario.board
    memory, bus = board.memory, board.clocks.bus
    others = sum(master.rate_mbyte_s for master in scenario.masters)
    period_ps = board.clocks.accelerator.period_ps
    beat_ps = bus.period_ps * 4 / board.bus.beat_bytes
    read_ps, write_ps = (
        4 * PS_PER_US / min(max(1.0, memory.peak_mbyte_s * part - others), memory.port_mbyte_s)
        for part in (memory.efficiency.sequential.read, memory.efficiency.sequential.write)
    )
    latency_ps = ns_to_ps(memory.read_latency_ns)
    burst_words = board.dma.burst_beats * board.bus.beat_bytes / 4
    # As many bursts as may be outstanding hide the memory's latency, or do not.
    hidden_ps = (latency_ps + burst_words * beat_ps) / (board.bus.outstanding * burst_words)
    gap_ps = board.dma.s2mm_gap_cycles * bus.period_ps / burst_words
    dma = board.dma
    start_cycles = dma.descriptor_fetch_cycles + dma.mm2s_read_cycles + dma.mm2s_beat_cycles
    return Rates(
        max(period_ps, beat_ps, read_ps, hidden_ps),
        max(period_ps, beat_ps + gap_ps, write_ps),
        start_cycles * bus.period_ps + 2 * latency_ps,
        dma.s2mm_write_cycles * bus.period_ps + ns_to_ps(memory.write_latency_ns),
        period_ps,
    )


def estimate_image(scenario: Scenario, graph: LayerGraph, plan: ImagePlan) -> ImageEstimate:
    """One image on a scenario's system."""
    board = scenario.board
    costs = board.host
    speed = rates(scenario)
    host = dict.fromkeys(HOST_STEPS, 0.0)
    cycle_ps = board.clocks.host.period_ps
    bus_ps = REGISTER_ACCESS_CYCLES * board.clocks.bus.period_ps
    access_ps = ns_to_ps(costs.programmed_io_ns) + bus_ps
    bits = scenario.accelerator.bits
    input_elements = elements(graph.input.shape)
    output_elements = elements(graph.shapes[graph.output.name])
    moved_bytes = 0.0
    host["call"] = ns_to_ps(costs.call_ns)
    host["input"] = input_elements * costs.quantise_element_cycles * cycle_ps
    host["cache"] = _lines_ps(board, plan.input_bytes, costs.flush_line_ns)
    compute_ps = transfer_ps = interrupt_ps = 0.0
    for step in plan.steps:
        if isinstance(step, int):
            layer = graph.layers[1 + step]
            sizes = [elements(graph.shapes[name]) for name in (*layer.inputs, layer.name)]
            macs = getattr(layer, "dense_macs", lambda shape: 0)(graph.input_shape(layer))
            host["layers"] += host_step_cycles(costs, macs, sum(sizes)) * cycle_ps
            for size in sizes[:-1]:
                host["cache"] += _lines_ps(board, _bytes(size, bits), costs.invalidate_line_ns)
            host["cache"] += _lines_ps(board, _bytes(sizes[-1], bits), costs.flush_line_ns)
            moved_bytes += sum(_bytes(size, bits) for size in sizes)
            continue
        descriptors = step.pieces + step.receives
        host["descriptors"] += descriptors * costs.descriptor_cycles * cycle_ps
        host["cache"] += descriptors * ns_to_ps(costs.flush_line_ns)
        host["registers"] += 2 * access_ps
        end_ps, computed_ps = visit_ps(step, speed)
        compute_ps += computed_ps
        # The host is told of the last job; what is still under way to memory ends meanwhile.
        accesses = 4 if scenario.host.mode == "interrupt" else 6
        notice_cycles = (
            costs.interrupt_entry_cycles + costs.isr_cycles
            if scenario.host.mode == "interrupt"
            else costs.poll_interval_cycles
        )
        notice_ps = notice_cycles * cycle_ps + accesses * access_ps
        hidden_ps = min(notice_ps, speed.finish_ps)
        transfer_ps += end_ps - computed_ps + hidden_ps
        interrupt_ps += notice_ps - hidden_ps
        host["descriptors"] += step.receives * costs.descriptor_cycles * cycle_ps
        line_ps = _lines_ps(board, DESCRIPTOR_USED_BYTES, costs.invalidate_line_ns)
        host["cache"] += step.receives * line_ps
        moved_bytes += 4 * float(step.amounts[step.kinds == DATA].sum()) + 4 * step.received_words
        moved_bytes += descriptors * (DESCRIPTOR_USED_BYTES + 4 + 4)
    host["cache"] += _lines_ps(board, plan.output_bytes, costs.invalidate_line_ns)
    host["result"] = output_elements * costs.result_element_cycles * cycle_ps
    moved_bytes += plan.input_bytes + plan.output_bytes
    parts = dict.fromkeys(CATEGORIES, 0.0) | {
        "host": sum(host.values()),
        "compute": compute_ps,
        "transfer": transfer_ps,
        "interrupt": interrupt_ps,
    }
    setup_ps = plan.setup_words * speed.word_in_ps + speed.start_ps + 16 * access_ps
    return ImageEstimate(parts, setup_ps, host, moved_bytes, moved_bytes)


def visit_ps(visit: Visit, speed: Rates) -> tuple[float, float]:
    """Picoseconds of a visit, from the start of the DMA to the end of the last job, and of its
    compute jobs."""
    return _visit_ps(
        visit.kinds,
        visit.amounts,
        visit.fenced,
        speed.word_in_ps,
        speed.word_out_ps,
        float(speed.start_ps),
        float(speed.period_ps),
    )


@njit(cache=True)
def _visit_ps(
    kinds: NDArray[np.int64],
    amounts: NDArray[np.float64],
    fenced: NDArray[np.bool_],
    word_in_ps: float,
    word_out_ps: float,
    start_ps: float,
    period_ps: float,
) -> tuple[float, float]:
    received, free, computed = start_ps, 0.0, 0.0
    for index in range(len(kinds)):
        amount = amounts[index]
        if kinds[index] == DATA:
            if fenced[index]:
                received = max(received, free)
            received += amount * word_in_ps
            continue
        # The packet with a job's registers waits until no job runs.
        received = max(received, free) + REGISTER_WORDS * word_in_ps
        begin = received + JOB_START_CYCLES * period_ps
        if kinds[index] == COMPUTE:
            free = begin + amount * period_ps
            computed += amount * period_ps
        else:
            free = begin + max(amount * period_ps, amount * word_out_ps) + STORE_CYCLES * period_ps
    return free, computed


def _bytes(count: int, bits: int) -> int:
    return -(-count * bits // 32) * 4


def _lines_ps(board: Board, length_bytes: int, line_ns: float) -> int:
    return ns_to_ps(math.ceil(length_bytes / board.host.cache_line_bytes) * line_ns)
