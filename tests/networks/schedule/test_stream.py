import numpy as np

from hdl.packets import Destination, Header
from networks.program import Buffer, Transfer
from networks.schedule.stream import ALIGNMENT_BYTES, MemoryMap, StreamBuilder


def test_constants_share_a_segment_and_neighbours_a_transfer() -> None:
    memory = MemoryMap(1000)
    stream = StreamBuilder()
    stream.packet(Header(Destination.BIASES, 1), np.array([-1, 2]))
    stream.buffer(Header(Destination.ACTIVATIONS, 1, 4), Transfer(0x5000, 12))
    stream.packet(Header(Destination.REGISTERS, 1, 16), [7])
    stream.packet(Header(Destination.REGISTERS, 1, 17), [8])
    chain = stream.finish("test", memory)
    base = 1024
    assert chain == (
        Transfer(base, 16 + 8),
        Transfer(0x5000, 12),
        Transfer(base + 24, 12 + 12),
    )
    (segment,) = memory.segments
    assert segment.address_bytes == base
    words = np.frombuffer(segment.data, dtype="<u4").tolist()
    assert words[:4] == [5 << 28, 1 << 16, 0xFFFFFFFF, 2]
    assert words[4:6] == [2 << 28, 2 << 16 | 4]
    assert words[6:] == [1 << 28, 16, 7, 1 << 28, 17, 8]
    assert stream.length_bytes == sum(transfer.length_bytes for transfer in chain)


def test_buffers_start_at_cache_lines_of_their_own() -> None:
    memory = MemoryMap(4)
    buffers = [memory.place(Buffer(str(n), 0, (1, 1, 1, n), 8)) for n in (1, 65, 64)]
    assert [buffer.address_bytes // ALIGNMENT_BYTES for buffer in buffers] == [1, 2, 4]
    assert all(buffer.address_bytes % ALIGNMENT_BYTES == 0 for buffer in buffers)
