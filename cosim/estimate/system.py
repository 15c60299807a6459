"""Latency of one image from a plan: host steps, DMA, jobs and the interrupt, one after the other.

Approximations: the DRAM always serves at its sequential rate; the DMA's start is one latency a
visit; host and accelerator never wait for each other's bus accesses; other masters take their share
of the memory's bandwidth and nothing else.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.breakdown import CATEGORIES
from cosim.descriptors import DESCRIPTOR_USED_BYTES
from cosim.estimate.plan import (
    COMPUTE,
    DATA,
    REGISTER_WORDS,
    STORE_CYCLES,
    ImagePlan,
    Visit,
)
from cosim.estimate.settings import Numbers, Settings
from cosim.scenario import Scenario
from cosim.units import PS_PER_NS, PS_PER_US
from networks.graph import LayerGraph
from networks.layers import elements

HOST_STEPS = ("call", "input", "cache", "descriptors", "registers", "layers", "result")

REGISTER_ACCESS_CYCLES = 4
"""Bus cycles of a register access beyond the host's own way to the bus."""

JOB_START_CYCLES = 3
"""From the last word of a job's registers to the job's first cycle."""


@dataclass(frozen=True)
class Rates:
    """What a board does to a stream, in picoseconds: a word in, a word out, and the DMA's start.

    `waiting_words` may be on their way out without any waiting in the accelerator.
    """

    word_in_ps: Numbers
    word_out_ps: Numbers
    waiting_words: Numbers
    start_ps: Numbers
    finish_ps: Numbers
    period_ps: Numbers


@dataclass(frozen=True)
class ImageTimes:
    """Picoseconds of an image by category, of set-up, and of host work by step.

    One number each, or an array with one for each design point.
    """

    breakdown_ps: dict[str, Numbers]
    setup_ps: Numbers
    host_ps: dict[str, Numbers]
    dram_bytes: float


@dataclass(frozen=True)
class ImageEstimate:
    """Picoseconds of an image by category, of set-up, and of host work by step."""

    breakdown_ps: dict[str, float]
    setup_ps: float
    host_ps: dict[str, float]
    dram_bytes: float
    """The bus carries as many."""

    @property
    def total_ps(self) -> float:
        """Latency of an image."""
        return sum(self.breakdown_ps.values())


def rates(settings: Settings) -> Rates:
    """The rates of a board with its other masters."""
    others = sum(master.rate_mbyte_s for master in settings.scenario.masters)
    period_ps, bus_ps = settings.period_ps("accelerator"), settings.period_ps("bus")
    beat_bytes = settings("board.bus.data_bits") / 8
    beat_ps = bus_ps * 4 / beat_bytes
    read_ps, write_ps = (_memory_word_ps(settings, way, others) for way in ("read", "write"))
    latency_ps = settings.ps("board.memory.read_latency_ns")
    burst_words = settings("board.dma.burst_beats") * beat_bytes / 4
    # As many bursts as may be outstanding hide the memory's latency, or do not.
    hidden_ps = (latency_ps + burst_words * beat_ps) / (
        settings("board.bus.outstanding") * burst_words
    )
    gap_ps = settings("board.dma.s2mm_gap_cycles") * bus_ps / burst_words
    start_cycles = (
        settings("board.dma.descriptor_fetch_cycles")
        + settings("board.dma.mm2s_read_cycles")
        + settings("board.dma.mm2s_beat_cycles")
    )
    write_latency_ps = settings.ps("board.memory.write_latency_ns")
    return Rates(
        np.maximum(np.maximum(period_ps, beat_ps), np.maximum(read_ps, hidden_ps)),
        np.maximum(np.maximum(period_ps, beat_ps + gap_ps), write_ps),
        settings("board.dma.fifo_words"),
        start_cycles * bus_ps + 2 * latency_ps,
        settings("board.dma.s2mm_write_cycles") * bus_ps + write_latency_ps,
        period_ps,
    )


