"""Long transfers are cut into legal bursts."""

from hypothesis import given
from hypothesis import strategies as st

from cosim.transactions import BOUNDARY_BYTES, Burst, beats_of, split_bursts


@given(
    st.integers(0, 20_000),
    st.integers(0, 20_000),
    st.sampled_from([4, 8, 16]),
    st.integers(1, 256),
)
def test_bursts_cover_the_transfer_and_obey_the_rules(
    address: int, length: int, beat_bytes: int, max_beats: int
) -> None:
    bursts = list(split_bursts(address, length, beat_bytes=beat_bytes, max_beats=max_beats))
    next_address = address
    for burst in bursts:
        assert burst.address_bytes == next_address
        assert 1 <= beats_of(burst, beat_bytes) <= max_beats
        last = burst.address_bytes + burst.length_bytes - 1
        assert burst.address_bytes // BOUNDARY_BYTES == last // BOUNDARY_BYTES
        next_address = last + 1
    assert next_address == address + length


def test_beats_count_every_word_touched() -> None:
    assert beats_of(Burst(6, 4), 4) == 2
    assert beats_of(Burst(8, 4), 4) == 1
    assert beats_of(Burst(6, 4), 8) == 2
