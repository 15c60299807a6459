"""What an accelerator would be sent and compute for one image: packets and jobs, from statistics.

The schedule (visits, row bands, places) is the compiler's own; so are the rules by which weights
stay on chip or stream, and how tiles are cut. Nothing is encoded, no weight is looked at.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import ScenarioError
from cosim.estimate.cycles import job_cycles
from cosim.estimate.filters import EstimatedFilters, estimated_filters
from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.packets import HEADER_WORDS
from hdl.registers import JOB_REGISTERS
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.program import Buffer
from networks.schedule.choose_divisions import list_costs, plan_divisions
from networks.schedule.division import WHOLE, Division
from networks.schedule.operation import Operation
from networks.schedule.plan import weight_capacity
from networks.schedule.residency import LayerPlacement, Placement, place_weights
from networks.schedule.schedule import Schedule, make_schedule
from networks.schedule.stage import Region, Stage
from networks.schedule.visit import ImageState, VisitWriter
from networks.schedule.weights import Tile
from networks.statistics import NetworkStatistics, OperationStatistics

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
    """One image: host layers by index, or visits; what each layer comes to; tensors in memory."""

    steps: tuple[int | Visit, ...]
    layers: tuple[LayerPlan, ...]
    setup_words: int
    host_reasons: Mapping[int, str]
    tensor_bytes: Mapping[str, int]


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
            lambda index: list_costs(
                operations[index].nonzero.astype(np.int64),
                operations[index].pairs / np.maximum(1.0, operations[index].nonzero),
                config.lookahead,
            ),
            balance=balance,
            positions=positions,
        )
    filters = [
        estimated_filters(operation, item, config, division=own, balance=balance, groups=groups)
        for operation, item, own in zip(schedule.operations, operations, divisions, strict=True)
    ]
    try:
        placements = place_weights(filters, weight_capacity(config))
    except NetworkError as error:
        raise ScenarioError(str(error)) from error
    planned = {
        id(own.operation): _Planned(item, own, placement)
        for item, own, placement in zip(operations, filters, placements, strict=True)
    }
    counts: list[Counter[str]] = [Counter() for _ in statistics.graph.layers[1:]]
    state = ImageState(schedule.last_stored)
    steps: list[int | Visit] = []
    for step in schedule.steps:
        if isinstance(step, int):
            steps.append(step)
        else:
            writer = _PlanWriter(planned, schedule, config, state, counts, groups=groups)
            writer.stages(step)
            steps.append(writer.finish())
    setup = sum(len(own.values) for own in filters) * config.bias_words
    for item in planned.values():
        if item.placement.resident:
            setup += sum(item.tile_words.values())
    found: list[dict[str, Any]] = [dict(own) for own in counts]
    for item in planned.values():
        found[item.filters.operation.index] |= item.decided
    return ImagePlan(
        tuple(steps),
        tuple(LayerPlan(**own) for own in found),
        setup,
        schedule.lowered.host_reasons,
        _tensor_bytes(statistics.graph, schedule),
    )


def _tensor_bytes(graph: LayerGraph, schedule: Schedule) -> dict[str, int]:
    """Bytes of each tensor of a graph in system memory, border included."""
    found = {}
    for name, (channels, height, width) in graph.shapes.items():
        number_format = graph.format_of(name)
        assert number_format is not None
        buffer = Buffer(
            name,
            0,
            (1, height, width, channels),
            number_format.bits,
            pads=schedule.layouts[name].pads,
            stack=schedule.input_stack if name == graph.input.name else None,
        )
        found[name] = buffer.length_bytes
    return found


def _scheduled(
    statistics: NetworkStatistics, schedule: Schedule
) -> tuple[OperationStatistics, ...]:
    """Statistics of the operations that are scheduled, in their order; the host's are left out."""
    of_layer: dict[int, Iterator[OperationStatistics]] = {
        index: iter(tuple(items))
        for index, items in groupby(statistics.operations, key=lambda item: item.index)
    }
    return tuple(next(of_layer[operation.index]) for operation in schedule.operations)


