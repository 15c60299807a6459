"""The functional model refuses programs that hardware would execute wrongly."""

from dataclasses import replace

import numpy as np
import pytest

from hdl.config import AcceleratorConfig
from hdl.packets import Destination, Header, packet
from networks import builtin
from networks.program import Offload, Program, Segment
from networks.program_model import ProgramModel, parse_packets
from networks.schedule import compile_network

ACCELERATOR = AcceleratorConfig()
GRAPH = builtin.load("lenet300")
IMAGE = GRAPH.quantise_input(builtin.test_vectors("lenet300").real_images[0])


def compiled() -> Program:
    return compile_network(GRAPH, ACCELERATOR, memory_base_bytes=0)


def test_packets_are_parsed_as_they_were_built() -> None:
    headers = [
        Header(Destination.VALUES, 3, 17, 5, fence=True),
        Header(Destination.ACTIVATIONS, 1, 0xFFFF),
        Header(Destination.ACTIVATIONS, 500, 3, repeat=True),
        Header(Destination.ACTIVATIONS, 1),
    ]
    payloads = [[1, 2, 0xFFFFFFFF], [7], [9], [8]]
    words = [
        word
        for header, payload in zip(headers, payloads, strict=True)
        for word in packet(header, payload)
    ]
    parsed = parse_packets(np.array(words, dtype=np.uint32))
    assert [header for header, _ in parsed] == headers
    assert [payload.tolist() for _, payload in parsed] == payloads


@pytest.mark.parametrize(("kept", "what"), [(1, "packet header"), (4, "packet of 3 words")])
def test_stream_that_ends_too_early(kept: int, what: str) -> None:
    words = packet(Header(Destination.VALUES, 3), [1, 2, 3])[:kept]
    with pytest.raises(ValueError, match=f"stream must not end in a {what}"):
        parse_packets(np.array(words, dtype=np.uint32))


def test_packet_beyond_its_memory() -> None:
    words = packet(Header(Destination.BIASES, 2, 1023), [1, 2])
    segment = Segment("bad", 0, np.array(words, dtype="<u4").tobytes())
    program = compiled()
    program = replace(program, memory=(segment, *program.memory[1:]))
    program = replace(program, setup=(replace(program.setup[0], length_bytes=len(segment.data)),))
    with pytest.raises(ValueError, match="packet to BIASES must end at entry 1024 at most"):
        ProgramModel(program, GRAPH, ACCELERATOR)


def changed_registers(name: str, word: int) -> Program:
    """The program with one register of its first job changed in system memory."""
    program = compiled()
    (offload,) = program.steps
    assert isinstance(offload, Offload)
    segment = program.memory[1]
    words = np.frombuffer(segment.data, dtype="<u4").copy()
    # the image's header, the first register packet's header, then the registers from LOOP_STEP on
    position = 2 + 2 + list(offload.jobs[0].registers).index(name)
    assert words[position] == offload.jobs[0].registers[name]
    words[position] = word
    changed = replace(segment, data=words.tobytes())
    return replace(program, memory=(program.memory[0], changed))


def test_result_over_its_own_input() -> None:
    model = ProgramModel(changed_registers("JOB_ADDRESS", 0), GRAPH, ACCELERATOR)
    with pytest.raises(ValueError, match="results must not overwrite the job's input"):
        model.run(IMAGE)


def test_wrong_jump_gives_a_wrong_result() -> None:
    model = ProgramModel(changed_registers("LOOP_STEP", 24 | 31 << 16), GRAPH, ACCELERATOR)
    golden = builtin.test_vectors("lenet300").logits[0]
    assert not np.array_equal(model.run(IMAGE)[:, 0, 0], golden)


def test_bitmaps_of_a_job_in_two_packets() -> None:
    program = compiled()
    segment = program.memory[0]
    words = np.frombuffer(segment.data, dtype="<u4")
    parts: list[int] = []
    for header, payload in parse_packets(words):
        halves = [(header, payload)]
        if header.destination is Destination.BITMAPS and header.count > 1:
            first = replace(header, count=1)
            second = replace(header, count=header.count - 1, address=header.address + 1)
            halves = [(first, payload[:1]), (second, payload[1:])]
        for half, content in halves:
            parts += packet(half, content.tolist())
    data = np.array(parts, dtype="<u4").tobytes()
    memory = (replace(segment, address_bytes=program.memory_bytes, data=data), *program.memory[1:])
    setup = (replace(program.setup[0], address_bytes=program.memory_bytes, length_bytes=len(data)),)
    end = program.memory_bytes + len(data)
    bad = replace(program, memory=memory, setup=setup, memory_bytes=end)
    with pytest.raises(ValueError, match="bitmaps of a job must be one packet from 0 on"):
        ProgramModel(bad, GRAPH, ACCELERATOR).run(IMAGE)


def test_missing_store_job() -> None:
    program = compiled()
    (offload,) = program.steps
    assert isinstance(offload, Offload)
    bad = replace(offload, receive=offload.receive * 2)
    model = ProgramModel(replace(program, steps=(bad,)), GRAPH, ACCELERATOR)
    with pytest.raises(ValueError, match="store jobs must be 2, not 1"):
        model.run(IMAGE)
