"""The stream link: order, depth, and independence of the order of events at one instant."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Environment, Event

from cosim.stream import Beat, Stream


def test_a_beat_is_seen_only_after_the_instant_it_was_put() -> None:
    env = Environment()
    stream = Stream(env, 2, "link")
    stream.put(Beat(5, False))
    assert stream.first(0) is None
    assert stream.first(1) == Beat(5, False)


def test_a_place_counts_as_room_only_after_the_instant_it_was_freed() -> None:
    env = Environment()
    stream = Stream(env, 1, "link")
    assert stream.offer(Beat(1, False))
    assert stream.room == 0
    stream.take()
    assert stream.room == 0
    assert not stream.offer(Beat(2, False))
    env.run(until=1)
    assert stream.room == 1
    assert stream.offer(Beat(2, False))


def test_put_waits_while_full_and_then_goes_first() -> None:
    env = Environment()
    stream = Stream(env, 1, "link")
    stream.put(Beat(1, False))
    waiting = stream.put(Beat(2, True))
    env.run(until=5)
    assert not waiting.triggered
    assert stream.take() == Beat(1, False)
    assert waiting.triggered
    env.run(until=6)
    assert not stream.offer(Beat(3, False))
    assert stream.take() == Beat(2, True)


def test_arrival_hook_and_count_follow_every_put() -> None:
    env = Environment()
    stream = Stream(env, 1, "link")
    seen: list[int] = []
    stream.on_arrival = lambda: seen.append(stream.beats)
    stream.put(Beat(1, False))
    stream.put(Beat(2, False))
    assert seen == [1]
    stream.take()
    assert seen == [1, 2]


def test_two_consumers_share_the_beats_in_order() -> None:
    env = Environment()
    stream = Stream(env, 4, "link")
    got: list[int] = []

    def consume() -> Generator[Event, Any, None]:
        while True:
            beat = yield stream.get()
            got.append(beat.data)

    env.process(consume())
    env.process(consume())
    for word in range(3):
        stream.put(Beat(word, False))
    env.run()
    assert got == [0, 1, 2]


@given(
    st.integers(2, 5),
    st.lists(st.integers(0, 3), min_size=1, max_size=40),
    st.lists(st.integers(0, 3), min_size=1, max_size=40),
)
def test_all_beats_arrive_in_order_at_any_pace(
    depth: int, put_gaps: list[int], take_gaps: list[int]
) -> None:
    env = Environment()
    stream = Stream(env, depth, "link")
    words = list(range(50))
    got: list[tuple[int, int]] = []

    def produce() -> Generator[Event, Any, None]:
        for word in words:
            yield stream.put(Beat(word, False))
            assert len(stream) <= depth
            yield env.timeout(1 + put_gaps[word % len(put_gaps)])

    def consume() -> Generator[Event, Any, None]:
        for word in words:
            while stream.first(int(env.now)) is None:
                yield env.timeout(1)
            put_ps = stream.oldest_ps
            got.append((stream.take().data, int(env.now) - put_ps))
            yield env.timeout(1 + take_gaps[word % len(take_gaps)])

    env.process(produce())
    env.process(consume())
    env.run()
    assert [word for word, _ in got] == words
    assert all(age > 0 for _, age in got)


def test_two_places_pass_a_beat_every_cycle() -> None:
    env = Environment()
    stream = Stream(env, 2, "link")
    taken: list[int] = []

    def produce() -> Generator[Event, Any, None]:
        for word in range(20):
            assert stream.offer(Beat(word, False))
            yield env.timeout(10)

    def consume() -> Generator[Event, Any, None]:
        yield env.timeout(10)
        for _ in range(20):
            assert stream.first(int(env.now)) is not None
            taken.append(stream.take().data)
            yield env.timeout(10)

    # The consumer's events come first at every instant: the harder order.
    env.process(consume())
    env.process(produce())
    env.run()
    assert taken == list(range(20))


def test_misuse_is_refused() -> None:
    env = Environment()
    with pytest.raises(ValueError, match="depth of stream link must be at least 1 beat, not 0"):
        Stream(env, 0, "link")
    with pytest.raises(IndexError, match="stream link must hold a beat"):
        Stream(env, 1, "link").take()
