"""A whole compute job: its results, its cycles, and what every unit did in them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.fast.counts import JobCounts, Work, independent_counts, lockstep_counts
from cosim.fast.durations import list_durations, section_durations, window_sections
from cosim.fast.latencies import Latencies
from cosim.fast.lists import list_filters
from cosim.fast.memories import Memories
from cosim.fast.pipe import simulate
from cosim.fast.pipe_state import Pipes, PipeTimes
from cosim.fast.pipes import dense_pipes, independent_pipes, lockstep_lists
from cosim.fast.sums import nonzero_products, patches_of, results_of, sums_of
from cosim.fast.weights import (
    Filters,
    bitmap_filters,
    dense_filters,
    section_bitmaps,
    signed,
)
from hdl.config import AcceleratorConfig
from hdl.registers import BY_NAME
from networks.job_walk import (
    JobFields,
    output_places,
    takes_parts,
    walk_addresses,
    window_addresses,
)


@dataclass(frozen=True)
class ComputeJob:
    """What a compute job does; cycle 0 is the one that starts it.

    `cycles` that it runs; `times`, `addresses` and `patterns` of its result writes in order of
    time: the element is in the memory from the cycle after; `counts`: sums over its units.
    """

    cycles: int
    times: NDArray[np.int64]
    addresses: NDArray[np.int64]
    patterns: NDArray[np.int64]
    counts: JobCounts


def compute(registers: dict[str, int], memories: Memories) -> ComputeJob:
    """Computes the job in the job `registers` on what is in the memories, which stay as they are.

    A job must not write what it reads, and nothing it reads may be loaded while it runs. Raises
    ValueError on lists that do not end, an accumulator that overflows, or several windows in step.
    """
    config = memories.config
    job, bases = _decoded(tuple(registers.items()), config.activation_elements)
    numbers = _activations(job, memories)
    latencies = Latencies.of(config)
    count = job["JOB_FILTERS"]["last"] + 1
    work: Work | None = None
    if config.kind == "dense":
        filters = dense_filters(job, memories)
        pipes, times = _dense_times(config, count, len(filters.offsets), len(bases))
    else:
        take_up = _lists if config.kind == "list" else _bitmaps
        filters, pipes, work = take_up(job, memories, latencies, bases)
        times = simulate(pipes)
    patches = patches_of(config, numbers, bases, filters.offsets)
    useful = int(nonzero_products(filters.rows, filters.values, patches))
    cycles = int(times.takes[-1]) + latencies.write + latencies.end + 1
    if work is not None:
        counts = independent_counts(config, pipes, times, latencies, cycles, useful, work)
    else:
        counts = lockstep_counts(config, pipes, times, latencies, cycles, useful, count)
    results = results_of(job, memories, sums_of(config, filters, patches))
    return ComputeJob(cycles, *_writes(job, config, latencies, times, results), counts)


@lru_cache(maxsize=64)
def _decoded(
    registers: tuple[tuple[str, int], ...], activation_elements: int
) -> tuple[JobFields, NDArray[np.int64]]:
    """Fields of job registers, and where its windows begin; the same jobs come image by image."""
    job = {name: BY_NAME[name].decode(word) for name, word in registers}
    return job, window_addresses(job) % activation_elements


def _activations(job: JobFields, memories: Memories) -> NDArray:
    """All elements as numbers; a match sees only those whose bit is set."""
    config = memories.config
    numbers = memories.elements.astype(np.int64)
    if not job["JOB_SCALE"]["unsigned_input"]:
        numbers = signed(numbers, config.bits)
    if config.kind == "bitmap":
        numbers *= memories.nonzero
    return numbers


@lru_cache(maxsize=16)
def _dense_times(
    config: AcceleratorConfig, count: int, steps: int, windows: int
) -> tuple[Pipes, PipeTimes]:
    """The timing of a `dense` job, which follows from its shape: `count` filters of `steps`."""
    pipes = dense_pipes(config, count, steps, windows)
    return pipes, simulate(pipes)


def _lists(
    job: JobFields, memories: Memories, latencies: Latencies, bases: NDArray[np.int64]
) -> tuple[Filters, Pipes, Work | None]:
    config = memories.config
    filters, words = list_filters(job, memories)
    if not config.independent_units:
        return filters, lockstep_lists(config, words.ends, len(bases)), None
    patches = patches_of(config, memories.elements, bases, filters.offsets)
    heads, tails = list_durations(
        words.starts, words.rows, (patches != 0).view(np.uint8), latencies.depth
    )
    items = np.diff(words.starts)
    pairs = nonzero_products(filters.rows, filters.values, patches)
    last = tails[np.arange(len(items)), np.minimum(items, latencies.depth) - 1]
    work = Work(pairs, pairs + int(np.count_nonzero(last == 0)))
    parts = takes_parts(job, config)
    return filters, independent_pipes(config, items, heads, tails, parts=parts), work


def _bitmaps(
    job: JobFields, memories: Memories, latencies: Latencies, bases: NDArray[np.int64]
) -> tuple[Filters, Pipes, Work]:
    config = memories.config
    walk = walk_addresses(job) % config.activation_elements
    bitmaps, before = section_bitmaps(job, memories, len(walk))
    filters = bitmap_filters(job, memories, bitmaps, before)
    sections = window_sections(memories.section_words(), bases, walk)
    heads, tails, pairs, cycles = section_durations(bitmaps, sections, latencies.depth)
    items = np.full(len(bitmaps), len(walk))
    in_step = bool(job["JOB_COMMAND"]["in_step"])
    if in_step and len(bases) > 1:
        raise ValueError(f"a job in step must have one window, not {len(bases)}")
    pipes = independent_pipes(config, items, heads, tails, in_step=in_step)
    return filters, pipes, Work(pairs, cycles)


def _writes(
    job: JobFields,
    config: AcceleratorConfig,
    latencies: Latencies,
    times: PipeTimes,
    results: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Times, addresses and patterns of what is written, in order of time."""
    count, windows = results.shape
    pool = (job["LOOP_POOL_X"]["last"] + 1) * (job["LOOP_POOL_Y"]["last"] + 1)
    largest = results.reshape(count, windows // pool, pool).max(axis=2)
    places = output_places(job)
    takes, takers, units = times.takes, times.takers, config.units
    if takes_parts(job, config):
        takes, takers, units = takes[::2], takers[::2] // 2, units // 2
    at, addresses, values = _in_order(takes, takers, largest, places, units, pool)
    return (
        at + latencies.write,
        addresses % config.activation_elements,
        values & ((1 << config.bits) - 1),
    )


@njit(cache=True)
def _in_order(
    takes: NDArray[np.int64],
    takers: NDArray[np.int64],
    largest: NDArray[np.int64],
    places: NDArray[np.int64],
    units: int,
    pool: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Results of pooling windows that end, in the order in which the collector took them."""
    count, outputs = largest.shape
    times = np.empty(count * outputs, np.int64)
    addresses = np.empty(count * outputs, np.int64)
    values = np.empty(count * outputs, np.int64)
    channels = np.arange(units)
    windows = np.zeros(units, np.int64)
    done = 0
    for place in range(len(takes)):
        unit = takers[place]
        channel, window = channels[unit], windows[unit]
        if window % pool == pool - 1:
            times[done] = takes[place]
            addresses[done] = places[window // pool] + channel
            values[done] = largest[channel, window // pool]
            done += 1
        if channel + units >= count:
            channels[unit] = unit
            windows[unit] += 1
        else:
            channels[unit] = channel + units
    return times, addresses, values
