"""The DMA's behaviour: chains, packets, registers, errors (PG021 v7.1)."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import descriptors as layout
from cosim.board import Board
from cosim.descriptors import Descriptor
from cosim.stream import Beat
from tests.cosim.conftest import MakeBoard, load_board
from tests.cosim.dma_bench import CYCLE_PS, Bench, make_bench, to_bytes, write_chain
from tests.cosim.trace_checks import check_trace

S2MM = layout.S2MM_BASE


@pytest.fixture
def bench(make_board: MakeBoard) -> Bench:
    return make_bench(make_board())


def send(bench: Bench, chain: Sequence[int], beats: int) -> list[Beat]:
    bench.env.process(bench.run_chain(0, chain))
    taken: list[tuple[int, Beat]] = []
    bench.env.process(bench.drain(beats, taken))
    bench.env.run()
    return [beat for _, beat in taken]


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=8),
    st.integers(1, 5),
    st.sampled_from([32, 64, 128]),
    st.randoms(use_true_random=False),
)
def test_a_chain_is_one_packet_of_all_its_buffers(
    lengths_words: list[int], pause_cycles: int, data_bits: int, random: object
) -> None:
    bench = make_bench(load_board(bus={"data_bits": data_bits}))
    base = bench.storage.base_bytes + 0x10000
    buffers, expected, address = [], b"", base
    for index, words in enumerate(lengths_words):
        data = bytes((index * 31 + i) % 256 for i in range(4 * words))
        bench.storage.write(address, data)
        buffers.append((address, len(data)))
        expected += data
        address += len(data) + 4 * index
    chain = write_chain(bench.storage, buffers)
    taken: list[tuple[int, Beat]] = []
    bench.env.process(bench.run_chain(0, chain))
    bench.env.process(bench.drain(len(expected) // 4, taken, pause_ps=pause_cycles * CYCLE_PS))
    bench.env.run()
    beats = [beat for _, beat in taken]
    assert to_bytes([beat.data for beat in beats]) == expected
    # The stream carries a word a cycle, however wide the bus.
    times = [time for time, _ in taken]
    assert all(later - time >= CYCLE_PS for time, later in pairwise(times))
    assert [beat.last for beat in beats] == [False] * (len(beats) - 1) + [True]
    assert len(check_trace(bench.trace.to_json())["dma mm2s"]) == len(buffers)
    for address, (_, length) in zip(chain, buffers, strict=True):
        assert bench.status(address) == layout.COMPLETE | length
    status = bench.register(0, layout.DMASR)
    assert status & layout.STATUS_IDLE
    assert status & layout.STATUS_IOC
    assert bench.dma.mm2s.interrupt.high


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=6),
    st.integers(0, 3),
    st.sampled_from([32, 64]),
)
def test_each_packet_starts_a_buffer(
    lengths_words: list[int], spare_words: int, data_bits: int
) -> None:
    bench = make_bench(load_board(bus={"data_bits": data_bits}))
    base = bench.storage.base_bytes + 0x10000
    packets = [
        [index * 1000 + i for i in range(words)] for index, words in enumerate(lengths_words)
    ]
    size = 4 * (max(lengths_words) + spare_words)
    buffers = [(base + index * size, size) for index in range(len(packets))]
    chain = write_chain(bench.storage, buffers)
    bench.env.process(bench.run_chain(S2MM, chain, packets=len(packets)))
    bench.env.process(bench.feed(packets))
    bench.env.run()
    flags = layout.COMPLETE | layout.START_OF_FRAME | layout.END_OF_FRAME
    for address, (buffer, _), words in zip(chain, buffers, packets, strict=True):
        assert bench.storage.read(buffer, 4 * len(words)) == to_bytes(words)
        assert bench.status(address) == flags | 4 * len(words)
    assert len(check_trace(bench.trace.to_json())["dma s2mm"]) == len(packets)
    # One interrupt, for the last packet.
    assert bench.dma.s2mm.interrupt.raised_ps is not None
    last_status_ps = bench.spans("dma s2mm status")[-1].end_ps
    assert bench.dma.s2mm.interrupt.raised_ps == last_status_ps


def test_a_packet_longer_than_its_buffer_goes_on_in_the_next(bench: Bench) -> None:
    base = bench.storage.base_bytes + 0x10000
    chain = write_chain(bench.storage, [(base, 40), (base + 40, 64)])
    bench.env.process(bench.run_chain(S2MM, chain))
    bench.env.process(bench.feed([range(20)]))
    bench.env.run()
    assert bench.storage.read(base, 80) == to_bytes(range(20))
    assert bench.status(chain[0]) == layout.COMPLETE | layout.START_OF_FRAME | 40
    assert bench.status(chain[1]) == layout.COMPLETE | layout.END_OF_FRAME | 40


def test_a_ring_goes_on_where_it_stopped(bench: Bench) -> None:
    base = bench.storage.base_bytes + 0x10000
    bench.storage.write(base, to_bytes(range(30)))
    chain = write_chain(bench.storage, [(base, 40), (base + 40, 40), (base + 80, 40)])
    assert [beat.data for beat in send(bench, chain[:2], 20)] == list(range(20))
    # The next write of TAILDESC alone runs the third and, around the ring, the first.
    bench.storage.write(chain[0] + layout.STATUS_OFFSET_BYTES, bytes(4))
    bench.dma.mm2s.write_register(layout.TAILDESC, chain[0])
    taken: list[tuple[int, Beat]] = []
    bench.env.process(bench.drain(20, taken))
    bench.env.run()
    assert [beat.data for _, beat in taken] == [*range(20, 30), *range(10)]


def test_a_descriptor_still_complete_stops_the_channel(bench: Bench) -> None:
    base = bench.storage.base_bytes + 0x10000
    chain = write_chain(bench.storage, [(base, 40)])
    complete = Descriptor(chain[0], base, 40, layout.COMPLETE)
    bench.storage.write(chain[0], complete.pack())
    assert send(bench, chain, 0) == []
    status = bench.register(0, layout.DMASR)
    assert layout.error_text(status) == "descriptor already complete"
    assert status & layout.STATUS_HALTED
    assert bench.dma.mm2s.interrupt.high
    assert bench.dma.mm2s.describe() == "stopped by descriptor already complete"


@pytest.mark.parametrize("base", [0, S2MM])
@pytest.mark.parametrize(
    ("buffer", "length", "error"),
    [
        (0x7000_0000, 64, "decode error on data"),
        (0x0011_0002, 64, "internal error"),
        (0x0011_0000, 62, "internal error"),
        (0x0011_0000, 0, "internal error"),
    ],
)
def test_a_bad_buffer_stops_the_channel(
    bench: Bench, base: int, buffer: int, length: int, error: str
) -> None:
    chain = write_chain(bench.storage, [(buffer, length)])
    bench.env.process(bench.run_chain(base, chain))
    bench.env.process(bench.feed([range(16)]))
    bench.env.run()
    assert layout.error_text(bench.register(base, layout.DMASR)) == error


def test_a_chain_outside_memory_stops_the_channel(bench: Bench) -> None:
    assert send(bench, [0x7000_0000], 0) == []
    error = layout.error_text(bench.register(0, layout.DMASR))
    assert error == "decode error on a descriptor"


def test_registers_follow_the_rules_of_run_and_halt(bench: Bench) -> None:
    channel = bench.dma.mm2s
    assert channel.read_register(layout.DMASR) == layout.STATUS_HALTED | layout.STATUS_SG_INCLUDED
    channel.write_register(layout.TAILDESC, 0x1000)
    assert channel.read_register(layout.TAILDESC) == 0
    channel.write_register(layout.CURDESC, 0x1077)
    assert channel.read_register(layout.CURDESC) == 0x1040
    channel.write_register(layout.DMACR, layout.CONTROL_RUN)
    channel.write_register(layout.CURDESC, 0x2000)
    assert channel.read_register(layout.CURDESC) == 0x1040
    assert channel.read_register(layout.DMASR) == layout.STATUS_IDLE | layout.STATUS_SG_INCLUDED
    assert channel.read_register(0x28) is None
    assert not channel.write_register(0x28, 0)


def test_interrupts_are_acknowledged_and_reset_forgets(bench: Bench) -> None:
    base = bench.storage.base_bytes + 0x10000
    chain = write_chain(bench.storage, [(base, 40)])
    send(bench, chain, 10)
    channel = bench.dma.mm2s
    assert channel.interrupt.high
    channel.write_register(layout.DMASR, layout.STATUS_IOC)
    assert not channel.interrupt.high
    channel.write_register(layout.DMACR, layout.CONTROL_RESET)
    assert channel.read_register(layout.DMASR) == layout.STATUS_HALTED | layout.STATUS_SG_INCLUDED


def test_register_port_answers_unknown_offsets_with_an_error(bench: Bench) -> None:
    write = bench.env.process(bench.dma.write_register(0x28, 0))
    read = bench.env.process(bench.dma.read_register(S2MM + 0x28))
    bench.env.run()
    assert write.value == 2
    assert read.value == (0, 2)


def test_back_pressure_fills_the_fifo_and_no_more(make_board: MakeBoard) -> None:
    bench = make_bench(make_board(dma={"fifo_words": 32}))
    base = bench.storage.base_bytes + 0x10000
    chain = write_chain(bench.storage, [(base, 4096)])
    bench.env.process(bench.run_chain(0, chain))
    bench.env.run()
    reads = [span for span in bench.spans("bus read") if span.name == "dma mm2s"]
    # Nobody takes a beat: the FIFO holds two bursts, the stream four beats of the first.
    assert len(reads) == 2
    assert len(bench.out) == 4
    assert not bench.dma.mm2s.idle


def test_descriptors_run_ahead_of_their_data_only_so_far(reference_board: Board) -> None:
    bench = make_bench(reference_board)
    base = bench.storage.base_bytes + 0x10000
    chain = write_chain(bench.storage, [(base + 4096 * i, 4096) for i in range(12)])
    bench.env.process(bench.run_chain(0, chain))
    bench.env.run()
    # Four in the queue, one whose data moves, one that waits for a place.
    assert len(bench.spans("dma mm2s descriptors")) == 6
