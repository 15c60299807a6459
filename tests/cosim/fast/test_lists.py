"""Filters that are kept decoded."""

import numpy as np

from cosim.fast.lists import list_filters
from cosim.fast.memories import Memories
from hdl.config import AcceleratorConfig
from hdl.lists import MIN_LIST_WORDS, ListLayout


def test_filters_are_decoded_again_after_a_list_has_changed() -> None:
    config = AcceleratorConfig(kind="list", lookahead=1, units=1, list_words=256)
    layout, memories = ListLayout.of(config), Memories(config)
    job = {"JOB_WEIGHTS": {"values": 0}, "JOB_FILTERS": {"last": 0}}
    for value in (3, 5):
        words = [
            layout.encode([(0, value)], last=place == MIN_LIST_WORDS - 1, turn=place == 0)
            for place in range(MIN_LIST_WORDS)
        ]
        memories.load_lists(0, 0, np.array(words, np.uint32))
        filters, _ = list_filters(job, memories)
        assert filters.values.tolist() == [value] * MIN_LIST_WORDS
        assert list_filters(job, memories)[0] is filters
