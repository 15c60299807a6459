"""The DMA against the latencies and throughputs that PG021 v7.1 publishes (tables 1 and 2)."""

import pytest

from cosim import descriptors as layout
from cosim.board import Board
from cosim.stream import Beat
from tests.cosim.conftest import MakeBoard
from tests.cosim.dma_bench import CYCLE_PS, Bench, make_bench, to_bytes, write_chain

LENGTH_BYTES = 10_000
"""What the vendor's throughput test moves."""


@pytest.fixture
def bench(reference_board: Board) -> Bench:
    return make_bench(reference_board)


def test_memory_to_stream(bench: Bench) -> None:
    storage = bench.storage
    buffer = storage.base_bytes + 0x10000
    data = bytes(i * 7 % 251 for i in range(LENGTH_BYTES))
    storage.write(buffer, data)
    chain = write_chain(storage, [(buffer, LENGTH_BYTES)])
    tail = bench.env.process(bench.run_chain(0, chain))
    taken: list[tuple[int, Beat]] = []
    bench.env.process(bench.drain(LENGTH_BYTES // 4, taken))
    bench.env.run()

    assert to_bytes([beat.data for _, beat in taken]) == data
    assert [beat.last for _, beat in taken] == [False] * (len(taken) - 1) + [True]
    descriptor_address_ps = bench.spans("dma mm2s descriptors")[0].start_ps
    # The read address precedes the first data beat by the bus's one address cycle.
    data_reads = [span for span in bench.spans("bus read") if span.name == "dma mm2s"]
    data_address_ps = data_reads[0].start_ps - CYCLE_PS
    first_beat_ps = taken[0][0]
    assert (descriptor_address_ps - tail.value) / CYCLE_PS == 10
    assert (data_address_ps - descriptor_address_ps) / CYCLE_PS == 28
    assert (first_beat_ps - data_address_ps) / CYCLE_PS == 6
    # Footnote 2 of table 2: from the first read address to the last stream beat.
    duration_us = (taken[-1][0] + CYCLE_PS - data_address_ps) / 1e6
    assert LENGTH_BYTES / duration_us == pytest.approx(399.04, rel=0.005)


def test_stream_to_memory(bench: Bench) -> None:
    storage = bench.storage
    buffer = storage.base_bytes + 0x10000
    chain = write_chain(storage, [(buffer, LENGTH_BYTES)])
    words = [i * 2654435761 % (1 << 32) for i in range(LENGTH_BYTES // 4)]
    tail = bench.env.process(bench.run_chain(layout.S2MM_BASE, chain))
    first_beat_ps = 100 * CYCLE_PS
    bench.env.run(until=first_beat_ps)
    bench.env.process(bench.feed([words]))
    bench.env.run()

    assert storage.read(buffer, LENGTH_BYTES) == to_bytes(words)
    descriptor_address_ps = bench.spans("dma s2mm descriptors")[0].start_ps
    data_writes = [span for span in bench.spans("bus write") if span.name == "dma s2mm"]
    data_address_ps = data_writes[0].start_ps - CYCLE_PS
    assert (descriptor_address_ps - tail.value) / CYCLE_PS == 10
    assert (data_address_ps - first_beat_ps) / CYCLE_PS == 39
    # Footnote 3 of table 2: from the first stream beat to the last write beat.
    duration_us = (data_writes[-1].end_ps - first_beat_ps) / 1e6
    assert LENGTH_BYTES / duration_us == pytest.approx(298.59, rel=0.005)


def test_long_transfers_keep_their_share_of_the_bus(bench: Bench) -> None:
    length = 128 * 1024
    source, target = (bench.storage.base_bytes + offset for offset in (0x10000, 0x80000))
    bench.env.process(bench.run_chain(0, write_chain(bench.storage, [(source, length)])))
    taken: list[tuple[int, Beat]] = []
    bench.env.process(bench.drain(length // 4, taken))
    bench.env.run()
    read_share = (length // 4) * CYCLE_PS / (taken[-1][0] + CYCLE_PS - taken[0][0])
    assert read_share == pytest.approx(0.998, abs=0.005)

    chain = write_chain(bench.storage, [(target, length)])
    bench.env.process(bench.run_chain(layout.S2MM_BASE, chain))
    bench.env.process(bench.feed([range(length // 4)]))
    bench.env.run()
    writes = [span for span in bench.spans("bus write") if span.name == "dma s2mm"]
    write_share = (length // 4) * CYCLE_PS / (writes[-1].end_ps - writes[0].start_ps)
    assert write_share == pytest.approx(0.7464, rel=0.02)


def test_memory_latency_of_the_board_is_hidden(make_board: MakeBoard) -> None:
    bench = make_bench(make_board())
    length = 32 * 1024
    source = bench.storage.base_bytes + 0x10000
    bench.env.process(bench.run_chain(0, write_chain(bench.storage, [(source, length)])))
    taken: list[tuple[int, Beat]] = []
    bench.env.process(bench.drain(length // 4, taken))
    bench.env.run()
    share = (length // 4) * CYCLE_PS / (taken[-1][0] + CYCLE_PS - taken[0][0])
    assert share > 0.99
