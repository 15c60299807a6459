"""What `cosim.fast.job` makes of a stream of packets, executed in order."""

from collections.abc import Sequence

import numpy as np

from cosim.fast.job import ComputeJob, compute
from cosim.fast.memories import Memories
from hdl.config import AcceleratorConfig
from hdl.packets import Destination
from hdl.registers import BY_NAME, REGISTERS
from networks.program_model import parse_packets

_NAMES = {register.offset: register.name for register in REGISTERS}


def run_fast(config: AcceleratorConfig, words: Sequence[int]) -> tuple[list[ComputeJob], list[int]]:
    """The compute jobs and the words that store jobs send; loads take no time."""
    memories = Memories(config)
    registers = dict.fromkeys(BY_NAME, 0)
    jobs, sent = [], []
    for header, payload in parse_packets(np.array(words, dtype=np.uint32)):
        if header.repeat:
            payload = np.repeat(payload, header.count)
        if header.destination is Destination.ACTIVATIONS:
            memories.load_activations(header.address, payload)
        elif header.destination is Destination.VALUES:
            memories.load_values(header.unit, header.address, payload)
        elif header.destination is Destination.BITMAPS:
            memories.load_bitmaps(header.unit, header.address, payload, 0)
        elif header.destination is Destination.LISTS:
            entries = payload.reshape(-1, memories.lists.shape[2])
            memories.load_lists(header.unit, header.address, entries)
        elif header.destination is Destination.BIASES:
            memories.load_biases(header.address, payload.reshape(-1, config.bias_words))
        else:
            for index, word in enumerate(payload):
                name = _NAMES[(header.address + index) * 4]
                registers[name] = int(word)
                if name != "JOB_COMMAND":
                    continue
                command = BY_NAME[name].decode(int(word))
                if command["store"]:
                    start = BY_NAME["JOB_ADDRESS"].decode(registers["JOB_ADDRESS"])["input"]
                    first = start // config.lanes
                    places = np.arange(first, first + command["words"] + 1) % len(memories.words)
                    sent += memories.words[places].tolist()
                else:
                    jobs.append(compute(registers, memories))
                    for address, pattern in zip(
                        jobs[-1].addresses.tolist(), jobs[-1].patterns.tolist(), strict=True
                    ):
                        memories.store_result(address, pattern)
    return jobs, sent
