"""Functional model of a system that executes a program: no time, every address.

It reads what is in system memory packet by packet, as the hardware's loader does, and executes it
on `accelerator_model`.
"""

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.packets import (
    ADDRESS_LOW,
    ADDRESS_WIDTH,
    COUNT_LOW,
    COUNT_WIDTH,
    DESTINATION_LOW,
    FENCE_LOW,
    HEADER_WORDS,
    REPEAT_LOW,
    UNIT_LOW,
    UNIT_WIDTH,
    Destination,
    Header,
)
from networks.accelerator_model import AcceleratorModel, Packet
from networks.graph import LayerGraph
from networks.program import HostStep, Offload, Program, Transfer
from networks.reference import run_layer


def parse_packets(words: NDArray[np.uint32]) -> list[Packet]:
    """Headers and payloads of a stream; raises ValueError if it ends inside a packet."""
    packets: list[Packet] = []
    position = 0
    while position < len(words):
        if position + HEADER_WORDS > len(words):
            raise ValueError("stream must not end in a packet header")
        first, second = (int(word) for word in words[position : position + HEADER_WORDS])
        header = Header(
            Destination(first >> DESTINATION_LOW),
            _bits(second, COUNT_LOW, COUNT_WIDTH) + 1,
            _bits(second, ADDRESS_LOW, ADDRESS_WIDTH),
            _bits(first, UNIT_LOW, UNIT_WIDTH),
            bool(_bits(first, FENCE_LOW, 1)),
            bool(_bits(first, REPEAT_LOW, 1)),
        )
        position += HEADER_WORDS
        count = 1 if header.repeat else header.count
        if position + count > len(words):
            raise ValueError(f"stream must not end in a packet of {count} words")
        packets.append((header, words[position : position + count]))
        position += count
    return packets


def _bits(word: int, low: int, width: int) -> int:
    return (word >> low) & ((1 << width) - 1)


class ProgramModel:
    """System memory, host and accelerator that run one program, image after image.

    `late_jobs` executes a job as late as the packet rules allow, after all packets that may
    overtake it; otherwise at once. A correct program gives the same results. All memories start
    with random content from `seed`. Raises ValueError where `AcceleratorModel.send` does, or if the
    results are not what the program expects.
    """

    def __init__(
        self,
        program: Program,
        graph: LayerGraph,
        accelerator: AcceleratorConfig,
        *,
        late_jobs: bool = False,
        seed: int = 0,
    ) -> None:
        self.program = program
        self.graph = graph
        random = np.random.default_rng(seed)
        self.memory = random.integers(0, 256, program.memory_bytes, dtype=np.uint8)
        for segment in program.memory:
            self._write_memory(segment.address_bytes, segment.data)
        self._model = AcceleratorModel(accelerator, late_jobs=late_jobs, seed=seed)
        self._send(program.setup)

    def run(self, image: NDArray) -> NDArray[np.int64]:
        """The network's result `(channels, height, width)` for one image of stored integers."""
        source, target = self.program.input, self.program.output
        self._write_memory(source.address_bytes, source.encode(image))
        for step in self.program.steps:
            if isinstance(step, HostStep):
                self._host(step)
            else:
                self._offload(step)
        return target.decode(self._read_memory(target.address_bytes, target.length_bytes))

    def _host(self, step: HostStep) -> None:
        layer = self.graph.layer(self.program.layers[step.layer].name)
        tensors = [
            source.decode(self._read_memory(source.address_bytes, source.length_bytes))[None]
            for source in step.inputs
        ]
        result = run_layer(layer, *tensors)[0]
        self._write_memory(step.output.address_bytes, step.output.encode(result))

    def _offload(self, step: Offload) -> None:
        results = self._send(step.send)
        if len(results) != len(step.receive):
            raise ValueError(f"store jobs must be {len(step.receive)}, not {len(results)}")
        for transfer, words in zip(step.receive, results, strict=True):
            data = words.astype("<u4").tobytes()
            if len(data) != transfer.length_bytes:
                raise ValueError(f"result must have {transfer.length_bytes} bytes, not {len(data)}")
            self._write_memory(transfer.address_bytes, data)

    def _write_memory(self, address: int, data: bytes) -> None:
        self.memory[address : address + len(data)] = np.frombuffer(data, dtype=np.uint8)

    def _read_memory(self, address: int, length: int) -> bytes:
        return self.memory[address : address + length].tobytes()

    def _send(self, chain: tuple[Transfer, ...]) -> list[NDArray[np.uint32]]:
        data = b"".join(self._read_memory(t.address_bytes, t.length_bytes) for t in chain)
        return self._model.send(parse_packets(np.frombuffer(data, dtype="<u4")))
