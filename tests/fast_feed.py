"""Sends a program's words to a fast core back to back, without a system around it."""

import numpy as np
from numpy.typing import NDArray

from cosim.fast.core import FOREVER, FastCore
from networks.program import Offload, Program
from tests.hdl.program_memory import ProgramMemory

AT_ONCE = 1 << 16


def feed(core: FastCore, words: NDArray[np.uint32]) -> None:
    """Sends words back to back and takes what comes out, until all jobs are done."""
    place = 0
    while place < len(words) or core.rest_cycles() < FOREVER:
        intake = core.takes(words[place : place + AT_ONCE], AT_ONCE)
        # one a cycle, until a result comes first
        count = min(intake.words, intake.cycles, *intake.blocked[:1].tolist())
        if count > 0 and core.take_ready():
            core.take_words(words[place : place + count], count, 0)
            place += count
        elif place < len(words) and core.take_ready():
            core.cycle(word=int(words[place]), ready=True)
            place += 1
        elif (rest := core.rest_cycles()) > 0:
            core.skip(rest)
        elif core.only_stores and (count := core.store.plain_words) > 0:
            core.send(count, count)
        else:
            core.cycle(ready=True)


def chains(program: Program, image: NDArray) -> list[NDArray[np.uint32]]:
    """The words of each chain to send; results do not come back into any."""
    memory = ProgramMemory(program)
    memory.write_image(image)
    sent = [program.setup, *(step.send for step in program.steps if isinstance(step, Offload))]
    return [np.array(memory.words(chain), dtype=np.uint32) for chain in sent]
