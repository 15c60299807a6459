"""A pair's weight and activation reach the multiplier, at every width, one pair a cycle."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from hdl.bitmap_pipeline import pair_operands
from hdl.bundles import ActivationWrite, Job, LoadWrite, Operands, StoreRead, bit, word
from tests.hdl.bench import packed, run, small_config, stage_reset

LATENCY_CYCLES = 2


@pytest.mark.parametrize(("bits", "unsigned"), [*product((8, 16, 32), (False, True))])
@pytest.mark.parametrize("index", [0, 1])
def test_operands(bits: int, unsigned: bool, index: int) -> None:
    """Unit 0 reads the copy that it shares with the store stage, the others their own."""
    config = small_config(bits=bits)
    lanes, size = config.lanes, config.activation_elements
    clock, load_enable = bit(), bit()
    valid, last, empty, blocked = (bit() for _ in range(4))
    job, load, write, store = (
        Job(config),
        LoadWrite(config),
        ActivationWrite(config),
        StoreRead(config),
    )
    address = word(config.element_address_bits)
    value = word((config.weight_elements - 1).bit_length())
    operands = Operands(config)
    dut = pair_operands(
        clock, stage_reset(), job, load, load_enable, write, store, valid, address, value, last,
        empty, blocked, operands, index=index, config=config,
    )  # fmt: skip
    random_ = random.Random(bits)
    limit = 1 << (bits - 1)

    def numbers(count: int) -> list[int]:
        return [
            random_.choice([-limit, limit - 1, -1, random_.randrange(-limit, limit)])
            for _ in range(count)
        ]

    weights, activations = numbers(config.weight_elements), numbers(size)
    # modulo the memory, as the register has bits for the largest one
    first = 2**16 - 5

    def preload() -> Iterator[Any]:
        load_enable.next = write.enable.next = write.wide.next = True
        for row in range(max(config.weight_words, size // lanes)):
            load.address.next = row % config.weight_words
            start = row % config.weight_words * lanes
            load.data.next = packed(weights[start : start + lanes], bits)
            write.address.next = row * lanes % size
            start = row * lanes % size
            write.data.next = packed(activations[start : start + lanes], bits)
            yield clock.posedge
        load_enable.next = write.enable.next = False

    def script() -> Iterator[Any]:
        yield from preload()
        job.values.next, job.unsigned_input.next = first, unsigned
        expected: list[Any] = [None] * LATENCY_CYCLES
        for _ in range(300):
            now = random_.choice(["pair", "pair", "last pair", "end", "empty", "blocked", ""])
            valid.next, last.next = "pair" in now, now in ("last pair", "end")
            empty.next, blocked.next = now == "empty", now == "blocked"
            place, at = random_.randrange(size), random_.randrange(config.weight_elements)
            address.next, value.next = place, at
            yield clock.posedge
            arriving = expected.pop(0)
            if arriving is not None:
                before, weight, activation = arriving
                assert operands.valid == ("pair" in before)
                assert operands.last == (before in ("last pair", "end"))
                assert (operands.empty, operands.blocked) == (
                    before == "empty",
                    before == "blocked",
                )
                if "pair" in before:
                    assert (int(operands.weight), int(operands.activation)) == (weight, activation)
            activation = activations[place] % (2 * limit) if unsigned else activations[place]
            weight = weights[(first + at) % config.weight_elements]
            expected.append((now, weight, activation))

    run(clock, dut, script=script)
