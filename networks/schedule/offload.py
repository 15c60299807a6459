"""One visit to the accelerator: packets and jobs of a chain of layers, in the order they are sent.

    input tensor | tile 0's weights | job 0 | tile 1's weights | job 1 | ... | store job

A job's register packet waits until the accelerator is idle, so the weights behind it load while the
job computes. Whatever could overwrite what a running job reads is fenced.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from hdl.config import AcceleratorConfig
from hdl.packets import Destination, Header
from hdl.registers import JOB_BASE, JOB_REGISTERS
from networks.program import Buffer, Job, Offload, Transfer
from networks.schedule.activations import Band, Chain, Work
from networks.schedule.geometry import (
    encode,
    list_loops,
    loop_registers,
    run_loops,
    window_loops,
)
from networks.schedule.plan import Planned
from networks.schedule.residency import Placement
from networks.schedule.stream import MemoryMap, StreamBuilder

_WORD_BYTES = 4


@dataclass
class Traffic:
    """Bytes sent and received for one image, by layer index."""

    sent_bytes: Counter[int] = field(default_factory=Counter)
    received_bytes: Counter[int] = field(default_factory=Counter)


def build_offload(
    chain: Chain,
    planned: Mapping[int, Planned],
    source: Buffer,
    result: Buffer,
    accelerator: AcceleratorConfig,
    memory: MemoryMap,
    traffic: Traffic,
) -> Offload:
    """Sends `source`, computes `chain` (bands outside, tiles inside), stores into `result`."""
    writer = _Writer(accelerator, traffic)
    receive: list[Transfer] = []
    last = chain.works[-1]
    for band in chain.bands:
        writer.input(chain.works[0].index, band, source)
        for position, work in enumerate(chain.works):
            rows = band.rows if work is last else work.output_shape[1]
            writer.compute(planned[work.index], rows, *band.bases[position : position + 2])
        transfer = _result_transfer(last, band, result, accelerator)
        interrupt = band is chain.bands[-1]
        writer.store(last, band.bases[-1], transfer.length_bytes, interrupt=interrupt)
        receive.append(transfer)
    layers = tuple(work.index for work in chain.works)
    send = writer.stream.finish(f"{result.name} packets", memory)
    return Offload(layers, send, tuple(receive), tuple(writer.jobs))


def _result_transfer(
    work: Work, band: Band, result: Buffer, accelerator: AcceleratorConfig
) -> Transfer:
    channels, _, width = work.output_shape
    row_elements = channels * width
    first_word = band.first_row * row_elements // accelerator.lanes
    words = -(-band.rows * row_elements // accelerator.lanes)
    return Transfer(result.address_bytes + first_word * _WORD_BYTES, words * _WORD_BYTES)


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
    """Packets and jobs of one offload."""

    def __init__(self, accelerator: AcceleratorConfig, traffic: Traffic) -> None:
        self.accelerator = accelerator
        self.traffic = traffic
        self.stream = StreamBuilder()
        self.jobs: list[Job] = []
        self._running: Placement | None = None

    def input(self, index: int, band: Band, source: Buffer) -> None:
        """The input tensor, or the rows of a band, once the accelerator is idle."""
        before = self.stream.length_bytes
        address = source.address_bytes + band.first_word * _WORD_BYTES
        header = Header(
            Destination.ACTIVATIONS,
            band.words,
            band.load_base // self.accelerator.lanes,
            fence=True,
        )
        self.stream.buffer(header, Transfer(address, band.words * _WORD_BYTES))
        self._running = None
        self._count(index, before)

    def compute(self, planned: Planned, rows: int, input_base: int, output_base: int) -> None:
        """One job a tile of the layer, each behind its weights if they are not resident."""
        before = self.stream.length_bytes
        layer, index = planned.work.layer, planned.work.index
        shape = planned.work.input_shape
        windows = window_loops(layer, shape, rows)
        for placement in planned.placement.tiles:
            tile, start = placement.tile, placement.start
            if self.accelerator.kind == "list":
                inner = list_loops(tile.room.words)
            else:
                inner = run_loops(layer, shape, self.accelerator.step_elements)
            registers = loop_registers(layer, inner | windows)
            if not planned.placement.resident:
                fence = self._running is not None and self._running.overlaps(placement)
                send_weights(self.stream, planned, placement, self.accelerator, fence=fence)
            fields = {
                "JOB_ADDRESS": {"input": input_base, "output": output_base + tile.first},
                "JOB_WEIGHTS": planned.weights.addresses(start),
                "JOB_FILTERS": {
                    "last": tile.last - tile.first - 1,
                    "bias": planned.bias_base + tile.first,
                },
                "JOB_OUTPUT": {
                    "pitch": layer.outputs,
                    "shift": layer.shift,
                    "relu": int(layer.relu),
                },
                "JOB_COMMAND": {"store": 0},
            }
            words = {name: encode(layer, name, **values) for name, values in fields.items()}
            self._start(Job(index, "compute", registers | words))
            self._running = placement
        self._count(index, before)

    def store(self, work: Work, base: int, length_bytes: int, *, interrupt: bool) -> None:
        """Sends words of the activation memory back."""
        layer, index = work.layer, work.index
        before = self.stream.length_bytes
        registers = {register.name: 0 for register in JOB_REGISTERS}
        registers["JOB_ADDRESS"] = encode(layer, "JOB_ADDRESS", input=base)
        registers["JOB_COMMAND"] = encode(
            layer,
            "JOB_COMMAND",
            store=1,
            interrupt=int(interrupt),
            words=length_bytes // _WORD_BYTES - 1,
        )
        self._start(Job(index, "store", registers))
        self._running = None
        self._count(index, before)
        self.traffic.received_bytes[index] += length_bytes

    def _start(self, job: Job) -> None:
        words = [job.registers[register.name] for register in JOB_REGISTERS]
        header = Header(Destination.REGISTERS, len(words), JOB_BASE // _WORD_BYTES)
        self.stream.packet(header, words)
        self.jobs.append(job)

    def _count(self, index: int, before: int) -> None:
        self.traffic.sent_bytes[index] += self.stream.length_bytes - before