def _memory_word_ps(settings: Settings, way: str, others_mbyte_s: float) -> Numbers:
    part = settings(f"board.memory.efficiency.sequential.{way}")
    left_mbyte_s = settings("board.memory.peak_mbyte_s") * part - others_mbyte_s
    port_mbyte_s = settings("board.memory.port_mbyte_s")
    found: Numbers = 4 * PS_PER_US / np.minimum(np.maximum(1.0, left_mbyte_s), port_mbyte_s)
    return found


def estimate_image(scenario: Scenario, graph: LayerGraph, plan: ImagePlan) -> ImageEstimate:
    """One image on a scenario's system."""
    times = image_times(Settings(scenario), graph, plan)
    return ImageEstimate(
        {name: float(time_ps) for name, time_ps in times.breakdown_ps.items()},
        float(times.setup_ps),
        {name: float(time_ps) for name, time_ps in times.host_ps.items()},
        times.dram_bytes,
    )


def image_times(settings: Settings, graph: LayerGraph, plan: ImagePlan) -> ImageTimes:
    """One image by a plan, on one system or on many that only differ in constants."""
    speed, costs = rates(settings), _HostCosts(settings)
    access_ps = costs.access_ps
    host: dict[str, Numbers] = dict.fromkeys(HOST_STEPS, 0.0)
    input_bytes, output_bytes = (
        plan.tensor_bytes[name] for name in (graph.input.name, graph.output.name)
    )
    moved_bytes = float(input_bytes + output_bytes)
    host["call"] = settings.ps("board.host.call_ns")
    host["input"] = elements(graph.input.shape) * costs.cycles_ps("quantise_element_cycles")
    host["cache"] = costs.flush_ps(input_bytes)
    compute_ps: Numbers = 0.0
    transfer_ps: Numbers = 0.0
    interrupt_ps: Numbers = 0.0
    # The host is told of the last job; what is still under way to memory ends meanwhile.
    notice_ps = costs.notice_ps()
    hidden_ps = np.minimum(notice_ps, speed.finish_ps)
    for step in plan.steps:
        if isinstance(step, int):
            layer = graph.layers[1 + step]
            names = (*layer.inputs, layer.name)
            sizes = [elements(graph.shapes[name]) for name in names]
            macs = getattr(layer, "dense_macs", lambda shape: 0)(graph.input_shape(layer))
            host["layers"] += costs.layer_ps(macs, sum(sizes))
            for name in layer.inputs:
                host["cache"] += costs.invalidate_ps(plan.tensor_bytes[name])
            host["cache"] += costs.flush_ps(plan.tensor_bytes[layer.name])
            moved_bytes += sum(plan.tensor_bytes[name] for name in names)
            continue
        descriptors = step.pieces + step.receives
        # Those of results are read again when they are back.
        host["descriptors"] += (descriptors + step.receives) * costs.cycles_ps("descriptor_cycles")
        host["cache"] += descriptors * settings.ps("board.host.flush_line_ns")
        host["cache"] += step.receives * costs.invalidate_ps(DESCRIPTOR_USED_BYTES)
        host["registers"] += 2 * access_ps
        end_ps, computed_ps = visit_ps(step, speed)
        compute_ps += computed_ps
        transfer_ps += end_ps - computed_ps + hidden_ps
        interrupt_ps += notice_ps - hidden_ps
        moved_bytes += 4 * float(step.amounts[step.kinds == DATA].sum()) + 4 * step.received_words
        moved_bytes += descriptors * (DESCRIPTOR_USED_BYTES + 4 + 4)
    host["cache"] += costs.invalidate_ps(output_bytes)
    output_elements = elements(graph.shapes[graph.output.name])
    host["result"] = output_elements * costs.cycles_ps("result_element_cycles")
    parts: dict[str, Numbers] = dict.fromkeys(CATEGORIES, 0.0)
    parts |= {
        "host": sum(host.values()),
        "compute": compute_ps,
        "transfer": transfer_ps,
        "interrupt": interrupt_ps,
    }
    setup_ps = plan.setup_words * speed.word_in_ps + speed.start_ps + 16 * access_ps
    setup_ps = setup_ps + costs.interrupt_ps(2)
    return ImageTimes(parts, setup_ps, host, moved_bytes)


