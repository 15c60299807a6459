"""One visit to the accelerator: packets and jobs of its stages, in the order they are sent.

    inputs | tile 0's weights | job 0 | tile 1's weights | job 1 | ... | next inputs | store job

A job's register packet waits until the accelerator is idle, so what is behind it is received while
the job computes. Whatever could overwrite what a running job uses is fenced.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from hdl.config import AcceleratorConfig
from hdl.packets import HEADER_WORDS, Destination, Header
from hdl.registers import JOB_BASE, JOB_REGISTERS
from networks.program import Buffer, Job, Offload, Transfer
from networks.schedule.jobs import compute_registers, store_registers
from networks.schedule.layout import Layout
from networks.schedule.plan import Planned
from networks.schedule.residency import LayerPlacement, Placement
from networks.schedule.stage import Region, Stage
from networks.schedule.stream import MemoryMap, StreamBuilder

_WORD_BYTES = 4


@dataclass
class ImageState:
    """What one image has moved so far: bytes by layer index, and weights that it streamed last.

    `stored` is what the last job sends out: it may still run when the next visit's packets come,
    at the first visit that of the image before. `streamed` are tiles, by the identity of their
    operations, that no other has replaced.
    """

    stored: Region | None = None
    sent_bytes: Counter[int] = field(default_factory=Counter)
    received_bytes: Counter[int] = field(default_factory=Counter)
    streamed: list[tuple[int, Placement]] = field(default_factory=list)

    def in_order(self, operation: int, placement: LayerPlacement) -> tuple[Placement, ...]:
        """The tiles of an operation, from the last if the band before has left that on chip."""
        tiles = placement.tiles
        return tiles[::-1] if (operation, tiles[-1]) in self.streamed else tiles

    def stream(self, operation: int, placement: Placement) -> bool:
        """Notes that a tile is needed; whether it must be sent."""
        if (operation, placement) in self.streamed:
            return False
        kept = [item for item in self.streamed if not item[1].overlaps(placement)]
        self.streamed = [*kept, (operation, placement)]
        return True


def build_offload(
    stages: Sequence[Stage],
    planned: Mapping[int, Planned],
    layouts: Mapping[str, Layout],
    buffers: Mapping[str, Buffer],
    accelerator: AcceleratorConfig,
    memory: MemoryMap,
    state: ImageState,
) -> Offload:
    """Sends tensors from `buffers`, computes all stages, stores into `buffers`.

    `planned` is by the identity of operations.
    """
    writer = _Writer(planned, layouts, buffers, accelerator, state)
    for stage, following in zip(stages, [*stages[1:], None], strict=True):
        writer.stage(stage, following)
    layers = tuple(dict.fromkeys(stage.operation.index for stage in stages))
    name = stages[-1].operation.layer.name
    send = writer.stream.finish(f"{name} packets", memory)
    return Offload(layers, send, tuple(writer.receive), tuple(writer.jobs))


def send_weights(
    stream: StreamBuilder,
    planned: Planned,
    placement: Placement,
    accelerator: AcceleratorConfig,
    *,
    fence: bool = False,
) -> None:
    """One packet a unit and memory with a tile's weights; none where a unit holds nothing."""
    for unit in range(accelerator.units):
        for load in planned.weights.loads(placement.tile, placement.start, unit):
            header = Header(load.destination, 1, load.address, unit, fence)
            stream.packet(header, load.payload, entry_words=load.entry_words)


