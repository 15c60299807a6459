"""A small pruned network for the hand-off of an accelerator: what it is sent, what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.packets import WORD_BYTES
from networks import reference
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Conv, Gemm, Input, Pool
from networks.program import Offload, Program
from networks.schedule import compile_network

SHAPE = (3, 6, 6)
DENSITY = 0.4


@dataclass(frozen=True)
class Example:
    """One image on the network; `beats` are the words to send, each with its TLAST."""

    beats: tuple[tuple[int, bool], ...]
    result_words: int
    program: Program
    logits: NDArray[np.int64]

    def check(self, results: Sequence[int]) -> None:
        """Raises RuntimeError if the accelerator's words are not the reference's logits."""
        data = np.array(results, dtype="<u4").tobytes()
        logits = self.program.output.decode(data)[:, 0, 0]
        if not np.array_equal(logits, self.logits):
            raise RuntimeError(
                f"example run must give logits {self.logits.tolist()}, not {logits.tolist()}"
            )


def _network(bits: int) -> LayerGraph:
    """A convolution with max-pooling and a fully connected layer, weights and biases at random."""
    random = np.random.default_rng(0)
    number, weight = Format(bits, bits // 2), Format(bits, bits - 2)
    largest = 1 << (bits - 3)

    def weights(*shape: int) -> NDArray[np.int64]:
        return random.integers(-largest, largest, shape) * (random.random(shape) < DENSITY)

    def biases(count: int) -> NDArray[np.int64]:
        return random.integers(-4 * largest, 4 * largest, count)

    formats: dict[str, Any] = {
        "input_format": number,
        "weight_format": weight,
        "bias_format": Format(32, number.frac_bits + weight.frac_bits),
        "output_format": number,
    }
    conv = Conv(
        name="conv",
        inputs=("image",),
        weights=weights(8, *SHAPE[:1], 3, 3),
        bias=biases(8),
        relu=True,
        pool=Pool((2, 2), (2, 2)),
        **formats,
    )
    fully_connected = Gemm(
        name="fc", inputs=("conv",), weights=weights(10, 8, 2, 2), bias=biases(10), **formats
    )
    return LayerGraph((Input(name="image", shape=SHAPE, format=number), conv, fully_connected))


def make_example(config: AcceleratorConfig) -> Example:
    """The example compiled for an accelerator; raises `NetworkError` if it does not fit."""
    graph = _network(config.bits)
    random = np.random.default_rng(1)
    largest = 1 << (config.bits - 1)
    image = random.integers(-largest, largest, SHAPE) * (random.random(SHAPE) < 1 - DENSITY)
    program = compile_network(graph, config, memory_base_bytes=0)
    memory = bytearray(program.memory_bytes)
    contents = [(segment.address_bytes, segment.data) for segment in program.memory]
    contents.append((program.input.address_bytes, program.input.encode(image)))
    for address_bytes, data in contents:
        memory[address_bytes : address_bytes + len(data)] = data
    (offload,) = program.steps
    assert isinstance(offload, Offload)
    beats: list[tuple[int, bool]] = []
    for chain in (program.setup, offload.send):
        parts = (memory[part.address_bytes :][: part.length_bytes] for part in chain)
        words = np.frombuffer(b"".join(parts), dtype="<u4").tolist()
        beats += [(word, index == len(words) - 1) for index, word in enumerate(words)]
    result_bytes = sum(transfer.length_bytes for transfer in offload.receive)
    logits = reference.run(graph, image[None])[0]
    return Example(tuple(beats), result_bytes // WORD_BYTES, program, logits)
