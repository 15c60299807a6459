"""A recorded MyHDL run of the accelerator: a compiled network, one image, a random pace."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
from networks.layers import Input, Pool
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
from tests.networks.graphs import integer_layer

MEMORY_BASE_BYTES = 0x1000


Beats = list[tuple[int, bool]]
"""Words of a stream, each with its TLAST."""


@dataclass(frozen=True)
class Run:
    """What the ports did, the network's result, `(channels, height, width)`, and what came then."""

    recorder: PortRecorder
    logits: NDArray[np.int64]
    rest: Beats


def random_network(
    seed: int, bits: int = 8, *, unsigned: bool = False, scaled: bool = False
) -> LayerGraph:
    """A sparse convolution with max-pooling and a fully connected layer, `bits` wide.

    `unsigned` are the activations between layers, `scaled` channels have any factor of their own.
    """
    random_ = np.random.default_rng(seed)
    number = Format(bits, 4, not unsigned)
    options: dict[str, Any] = {"density": 0.4}

    def scales(outputs: int) -> NDArray[np.float64] | None:
        return random_.uniform(0.5, 2.0, outputs).round(3) if scaled else None

    image = Input(name="image", shape=(3, 5, 6), format=number)
    conv = integer_layer(
        random_,
        "conv",
        image.name,
        (5, 3, 2, 3),
        input_format=number,
        signed=not unsigned,
        relu=True,
        pool=Pool((2, 2), (2, 2)),
        channel_scales=scales(5),
        **options,
    )
    dense = integer_layer(
        random_,
        "fc",
        conv.name,
        (10, 5, 2, 2),
        fully_connected=True,
        input_format=conv.known_output_format,
        channel_scales=scales(10),
        **options,
    )
    return LayerGraph((image, conv, dense))


def random_image(graph: LayerGraph, seed: int) -> NDArray[np.int64]:
    """Input integers `(channels, height, width)`, half of them zero."""
    random_ = np.random.default_rng(seed)
    shape, number = graph.input.shape, graph.input.format
    assert number is not None
    return random_.integers(number.min, number.max + 1, shape) * (random_.random(shape) < 0.5)


def run_image(
    graph: LayerGraph,
    image: NDArray[np.int64],
    config: AcceleratorConfig,
    accesses: Sequence[Access],
    *,
    seed: int,
    limit_cycles: int,
    rest: Beats | None = None,
    rest_words: int = 0,
) -> Run:
    """Streams weights and image into the accelerator while its registers are accessed.

    `rest` is sent then, and has `rest_words` results. Raises AssertionError if the results do not
    come within `limit_cycles`.
    """
    program = compile_network(graph, config, memory_base_bytes=MEMORY_BASE_BYTES)
    words = sum(transfer.length_bytes for transfer in _receives(program)) // WORD_BYTES
    recorder, received = run_beats(
        [*_beats(program, image), *(rest or [])],
        words + rest_words,
        config,
        accesses,
        seed=seed,
        limit_cycles=limit_cycles,
    )
    return Run(recorder, _logits(program, received[:words]), received[words:])


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
