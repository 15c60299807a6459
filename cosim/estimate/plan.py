"""What an accelerator would be sent and compute for one image: packets and jobs, from statistics.

The schedule (visits, row bands, places) is the compiler's own; so are the rules by which weights
stay on chip or stream, and how tiles are cut. Nothing is encoded, no weight is looked at.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

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
    layers = [LayerPlan() for _ in statistics.graph.layers[1:]]
    state = ImageState(schedule.last_stored)
    steps: list[int | Visit] = []
    for step in schedule.steps:
        if isinstance(step, int):
            steps.append(step)
        else:
            writer = _PlanWriter(planned, schedule, config, state, layers, groups=groups)
            writer.stages(step)
            steps.append(writer.finish())
    setup = sum(len(own.values) for own in filters) * config.bias_words
    for item in planned.values():
        if item.placement.resident:
            setup += sum(_tile_words(item.filters, tile) for tile in item.placement.tiles)
    return ImagePlan(
        tuple(steps),
        tuple(layers),
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


def _tile_words(filters: EstimatedFilters, placement: Placement) -> int:
    """Stream words of a tile, packet headers included; a unit without filters is sent nothing."""
    config, tile = filters.config, placement.tile
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


class _PlanWriter(VisitWriter):
    """The items of one visit; what they come to is added to `layers`."""

    def __init__(
        self,
        planned: Mapping[int, _Planned],
        schedule: Schedule,
        config: AcceleratorConfig,
        state: ImageState,
        layers: list[LayerPlan],
        *,
        groups: bool,
    ) -> None:
        super().__init__(schedule.layouts, config.lanes, state)
        self._planned, self._config = planned, config
        self._layers, self._groups = layers, groups
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
        filters = self._planned[id(stage.operation)].filters
        self._send(stage, _tile_words(filters, placement), fence=fence)

    def compute(self, stage: Stage, placement: Placement) -> None:
        operation, tile = stage.operation, placement.tile
        planned = self._planned[id(operation)]
        filters, statistics = planned.filters, planned.statistics
        pool = operation.pool.kernel
        columns = operation.output_shape[2] // filters.division.positions
        windows = stage.rows * columns * pool[0] * pool[1]
        in_step = self._groups and operation.single_window
        cycles = job_cycles(filters, tile, windows, in_step=in_step)
        self._job(stage, COMPUTE, cycles)
        count = (tile.last - tile.first) / filters.division.parts
        share = windows * count / statistics.filters
        useful = share * float(statistics.pairs.sum())
        made = useful
        if self._config.kind == "dense":
            made = windows * count * statistics.steps
        elif not self._config.independent_units:
            made = share * float(statistics.nonzero.sum())
        self._add(stage, cycles=cycles, jobs=1, macs_useful=useful, multiplications=made)
        self._layers[operation.index] = replace(
            self._layers[operation.index],
            weights_resident=planned.placement.resident,
            division=filters.division,
        )

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
        index = stage.operation.index
        old = self._layers[index]
        new = {name: getattr(old, name) + value for name, value in counts.items()}
        self._layers[index] = replace(old, **new)