class _HostCosts:
    """What the driver's steps cost, in picoseconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cycle_ps = settings.period_ps("host")
        bus_ps = REGISTER_ACCESS_CYCLES * settings.period_ps("bus")
        self.access_ps = settings.ps("board.host.programmed_io_ns") + bus_ps

    def cycles_ps(self, key: str) -> Numbers:
        """Host cycles, a key of the board's host."""
        found: Numbers = self._settings(f"board.host.{key}") * self._cycle_ps
        return found

    def layer_ps(self, macs: int, element_count: int) -> Numbers:
        """A layer on the host, as in `cosim.driver.host_step_cycles`."""
        cycles = macs * self._settings("board.host.layer_mac_cycles")
        cycles += element_count * self._settings("board.host.layer_element_cycles")
        found: Numbers = np.rint(cycles) * self._cycle_ps
        return found

    def flush_ps(self, length_bytes: int) -> Numbers:
        """Flushing so many bytes from the cache."""
        return self._lines(length_bytes) * self._settings("board.host.flush_line_ns")

    def invalidate_ps(self, length_bytes: int) -> Numbers:
        """Invalidating so many bytes in the cache."""
        return self._lines(length_bytes) * self._settings("board.host.invalidate_line_ns")

    def _lines(self, length_bytes: int) -> Numbers:
        found: Numbers = np.ceil(length_bytes / self._settings("board.host.cache_line_bytes"))
        return found * PS_PER_NS

    def notice_ps(self) -> Numbers:
        """Learning that the last job ended."""
        poll_ps = self.cycles_ps("poll_interval_cycles") + 6 * self.access_ps
        found: Numbers = np.where(self._interrupts, self.interrupt_ps(4), poll_ps)
        return found

    def interrupt_ps(self, accesses: int) -> Numbers:
        """An interrupt and its register accesses; nothing if the host polls."""
        cycles_ps = self.cycles_ps("interrupt_entry_cycles") + self.cycles_ps("isr_cycles")
        found: Numbers = np.where(self._interrupts, cycles_ps + accesses * self.access_ps, 0)
        return found

    @property
    def _interrupts(self) -> Numbers:
        return np.equal(self._settings("host.mode"), "interrupt")


def visit_ps(visit: Visit, speed: Rates) -> tuple[Numbers, Numbers]:
    """Picoseconds of a visit, from the start of the DMA to the end of the last job, and of its
    compute jobs."""
    paces = np.broadcast_arrays(
        speed.word_in_ps, speed.word_out_ps, speed.waiting_words, speed.start_ps, speed.period_ps
    )
    shape = paces[0].shape
    points = np.ascontiguousarray(np.stack([pace.reshape(-1) for pace in paces]), np.float64)
    end_ps, computed_ps = _visit_ps(visit.kinds, visit.amounts, visit.fenced, points)
    return end_ps.reshape(shape), computed_ps.reshape(shape)


@njit(cache=True)
def _visit_ps(
    kinds: NDArray[np.int64],
    amounts: NDArray[np.float64],
    fenced: NDArray[np.bool_],
    paces: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ends, spent = np.zeros(paces.shape[1]), np.zeros(paces.shape[1])
    for point in range(paces.shape[1]):
        word_in_ps, word_out_ps, waiting, start_ps, period_ps = paces[:, point]
        received, free, computed, written = start_ps, 0.0, 0.0, 0.0
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
                written = max(begin, written) + amount * word_out_ps
                taken = max(begin + amount * period_ps, written - waiting * word_out_ps)
                free = taken + STORE_CYCLES * period_ps
        ends[point], spent[point] = max(free, written + STORE_CYCLES * period_ps), computed
    return ends, spent
