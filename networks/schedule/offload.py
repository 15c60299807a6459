"""One visit to the accelerator as packets and jobs (`networks.schedule.visit` has their order)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from hdl.config import AcceleratorConfig
from hdl.packets import Destination, Header
from hdl.registers import JOB_BASE, JOB_REGISTERS
from networks.program import Buffer, Job, Offload, Transfer
from networks.schedule.jobs import compute_registers, store_registers
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.plan import Planned
from networks.schedule.residency import LayerPlacement, Placement
from networks.schedule.stage import Region, Stage
from networks.schedule.stream import MemoryMap, StreamBuilder
from networks.schedule.visit import ImageState, VisitWriter

_WORD_BYTES = 4


@dataclass
class Traffic:
    """Bytes that one image has moved so far, by layer index."""

    sent: Counter[int] = field(default_factory=Counter)
    received: Counter[int] = field(default_factory=Counter)


def build_offload(
    stages: Sequence[Stage],
    planned: Mapping[int, Planned],
    layouts: Mapping[str, Layout],
    buffers: Mapping[str, Buffer],
    accelerator: AcceleratorConfig,
    memory: MemoryMap,
    state: ImageState,
    traffic: Traffic,
) -> Offload:
    """Sends tensors from `buffers`, computes all stages, stores into `buffers`.

    `planned` is by the identity of operations.
    """
    writer = _OffloadWriter(planned, layouts, buffers, accelerator, state, traffic)
    writer.stages(stages)
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


class _OffloadWriter(VisitWriter):
    """Packets and jobs of one visit."""

    def __init__(
        self,
        planned: Mapping[int, Planned],
        layouts: Mapping[str, Layout],
        buffers: Mapping[str, Buffer],
        accelerator: AcceleratorConfig,
        state: ImageState,
        traffic: Traffic,
    ) -> None:
        super().__init__(layouts, accelerator.lanes, state)
        self._planned, self._buffers, self._accelerator = planned, buffers, accelerator
        self._traffic = traffic
        self.stream = StreamBuilder()
        self.jobs: list[Job] = []
        self.receive: list[Transfer] = []

    def placement(self, operation: Operation) -> LayerPlacement:
        return self._planned[id(operation)].placement

    def load(self, stage: Stage, name: str, region: Region, *, fence: bool) -> None:
        address = region.address // self.lanes
        header = Header(Destination.ACTIVATIONS, region.words, address, fence=fence)
        address_bytes = self._buffers[name].address_bytes + region.first_word * _WORD_BYTES
        with self._counted(stage):
            self.stream.buffer(header, Transfer(address_bytes, region.words * _WORD_BYTES))

    def clear(self, stage: Stage, address: int, words: int, *, fence: bool) -> None:
        header = Header(Destination.ACTIVATIONS, words, address, fence=fence, repeat=True)
        with self._counted(stage):
            self.stream.repeat(header, 0)

    def weights(self, stage: Stage, placement: Placement, *, fence: bool) -> None:
        planned = self._planned[id(stage.operation)]
        with self._counted(stage):
            send_weights(self.stream, planned, placement, self._accelerator, fence=fence)

    def compute(self, stage: Stage, placement: Placement) -> None:
        planned = self._planned[id(stage.operation)]
        registers = compute_registers(stage, planned, placement, self.layouts, self._accelerator)
        self._start(stage, Job(stage.operation.index, "compute", registers))

    def store(self, stage: Stage, name: str, region: Region, *, last: bool) -> None:
        operation = stage.operation
        registers = store_registers(operation.layer, region, interrupt=last)
        self._start(stage, Job(operation.index, "store", registers))
        address = self._buffers[name].address_bytes + region.first_word * _WORD_BYTES
        self.receive.append(Transfer(address, region.words * _WORD_BYTES))
        self._traffic.received[operation.index] += region.words * _WORD_BYTES

    def _start(self, stage: Stage, job: Job) -> None:
        words = [job.registers[register.name] for register in JOB_REGISTERS]
        header = Header(Destination.REGISTERS, len(words), JOB_BASE // _WORD_BYTES)
        with self._counted(stage):
            self.stream.packet(header, words)
        self.jobs.append(job)

    @contextmanager
    def _counted(self, stage: Stage) -> Iterator[None]:
        """What is sent in it belongs to the stage's layer."""
        before = self.stream.length_bytes
        yield
        self._traffic.sent[stage.operation.index] += self.stream.length_bytes - before
