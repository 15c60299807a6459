"""A compiled network: what is in system memory, what is sent, received and computed, in order.

Addresses are bytes of system memory. Constants hold packets as `hdl.packets` describes them, in
little-endian 32-bit words; a buffer that is sent is preceded by its packet header.
"""

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from networks.layers import NO_PADS, Pads
from networks.words import as_unsigned, pack_words, unpack_words

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
class RowStack:
    """Elements of several rows of a tensor at each position: `rows` rows of `kernel_rows` each.

    Row `y` of the stack holds, one after another, rows `y * stride + k * dilation - top` of the
    tensor; those outside it are zeros.
    """

    rows: int
    kernel_rows: int
    stride: int
    dilation: int
    top: int

    def of(self, tensor: NDArray) -> NDArray:
        """The stack `(kernel_rows * channels, rows, width)` of `(channels, height, width)`."""
        channels, height, width = tensor.shape
        places = np.arange(self.rows) * self.stride - self.top
        stack = np.zeros((self.kernel_rows, channels, self.rows, width), dtype=tensor.dtype)
        for index in range(self.kernel_rows):
            sources = places + index * self.dilation
            inside = (sources >= 0) & (sources < height)
            stack[index][:, inside] = tensor[:, sources[inside]]
        return stack.reshape(-1, self.rows, width)


@dataclass(frozen=True)
class Buffer:
    """A tensor in system memory, NHWC, elements of `bits` bits, padded to whole 32-bit words.

    `channel_order[stored]` is the true channel at a stored position; None stands for natural order.
    Elements are two's complement if `signed`. `pads` more rows and columns of zeros lie around it.
    With a `stack` its rows are stacked: such a buffer is written, never read back.
    """

    name: str
    address_bytes: int
    shape_nhwc: tuple[int, int, int, int]
    bits: int
    channel_order: tuple[int, ...] | None = None
    signed: bool = True
    pads: Pads = NO_PADS
    stack: RowStack | None = None

    @property
    def length_bytes(self) -> int:
        """Bytes occupied, border and padding included."""
        return -(-prod(self._stored_shape) * self.bits // 32) * 4

    @property
    def _stored_shape(self) -> tuple[int, int, int]:
        """Rows and columns, border included, and channels."""
        _, height, width, channels = self.shape_nhwc
        if self.stack is not None:
            height, channels = self.stack.rows, self.stack.kernel_rows * channels
        top, left, bottom, right = self.pads
        return top + height + bottom, left + width + right, channels

    def encode(self, tensor: NDArray) -> bytes:
        """The buffer's bytes for a tensor `(channels, height, width)` of stored integers."""
        _, height, width, channels = self.shape_nhwc
        if tensor.shape != (channels, height, width):
            shape = (channels, height, width)
            raise ValueError(f"tensor of {self.name} must have shape {shape}, not {tensor.shape}")
        stored = tensor if self.channel_order is None else tensor[list(self.channel_order)]
        stored = stored if self.stack is None else self.stack.of(stored)
        top, left, bottom, right = self.pads
        bordered = np.pad(stored, ((0, 0), (top, bottom), (left, right)))
        words = pack_words(bordered.transpose(1, 2, 0).reshape(-1), self.bits)
        return words.astype("<u4").tobytes()

    def decode(self, data: bytes) -> NDArray[np.int64]:
        """The tensor `(channels, height, width)` in the buffer's bytes; inverse of `encode`."""
        if self.stack is not None:
            raise ValueError(f"tensor of {self.name} must not be read back from stacked rows")
        _, height, width, channels = self.shape_nhwc
        values = unpack_words(np.frombuffer(data, dtype="<u4"), self.bits)
        if not self.signed:
            values = as_unsigned(values, self.bits)
        stored = values[: prod(self._stored_shape)].reshape(self._stored_shape)
        top, left = self.pads[:2]
        stored = stored[top : top + height, left : left + width]
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
    the length of the longest unit's list of each tile (`list` only). So many neighbouring output
    `positions` are computed at a window, each filter in so many `parts`. `host_reason` says why a
    layer runs on the host.
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
    positions: int = 1
    parts: int = 1
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
