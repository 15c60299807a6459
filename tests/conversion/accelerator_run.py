"""A recorded MyHDL run of the accelerator: a compiled network, one image, a random pace."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.packets import WORD_BYTES
from hdl.port_recorder import PortRecorder
from hdl.ports import Ports
from hdl.registers import BY_NAME
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Conv, Gemm, Input, Pool
from networks.program import Offload, Program, Transfer
from networks.schedule import compile_network
from tests.drivers import (
    Access,
    Pace,
    axi_lite_master,
    reset_source,
    simulate,
    stream_sink,
    stream_source,
)

MEMORY_BASE_BYTES = 0x1000


Beats = list[tuple[int, bool]]
"""Words of a stream, each with its TLAST."""


@dataclass(frozen=True)
class Run:
    """What the ports did and the network's result, `(channels, height, width)`."""

    recorder: PortRecorder
    logits: NDArray[np.int64]


def random_network(seed: int) -> LayerGraph:
    """A sparse convolution with max-pooling and a fully connected layer, both int8."""
    random_ = np.random.default_rng(seed)
    number = Format(8, 4)

    def sparse(*shape: int) -> NDArray[np.int64]:
        return random_.integers(-40, 41, shape) * (random_.random(shape) < 0.3)

    def layer_formats() -> dict[str, Format]:
        return {
            "input_format": number,
            "weight_format": number,
            "bias_format": Format(32, 8),
            "output_format": number,
        }

    return LayerGraph(
        (
            Input(name="image", shape=(5, 8, 7), format=number),
            Conv(
                name="conv",
                inputs=("image",),
                weights=sparse(11, 5, 3, 3),
                bias=random_.integers(-300, 300, 11),
                relu=True,
                pool=Pool((2, 2), (2, 2)),
                **layer_formats(),
            ),
            Gemm(
                name="fc",
                inputs=("conv",),
                weights=sparse(10, 11, 3, 2),
                bias=random_.integers(-300, 300, 10),
                **layer_formats(),
            ),
        )
    )


def random_image(graph: LayerGraph, seed: int) -> NDArray[np.int64]:
    """Input integers `(channels, height, width)`, half of them zero."""
    random_ = np.random.default_rng(seed)
    shape = graph.input.shape
    return random_.integers(-128, 128, shape) * (random_.random(shape) < 0.5)


def run_image(
    graph: LayerGraph,
    image: NDArray[np.int64],
    config: AcceleratorConfig,
    accesses: Sequence[Access],
    *,
    seed: int,
    limit_cycles: int,
) -> Run:
    """Streams weights and image into the accelerator while its registers are accessed.

    Raises AssertionError if the results do not come within `limit_cycles`.
    """
    program = compile_network(graph, config, memory_base_bytes=MEMORY_BASE_BYTES)
    words = sum(transfer.length_bytes for transfer in _receives(program)) // WORD_BYTES
    recorder, received = run_beats(
        _beats(program, image), words, config, accesses, seed=seed, limit_cycles=limit_cycles
    )
    return Run(recorder, _logits(program, received))


def run_beats(
    beats: Beats,
    result_words: int,
    config: AcceleratorConfig,
    accesses: Sequence[Access],
    *,
    seed: int,
    limit_cycles: int,
) -> tuple[PortRecorder, Beats]:
    """Streams `beats` in until `result_words` have come out and all accesses are answered.

    Raises AssertionError if that takes more than `limit_cycles`.
    """
    ports = Ports(config)
    top = accelerator(**ports.arguments(), config=config)
    recorder = PortRecorder(top)
    received: Beats = []
    simulate(
        ports.aclk,
        top,
        recorder.process(),
        reset_source(ports.aclk, ports.aresetn),
        stream_source(ports.aclk, ports.aresetn, ports.s_axis, beats, Pace(0.8, seed)),
        stream_sink(ports.aclk, ports.m_axis, received, Pace(0.5, seed + 1)),
        axi_lite_master(ports.aclk, ports.aresetn, ports.s_axi, accesses, Pace(0.3, seed + 2)),
        done=lambda: len(received) == result_words and accesses[-1].response is not None,
        limit_cycles=limit_cycles,
    )
    return recorder, received


def _receives(program: Program) -> list[Transfer]:
    """Where each result stream goes, in order; the program must not need the host."""
    transfers = []
    for step in program.steps:
        assert isinstance(step, Offload), f"layer {step.layer} must run on the accelerator"
        transfers += step.receive
    return transfers


def _beats(program: Program, image: NDArray[np.int64]) -> Beats:
    """Everything the DMA would send for one image: one chain after the other, TLAST at its end."""
    memory = bytearray(program.memory_bytes)
    contents = [(segment.address_bytes, segment.data) for segment in program.memory]
    contents.append((program.input.address_bytes, program.input.encode(image)))
    for address_bytes, data in contents:
        memory[address_bytes : address_bytes + len(data)] = data
    chains = [program.setup, *(step.send for step in program.steps if isinstance(step, Offload))]
    beats: Beats = []
    for chain in chains:
        data = b"".join(
            memory[part.address_bytes : part.address_bytes + part.length_bytes] for part in chain
        )
        words = np.frombuffer(data, dtype="<u4").tolist()
        beats += [(word, index == len(words) - 1) for index, word in enumerate(words)]
    return beats


def _logits(program: Program, received: Beats) -> NDArray[np.int64]:
    """The network's result out of the received words."""
    memory = bytearray(program.memory_bytes)
    words = np.array([word for word, _ in received], dtype="<u4")
    data, position = words.tobytes(), 0
    for part in _receives(program):
        memory[part.address_bytes : part.address_bytes + part.length_bytes] = data[
            position : position + part.length_bytes
        ]
        position += part.length_bytes
    start = program.output.address_bytes
    return program.output.decode(bytes(memory[start : start + program.output.length_bytes]))


def random_accesses(seed: int) -> list[Access]:
    """Register traffic that leaves the jobs alone: reads, interrupt set-up, refused accesses."""
    random_ = random.Random(seed)
    readable = [register.offset for register in BY_NAME.values()]
    accesses = [
        Access(BY_NAME["VERSION"].offset),
        Access(BY_NAME["INTERRUPT_ENABLE"].offset, 3),
    ]
    for _ in range(30):
        accesses += [
            Access(random_.choice(readable)),
            random_.choice(
                [
                    Access(BY_NAME["INTERRUPT_STATUS"].offset, random_.randrange(4)),
                    Access(BY_NAME["INTERRUPT_ENABLE"].offset, random_.randrange(4)),
                    Access(BY_NAME["INTERRUPT_ENABLE"].offset, 0, strobe=0b0001),
                    Access(0x20, random_.getrandbits(32)),
                    Access(0x3C),
                ]
            ),
        ]
    return accesses
