"""A compiled network: what is in system memory, what is sent, received and computed, in order.

Addresses are bytes of system memory. Constants hold packets as `hdl.packets` describes them, in
little-endian 32-bit words; a buffer that is sent is preceded by its packet header.
"""

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hdl.registers import BY_NAME, LOOPS
from networks.words import pack_words, unpack_words

RunsOn = Literal["accelerator", "host"]
JobKind = Literal["compute", "store"]


@dataclass(frozen=True)
class Transfer:
    """One DMA descriptor: a contiguous piece of system memory, whole words."""

    address_bytes: int
    length_bytes: int


@dataclass(frozen=True)
class Segment:
    """Constant content of system memory, placed before the run."""

    name: str
    address_bytes: int
    data: bytes


@dataclass(frozen=True)
class Buffer:
    """A tensor in system memory, NHWC, elements of `bits` bits, padded to whole 32-bit words.

    `channel_order[stored]` is the true channel at a stored position; None stands for natural order.
    Elements are two's complement if `signed`.
    """

    name: str
    address_bytes: int
    shape_nhwc: tuple[int, int, int, int]
    bits: int
    channel_order: tuple[int, ...] | None = None
    signed: bool = True

    @property
    def length_bytes(self) -> int:
        """Bytes occupied, padding included."""
        elements = 1
        for size in self.shape_nhwc:
            elements *= size
        return -(-elements * self.bits // 32) * 4

    def encode(self, tensor: NDArray) -> bytes:
        """The buffer's bytes for a tensor `(channels, height, width)` of stored integers."""
        _, height, width, channels = self.shape_nhwc
        if tensor.shape != (channels, height, width):
            shape = (channels, height, width)
            raise ValueError(f"tensor of {self.name} must have shape {shape}, not {tensor.shape}")
        stored = tensor if self.channel_order is None else tensor[list(self.channel_order)]
        words = pack_words(stored.transpose(1, 2, 0).reshape(-1), self.bits)
        return words.astype("<u4").tobytes()

    def decode(self, data: bytes) -> NDArray[np.int64]:
        """The tensor `(channels, height, width)` in the buffer's bytes; inverse of `encode`."""
        _, height, width, channels = self.shape_nhwc
        values = unpack_words(np.frombuffer(data, dtype="<u4"), self.bits)
        if not self.signed:
            values &= (1 << self.bits) - 1
        stored = values[: height * width * channels].reshape(height, width, channels)
        tensor = np.empty((channels, height, width), dtype=np.int64)
        order = range(channels) if self.channel_order is None else self.channel_order
        tensor[list(order)] = stored.transpose(2, 0, 1)
        return tensor


@dataclass(frozen=True)
class Job:
    """One job of the accelerator; `registers` are words by name of `hdl.registers`."""

    layer_index: int
    kind: JobKind
    registers: dict[str, int]

    @property
    def steps(self) -> int:
        """Steps of one walk through the job's loops, 0 for a store job.

        On `list` a walk does all filters and a step is a list word: its length times the windows.
        With a look-ahead of 1 that is the job's time in cycles but for the pipeline's fill. On the
        others it is one filter's: filters of a unit times this.
        """
        if self.kind == "store":
            return 0
        names = [f"LOOP_{level.upper()}" for level in LOOPS]
        return prod(BY_NAME[name].decode(self.registers[name])["last"] + 1 for name in names)


@dataclass(frozen=True)
class Offload:
    """One visit to the accelerator.

    `send` is one DMA chain into its input stream, `receive` where its results go (one transfer a
    store job), `jobs` in order of start. The last store job raises the interrupt.
    """

    layers: tuple[int, ...]
    send: tuple[Transfer, ...]
    receive: tuple[Transfer, ...]
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class HostStep:
    """One layer executed by the host, from tensor to tensor in system memory.

    `others` are the tensors it reads after its first, if it reads several.
    """

    layer: int
    input: Buffer
    output: Buffer
    others: tuple[Buffer, ...] = ()

    @property
    def inputs(self) -> tuple[Buffer, ...]:
        """All tensors it reads, in order."""
        return self.input, *self.others


@dataclass(frozen=True)
class LayerInfo:
    """What the schedule decided for one layer; bytes are for one image.

    `bytes_in` counts all that is sent for the layer (input, streamed weights, packet headers, job
    registers), `bytes_out` what it sends back. `accumulator_bits` is the width that no sum of the
    layer can exceed, proved from weights and input range (0 on the host). `list_lengths_words` is
    the length of each tile's list, padded to the longest unit's (`list` only). `host_reason` says
    why a layer runs on the host.
    """

    name: str
    op: str
    runs_on: RunsOn
    macs_dense: int
    bytes_in: int
    bytes_out: int
    weights_resident: bool
    accumulator_bits: int = 0
    list_lengths_words: tuple[int, ...] = ()
    host_reason: str | None = None


@dataclass(frozen=True)
class Program:
    """A network ready to run.

    `setup` is sent once; then for every image the host writes `input`, runs `steps` and reads
    `output`. Memory from the base given to the compiler up to `memory_bytes` is used.
    """

    layers: tuple[LayerInfo, ...]
    memory: tuple[Segment, ...]
    setup: tuple[Transfer, ...]
    input: Buffer
    steps: tuple[Offload | HostStep, ...]
    output: Buffer
    memory_bytes: int
