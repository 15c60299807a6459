import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from networks.schedule.biases import bias_entries, place_biases
from networks.words import join_words
from tests.networks.graphs import accelerator_of, integer_layer
from tests.networks.schedule.operations import operation_of

rows = st.lists(st.integers(0, 2), min_size=1, max_size=6)


@given(st.lists(rows, min_size=1, max_size=6))
def test_every_operation_finds_its_entries(lists: list[list[int]]) -> None:
    entries = [np.array(own, dtype=np.uint32)[:, None] for own in lists]
    bases, memory = place_biases(entries)
    for base, own in zip(bases, entries, strict=True):
        assert np.array_equal(memory[base : base + len(own)], own)
    assert len(memory) <= sum(len(own) for own in entries)


def test_uniform_entries_are_shared() -> None:
    entries = [np.full((count, 2), 7, dtype=np.uint32) for count in (3, 9, 4)]
    bases, memory = place_biases([*entries, np.array([[7, 8]], dtype=np.uint32)])
    assert bases == [0, 0, 0, 9]
    assert len(memory) == 10


def test_entries_hold_bias_and_scales_in_stored_order() -> None:
    random = np.random.default_rng(0)
    scales = np.array([1.0, 0.5, 0.7])
    layer = integer_layer(random, "c", "input", (3, 2, 1, 1), channel_scales=scales)
    for bits in (24, 40, 72):
        accelerator = accelerator_of((bits - 8) // 2, channel_scales=True)
        operation = operation_of(layer, (2, 3, 3), accelerator_of(channel_scales=True))
        entries = bias_entries(operation, (2, 0, 1), accelerator)
        assert entries.shape == (3, accelerator.bias_words)
        assert layer.bias is not None
        assert join_words(entries[:, :-1], bits).tolist() == layer.bias[[2, 0, 1]].tolist()
        factors = [layer.factors[index] for index in (2, 0, 1)]
        assert [int(word) & 0xFFFF for word in entries[:, -1]] == [f.multiplier for f in factors]
        assert [int(word) >> 16 for word in entries[:, -1]] == [f.shift for f in factors]
