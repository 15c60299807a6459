"""What an accelerator would be sent and compute for one image: packets and jobs, from statistics.

The schedule (visits, row bands, places) is the compiler's own; so are the rules by which weights
stay on chip or stream, and how tiles are cut. Nothing is encoded, no weight is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from cosim.errors import ScenarioError
from cosim.estimate.cycles import (
    OVERHEAD_CYCLES,
    Spread,
    cut_tiles,
    filter_costs,
    job_cycles,
    spread,
)
from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.packets import HEADER_WORDS
from hdl.registers import JOB_REGISTERS
from networks.program import Buffer
from networks.schedule.choose_divisions import plan_divisions
from networks.schedule.division import WHOLE, Division
from networks.schedule.offload import border_words
from networks.schedule.plan import weight_capacity
from networks.schedule.residency import resident_sets
from networks.schedule.schedule import Schedule, make_schedule
from networks.schedule.stage import Region, Stage
from networks.schedule.weights import Room
from networks.statistics import NetworkStatistics, OperationStatistics
from networks.weight_lists import MIN_LIST_WORDS

DATA, COMPUTE, STORE = 0, 1, 2
REGISTER_WORDS = HEADER_WORDS + len(JOB_REGISTERS)
STORE_CYCLES = 8
"""Cycles of a store job beyond its words."""


@dataclass(frozen=True, eq=False)
class Visit:
    """What one visit to the accelerator is sent, in order.

    `kinds`: data, a compute job or a store job; `amounts`: words of data or of a store, cycles of a
    computation; `fenced`: data that wait until no job runs. `pieces`: DMA transfers it is sent in.
    """

    kinds: NDArray[np.int64]
    amounts: NDArray[np.float64]
    fenced: NDArray[np.bool_]
    pieces: int
    receives: int
    received_words: int


@dataclass(frozen=True)
class LayerPlan:
    """One layer of one image; `cycles` of its compute jobs."""

    cycles: float = 0.0
    store_cycles: float = 0.0
    jobs: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    macs_useful: float = 0.0
    multiplications: float = 0.0
    weights_resident: bool = False
    division: Division = WHOLE


@dataclass(frozen=True, eq=False)
class ImagePlan:
    """One image: host layers by index, or visits; and what each layer comes to."""

    steps: tuple[int | Visit, ...]
    layers: tuple[LayerPlan, ...]
    setup_words: int
    host_reasons: Mapping[int, str]
    input_bytes: int
    output_bytes: int


@lru_cache(maxsize=64)
def _schedule(
    statistics: NetworkStatistics, stacks: bool, bits: int, activations: int, channel_scales: bool
) -> Schedule:
    """The compiler's schedule, which depends on nothing else of the accelerator."""
    config = AcceleratorConfig.model_validate(
        {
            "kind": "bitmap" if stacks else "dense",
            "bits": bits,
            "activation_elements": activations,
            "channel_scales": channel_scales,
        }
    )
    return make_schedule(statistics.graph, config)


@dataclass(frozen=True)
class _Held:
    """Where an operation's weights are: on chip for good, or streamed in tiles."""

    resident: bool
    cuts: tuple[int, ...]
    double_buffered: bool


@lru_cache(maxsize=4096)
def plan_image(
    statistics: NetworkStatistics,
    config: AcceleratorConfig,
    balance: bool = True,
    groups: bool = False,
    positions: bool = True,
) -> ImagePlan:
    """The plan for one image; raises ScenarioError if weights do not fit the memories.

    `groups`: units of `bitmap` wait for each other behind each of their filters, as published.
    `positions`: `list` may compute several output positions at a window.
    """
    groups = groups and config.kind == "bitmap"
    balance = balance and not groups
    schedule = _schedule(
        statistics,
        config.kind == "bitmap",
        config.bits,
        config.activation_elements,
        config.channel_scales,
    )
    operations = _scheduled(statistics, schedule)
    divisions = (WHOLE,) * len(operations)
    if config.kind == "list":
        divisions = plan_divisions(
            schedule,
            config,
            weight_capacity(config),
            lambda index: filter_costs(operations[index], "list", config.lookahead)[:2],
            balance=balance,
            positions=positions,
        )
    spreads = [
        spread(item, config, division=own, balance=balance)
        for item, own in zip(operations, divisions, strict=True)
    ]
    held = _place(statistics, operations, spreads, config)
    position = {id(item): index for index, item in enumerate(schedule.operations)}
    layers = [LayerPlan() for _ in statistics.graph.layers[1:]]
    steps: list[int | Visit] = []
    for step in schedule.steps:
        if isinstance(step, int):
            steps.append(step)
            continue
        writer = _Visit(operations, schedule, config, divisions, spreads, held, layers, groups)
        for stage, coming in zip(step, [*step[1:], None], strict=True):
            writer.stage(stage, position[id(stage.operation)], coming)
        steps.append(writer.finish())
    entries = sum(item.filters * own.lists for item, own in zip(operations, divisions, strict=True))
    setup = entries * config.bias_words
    for operation, own, place in zip(operations, spreads, held, strict=True):
        if place.resident:
            setup += int(sum(_tile_words(operation, own, 0, own.ranks, config)))
    ends = (statistics.graph.input.name, statistics.graph.output.name)
    sizes = [_buffer_bytes(schedule, name, config.bits) for name in ends]
    if schedule.input_stack is not None:
        shape = statistics.graph.input.shape
        layout = schedule.layouts[ends[0]]
        stacked = Buffer(
            ends[0],
            0,
            (1, *shape[1:], shape[0]),
            config.bits,
            pads=layout.pads,
            stack=schedule.input_stack,
        )
        sizes[0] = stacked.length_bytes
    return ImagePlan(tuple(steps), tuple(layers), setup, schedule.lowered.host_reasons, *sizes)