def _tile_words(filters: EstimatedFilters, tile: Tile) -> int:
    """Stream words of a tile, packet headers included; a unit without filters is sent nothing."""
    config = filters.config
    active = min(filters.units, tile.last - tile.first)
    values = filters.unit_values(tile)[:active]
    if config.kind == "list":
        words = np.maximum(values, filters.least_words)
        if config.lookahead == 1:
            words = np.full(active, tile.room.words)
        return int(words.sum()) * ListLayout.of(config).stream_words + active * HEADER_WORDS
    words = -(-values // config.lanes)
    if config.kind == "dense":
        return int(words.sum()) + active * HEADER_WORDS
    sections = filters.sections(tile) * (tile.last - tile.first)
    return int(words.sum()) + sections + 2 * active * HEADER_WORDS


@dataclass(frozen=True)
class _Planned:
    """One operation with what is decided about its weights."""

    statistics: OperationStatistics
    filters: EstimatedFilters
    placement: LayerPlacement

    @property
    def decided(self) -> dict[str, Any]:
        """What a `LayerPlan` says of it that is not counted."""
        resident, division = self.placement.resident, self.filters.division
        return {"weights_resident": resident, "division": division}

    @cached_property
    def filter_products(self) -> dict[str, float]:
        """Products of a window and filter on the mean: useful ones, and all."""
        config, statistics = self.filters.config, self.statistics
        useful = made = float(statistics.pairs.mean())
        if config.kind == "dense":
            made = statistics.steps
        elif not config.independent_units:
            made = float(statistics.nonzero.mean())
        return {"macs_useful": useful, "multiplications": made}

    @cached_property
    def tile_words(self) -> dict[Tile, int]:
        """Stream words of each tile, packet headers included."""
        return {item.tile: _tile_words(self.filters, item.tile) for item in self.placement.tiles}


class _PlanWriter(VisitWriter):
    """The items of one visit; what they come to is added to the `counts` of each layer."""

    def __init__(
        self,
        planned: Mapping[int, _Planned],
        schedule: Schedule,
        config: AcceleratorConfig,
        state: ImageState,
        counts: list[Counter[str]],
        *,
        groups: bool,
    ) -> None:
        super().__init__(schedule.layouts, config.lanes, state)
        self._planned, self._counts, self._groups = planned, counts, groups
        self._items: list[tuple[int, float, bool]] = []
        self._pieces = 1
        self._received: list[int] = []

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

    def placement(self, operation: Operation) -> LayerPlacement:
        return self._planned[id(operation)].placement

    def load(self, stage: Stage, name: str, region: Region, *, fence: bool) -> None:
        self._send(stage, HEADER_WORDS + region.words, fence=fence)
        self._pieces += 2

    def clear(self, stage: Stage, address: int, words: int, *, fence: bool) -> None:
        self._send(stage, HEADER_WORDS + 1, fence=fence)

    def weights(self, stage: Stage, placement: Placement, *, fence: bool) -> None:
        planned = self._planned[id(stage.operation)]
        self._send(stage, planned.tile_words[placement.tile], fence=fence)

    def compute(self, stage: Stage, placement: Placement) -> None:
        operation, tile = stage.operation, placement.tile
        planned = self._planned[id(operation)]
        division, pool = planned.filters.division, operation.pool.kernel
        columns = operation.output_shape[2] // division.positions
        windows = stage.rows * columns * pool[0] * pool[1]
        in_step = self._groups and operation.single_window
        cycles = job_cycles(planned.filters, tile, windows, in_step=in_step)
        self._job(stage, COMPUTE, cycles)
        filters = windows * (tile.last - tile.first) / division.parts
        products = {name: filters * each for name, each in planned.filter_products.items()}
        self._add(stage, cycles=cycles, jobs=1, **products)

    def store(self, stage: Stage, name: str, region: Region, *, last: bool) -> None:
        self._job(stage, STORE, region.words)
        self._received.append(region.words)
        cycles = region.words + STORE_CYCLES
        self._add(stage, store_cycles=cycles, jobs=1, bytes_out=4 * region.words)

    def _job(self, stage: Stage, kind: int, amount: float) -> None:
        self._items.append((kind, amount, False))
        self._add(stage, bytes_in=4 * REGISTER_WORDS)

    def _send(self, stage: Stage, words: int, *, fence: bool) -> None:
        self._items.append((DATA, words, fence))
        self._add(stage, bytes_in=4 * words)

    def _add(self, stage: Stage, **counts: float) -> None:
        self._counts[stage.operation.index].update(counts)
