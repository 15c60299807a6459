"""The store stage: words, TLAST and `done` under back-pressure, and its latency without."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from hdl.activation_copy import shared_copy
from hdl.bundles import ActivationWrite, AxiStream, Job, StoreRead, bit, word
from hdl.config import AcceleratorConfig
from hdl.store import store
from tests.drivers import Pace, stream_sink
from tests.hdl.axi_rules import Handshake, stream_rules
from tests.hdl.bench import run, small_config, stage_reset

FIRST_WORD_CYCLES = 3
CONFIGS = [small_config(bits=bits) for bits in (8, 16, 32)]


@pytest.mark.parametrize("eagerness", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.bits}-bits")
def test_streams_words(config: AcceleratorConfig, eagerness: float) -> None:
    words_count = config.activation_elements // config.lanes
    random_ = random.Random(config.bits)
    contents = [random_.getrandbits(32) for _ in range(words_count)]
    clock, start, done, sent = (bit() for _ in range(4))
    job, m_axis = Job(config), AxiStream()
    write, read = ActivationWrite(config), StoreRead(config)
    dut = store(clock, stage_reset(), start, job, read, m_axis, done, sent, config=config)
    memory = shared_copy(
        clock, write, read, bit(), word(len(read.address)), read.data, config=config
    )
    received: list[tuple[int, bool]] = []
    channel = Handshake("m_axis")
    # one word, some, and past the end of the memory
    jobs = [(7, 1), (0, 9), (words_count - 3, 8), (5, 2)]

    def script() -> Iterator[Any]:
        write.enable.next, write.wide.next = True, True
        for index, data in enumerate(contents):
            write.address.next, write.data.next = index * config.lanes, data
            yield clock.posedge
        write.enable.next = False
        for first, count in jobs:
            job.input.next, job.last_word.next = first * config.lanes, count - 1
            start.next = True
            yield clock.posedge
            start.next = False
            before, done_cycle = channel.transfers, None
            taken_cycles: list[int] = []
            for cycle in range(1, 40 + count * 30):
                yield clock.posedge
                assert sent == bool(m_axis.tvalid and m_axis.tready)
                if sent:
                    taken_cycles.append(cycle)
                if done:
                    assert done_cycle is None, "done must pulse once"
                    done_cycle = cycle
                if done_cycle is not None and cycle > done_cycle + 5:
                    break
            assert channel.transfers - before == count
            assert done_cycle == taken_cycles[-1] + 1
            if eagerness == 1.0:
                first_cycle = FIRST_WORD_CYCLES
                assert taken_cycles == list(range(first_cycle, first_cycle + count))

    run(
        clock,
        dut,
        memory,
        stream_rules(clock, m_axis, channel),
        stream_sink(clock, m_axis, received, Pace(eagerness, 3)),
        script=script,
    )
    assert received == [
        (contents[(first + index) % words_count], index == count - 1)
        for first, count in jobs
        for index in range(count)
    ]


def test_valid_does_not_wait_for_ready() -> None:
    config = small_config(kind="dense")
    clock, start, done, sent = (bit() for _ in range(4))
    m_axis = AxiStream()
    dut = store(
        clock, stage_reset(), start, Job(config), StoreRead(config), m_axis, done, sent,
        config=config,
    )  # fmt: skip

    def script() -> Iterator[Any]:
        start.next = True
        yield clock.posedge
        start.next = False
        for cycle in range(1, 20):
            yield clock.posedge
            assert m_axis.tvalid == (cycle >= FIRST_WORD_CYCLES)
            assert not done

    run(clock, dut, script=script)