def _scheduled(
    statistics: NetworkStatistics, schedule: Schedule
) -> tuple[OperationStatistics, ...]:
    """Statistics of the operations that are scheduled, in their order; the host's are left out."""
    of_layer: dict[int, Iterator[OperationStatistics]] = {
        index: iter(tuple(items))
        for index, items in groupby(statistics.operations, key=lambda item: item.index)
    }
    return tuple(next(of_layer[operation.index]) for operation in schedule.operations)


def _buffer_bytes(schedule: Schedule, name: str, bits: int) -> int:
    """Bytes of a tensor in system memory, border included."""
    return -(-schedule.layouts[name].elements * bits // 32) * 4


def _place(
    statistics: NetworkStatistics,
    operations: Sequence[OperationStatistics],
    spreads: Sequence[Spread],
    config: AcceleratorConfig,
) -> list[_Held]:
    sections = [_sections(item, config) for item in operations]
    word_values = _word_values(config)
    least = MIN_LIST_WORDS if config.kind == "list" else 0
    whole = [
        Room(max(least, -(-int(own.values[-1].max()) // word_values)), own.ranks * count)
        for own, count in zip(spreads, sections, strict=True)
    ]
    capacity = weight_capacity(config)
    for resident in resident_sets(whole, capacity):
        used = sum((whole[index] for index in resident), Room(0))
        left = capacity - used
        half = Room(left.words // 2, left.sections // 2)
        found: list[_Held] = []
        for index, own in enumerate(spreads):
            if index in resident:
                found.append(_Held(True, (0, own.ranks), True))
                continue
            for room, double in ((half, True), (left, False)):
                cuts = cut_tiles(
                    own.values, sections[index], room.words * word_values, room.sections
                )
                if len(cuts) > 1:
                    found.append(_Held(False, tuple(int(cut) for cut in cuts), double))
                    break
            else:
                break
        if len(found) == len(spreads):
            return found
    layer = statistics.graph.layers[1 + operations[0].index].name
    raise ScenarioError(f"one filter a unit of every layer from '{layer}' on must fit {capacity}")


def _word_values(config: AcceleratorConfig) -> int:
    return 1 if config.kind == "list" else config.lanes


def _sections(operation: OperationStatistics, config: AcceleratorConfig) -> int:
    return operation.sections if config.kind == "bitmap" else 0


def _tile_words(
    operation: OperationStatistics,
    own: Spread,
    first: int,
    last: int,
    config: AcceleratorConfig,
) -> NDArray[np.float64]:
    """Stream words of a tile, by unit, with packet headers; 0 where a unit holds nothing."""
    values = own.values[last] - own.values[first]
    held = own.held[last] - own.held[first]
    if config.kind == "list":
        words = np.maximum(values, MIN_LIST_WORDS)
        if config.lookahead == 1:
            words = np.full_like(values, words.max())
        words = words * ListLayout.of(config).stream_words
    else:
        words = np.ceil(values / config.lanes)
        if config.kind == "bitmap":
            words = words + held * operation.sections + HEADER_WORDS
    return np.where(held > 0, words + HEADER_WORDS, 0)


@dataclass(frozen=True)
class _Load:
    """Words, header included, for a region, sent in so many DMA transfers more."""

    region: Region
    words: int
    pieces: int


class _Visit:
    """Writes the items of one visit, in the order of `networks.schedule.offload`."""

    def __init__(
        self,
        operations: Sequence[OperationStatistics],
        schedule: Schedule,
        config: AcceleratorConfig,
        divisions: Sequence[Division],
        spreads: Sequence[Spread],
        held: Sequence[_Held],
        layers: list[LayerPlan],
        groups: bool,
    ) -> None:
        self._operations, self._schedule, self._config = operations, schedule, config
        self._divisions = divisions
        self._spreads, self._held, self._layers = spreads, held, layers
        self._groups = groups
        self._items: list[tuple[int, float, bool]] = []
        self._pieces = 1
        self._received: list[int] = []
        self._prepared: list[_Load] | None = None
        self._busy: list[Region] = []
        self._streamed: dict[int, int] = {}

    def stage(self, stage: Stage, index: int, coming: Stage | None) -> None:
        """One stage; what the following one is sent comes as early as there is room for it."""
        prepared = self._prepared if self._prepared is not None else self._preparation(stage)
        for load in prepared:
            self._load(stage, load)
        self._compute(stage, index)
        stored = [stage.regions[name] for name in stage.stores]
        self._prepared = [] if coming is None else self._prepare_early(coming, stored)
        for name in stage.stores:
            self._store(stage, name)

    def _prepare_early(self, coming: Stage, stored: Sequence[Region]) -> list[_Load]:
        """Sends what the next stage needs; left is what would overwrite what is to be stored."""
        left = []
        for load in self._preparation(coming):
            if any(load.region.overlaps(other, self._config.lanes) for other in stored):
                left.append(load)
            else:
                self._load(coming, load)
        return left

    def finish(self) -> Visit:
        """The visit."""
        kinds, amounts, fenced = zip(*self._items, strict=True)
        return Visit(
            np.array(kinds, np.int64),
            np.array(amounts, np.float64),
            np.array(fenced, np.bool_),
            self._pieces,
            len(self._received),
            sum(self._received),
        )

    def _preparation(self, stage: Stage) -> list[_Load]:
        """Tensors, and the borders of the result, that are sent before a stage's jobs."""
        lanes = self._config.lanes
        loads = [
            _Load(stage.regions[name], HEADER_WORDS + stage.regions[name].words, 2)
            for name in stage.loads
        ]
        if stage.clear:
            target = stage.operation.target
            region = stage.regions[target]
            borders = border_words(self._schedule.layouts[target], region, lanes)
            if borders:
                loads.append(_Load(region, (HEADER_WORDS + 1) * len(borders), 0))
        return loads

    def _load(self, stage: Stage, load: _Load) -> None:
        fence = any(load.region.overlaps(other, self._config.lanes) for other in self._busy)
        if fence:
            self._busy = []
        self._send(stage, load.words, fence=fence)
        self._pieces += load.pieces

    def _compute(self, stage: Stage, index: int) -> None:
        config, own, held = self._config, self._spreads[index], self._held[index]
        operation = self._operations[index]
        pool = stage.operation.pool.kernel
        columns = stage.operation.output_shape[2] // self._divisions[index].positions
        windows = stage.rows * columns * pool[0] * pool[1]
        tiles = list(pairwise(held.cuts))
        again = index in self._streamed
        for number, (first, last) in enumerate(tiles):
            if not held.resident:
                kept = min(len(tiles), 2 if held.double_buffered else 1) if again else 0
                if number >= kept:
                    words = float(_tile_words(operation, own, first, last, config).sum())
                    # A tile that replaces one at work waits for it.
                    self._send(stage, words, fence=not held.double_buffered)
            jobs = [(first, last)]
            if self._groups and windows > 1:
                jobs = list(pairwise(range(first, last + 1)))
            for begin, end in jobs:
                cycles = job_cycles(
                    windows,
                    own.cycles,
                    own.held,
                    own.variance,
                    begin,
                    end,
                    not config.independent_units,
                    config.kind == "dense",
                    self._groups,
                    OVERHEAD_CYCLES[config.kind],
                )
                self._job(stage, COMPUTE, cycles)
                self._count(stage, operation, own, begin, end, windows, cycles)
            names = (*stage.operation.sources, stage.operation.target)
            self._busy = [stage.regions[name] for name in names]
            self._layers[stage.operation.index] = replace(
                self._layers[stage.operation.index],
                weights_resident=held.resident,
                division=self._divisions[index],
            )
        self._streamed[index] = len(tiles)

    def _count(
        self,
        stage: Stage,
        operation: OperationStatistics,
        own: Spread,
        first: int,
        last: int,
        windows: int,
        cycles: float,
    ) -> None:
        share = float((own.held[last] - own.held[first]).sum()) / operation.filters
        useful = windows * share * float(operation.pairs.sum())
        made = useful
        if self._config.kind == "dense":
            made = windows * share * operation.filters * operation.steps
        elif not self._config.independent_units:
            made = windows * share * float(operation.nonzero.sum())
        self._add(
            stage.operation.index,
            cycles=cycles,
            jobs=1,
            macs_useful=useful,
            multiplications=made,
        )

    def _store(self, stage: Stage, name: str) -> None:
        words = stage.regions[name].words
        self._job(stage, STORE, words)
        self._busy = [stage.regions[name]]
        self._received.append(words)
        self._add(
            stage.operation.index, store_cycles=words + STORE_CYCLES, jobs=1, bytes_out=4 * words
        )

    def _job(self, stage: Stage, kind: int, amount: float) -> None:
        self._items.append((kind, amount, False))
        self._add(stage.operation.index, bytes_in=4 * REGISTER_WORDS)

    def _send(self, stage: Stage, words: float, *, fence: bool) -> None:
        self._items.append((DATA, words, fence))
        self._add(stage.operation.index, bytes_in=int(4 * words))

    def _add(self, index: int, **counts: float) -> None:
        old = self._layers[index]
        new = {name: getattr(old, name) + value for name, value in counts.items()}
        self._layers[index] = replace(old, **new)