class _Writer:
    """Packets and jobs of one visit."""

    def __init__(
        self,
        planned: Mapping[int, Planned],
        layouts: Mapping[str, Layout],
        buffers: Mapping[str, Buffer],
        accelerator: AcceleratorConfig,
        state: ImageState,
    ) -> None:
        self.planned, self.layouts, self.buffers = planned, layouts, buffers
        self.accelerator, self.lanes = accelerator, accelerator.lanes
        self.state = state
        self.stream = StreamBuilder()
        self.jobs: list[Job] = []
        self.receive: list[Transfer] = []
        self._busy_regions = [] if state.stored is None else [state.stored]
        self._busy_weights: Placement | None = None
        self._prepared: list[tuple[Region, Callable[[], None]]] | None = None

    def stage(self, stage: Stage, following: Stage | None) -> None:
        """One stage; what the following one needs is sent as early as there is room for it."""
        for _, send in self._prepared if self._prepared is not None else self._preparation(stage):
            send()
        self._compute(stage)
        stored = [stage.regions[name] for name in stage.stores]
        self._prepared = []
        for region, send in self._preparation(following) if following is not None else []:
            if any(region.overlaps(other, self.lanes) for other in stored):
                self._prepared.append((region, send))
            else:
                send()
        for name in stage.stores:
            last = following is None and name == stage.stores[-1]
            self._store(stage, name, interrupt=last)

    def _preparation(self, stage: Stage) -> list[tuple[Region, Callable[[], None]]]:
        """What must be sent before a stage's jobs, with the region it goes to."""
        steps: list[tuple[Region, Callable[[], None]]] = [
            (stage.regions[name], partial(self._load, stage, name)) for name in stage.loads
        ]
        if stage.clear:
            region = stage.regions[stage.operation.target]
            steps.append((region, partial(self._clear, stage)))
        return steps

    def _load(self, stage: Stage, name: str) -> None:
        """A tensor, or rows of it, from its buffer."""
        before = self.stream.length_bytes
        region, buffer = stage.regions[name], self.buffers[name]
        header = Header(
            Destination.ACTIVATIONS,
            region.words,
            region.address // self.lanes,
            fence=self._fence(region),
        )
        address = buffer.address_bytes + region.first_word * _WORD_BYTES
        self.stream.buffer(header, Transfer(address, region.words * _WORD_BYTES))
        self._count(stage, before)

    def _clear(self, stage: Stage) -> None:
        """Zeros for the border of the target, in whole words; jobs overwrite what is inside."""
        before = self.stream.length_bytes
        target = stage.operation.target
        region, layout = stage.regions[target], self.layouts[target]
        for first, end in border_words(layout, region, self.lanes):
            header = Header(
                Destination.ACTIVATIONS,
                end - first,
                region.address // self.lanes + first,
                fence=self._fence(region),
                repeat=True,
            )
            self.stream.repeat(header, 0)
        self._count(stage, before)

    def _compute(self, stage: Stage) -> None:
        """One job a tile of the operation, each behind its weights if they are not on chip."""
        before = self.stream.length_bytes
        operation = stage.operation
        planned = self.planned[id(operation)]
        for placement in self.state.in_order(id(operation), planned.placement):
            resident = planned.placement.resident
            if not resident and self.state.stream(id(operation), placement):
                busy = self._busy_weights
                fence = busy is not None and busy.overlaps(placement)
                send_weights(self.stream, planned, placement, self.accelerator, fence=fence)
            registers = compute_registers(stage, planned, placement, self.layouts, self.accelerator)
            self._start(Job(operation.index, "compute", registers))
            self._busy_regions = [
                stage.regions[name] for name in (*operation.sources, operation.target)
            ]
            self._busy_weights = placement
        self._count(stage, before)

    def _store(self, stage: Stage, name: str, *, interrupt: bool) -> None:
        """Sends a tensor, or rows of it, back to its buffer."""
        before = self.stream.length_bytes
        operation, region = stage.operation, stage.regions[name]
        registers = store_registers(operation.layer, region, interrupt=interrupt)
        self._start(Job(operation.index, "store", registers))
        self._busy_regions, self._busy_weights = [region], None
        self.state.stored = region
        self._count(stage, before)
        address = self.buffers[name].address_bytes + region.first_word * _WORD_BYTES
        self.receive.append(Transfer(address, region.words * _WORD_BYTES))
        self.state.received_bytes[operation.index] += region.words * _WORD_BYTES

    def _fence(self, region: Region) -> bool:
        """Whether a running job uses that region; if so, none runs behind the packet."""
        fence = any(region.overlaps(other, self.lanes) for other in self._busy_regions)
        if fence:
            self._busy_regions, self._busy_weights = [], None
        return fence

    def _start(self, job: Job) -> None:
        words = [job.registers[register.name] for register in JOB_REGISTERS]
        header = Header(Destination.REGISTERS, len(words), JOB_BASE // _WORD_BYTES)
        self.stream.packet(header, words)
        self.jobs.append(job)

    def _count(self, stage: Stage, before: int) -> None:
        self.state.sent_bytes[stage.operation.index] += self.stream.length_bytes - before


def border_words(layout: Layout, region: Region, lanes: int) -> list[tuple[int, int]]:
    """Words of a region, as (first, end), that hold all of the border.

    Where sending another packet takes longer than zeroing what lies between, that is zeroed too.
    """
    first_row = region.first_word * lanes // layout.row_elements
    rows = min(layout.rows - first_row, region.words * lanes // layout.row_elements)
    words: list[tuple[int, int]] = []
    for first, end in layout.border(first_row, rows):
        start, stop = first // lanes, -(-end // lanes)
        if words and start - words[-1][1] <= HEADER_WORDS + 1:
            words[-1] = words[-1][0], stop
        else:
            words.append((start, stop))
    return words
