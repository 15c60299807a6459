"""The stream link: order, depth, and independence of the order of events at one instant."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Environment, Event

from cosim.beats import WORD_BYTES, BeatBurst
from cosim.stream import Beat, Stream
from cosim.units import ClockDomain


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


@given(
    bursts=st.lists(
        st.tuples(st.integers(1, 12), st.integers(0, 300), st.integers(0, 40), st.integers(1, 2)),
        min_size=1,
        max_size=4,
    ),
    depth=st.integers(1, 4),
    consumer_mhz=st.sampled_from([100_000, 71_000, 37_000]),
    pause=st.integers(0, 5),
)
def test_a_burst_is_put_like_its_beats(
    bursts: list[tuple[int, int, int, int]], depth: int, consumer_mhz: int, pause: int
) -> None:
    """A consumer that looks at times finds each beat, and its time, as one that is told of each."""
    source, consumer = ClockDomain("source", 100_000), ClockDomain("consumer", consumer_mhz)
    total = sum(words for words, *_ in bursts)
    runs = []
    for follows in (False, True):
        env = Environment()
        stream = Stream(env, depth, "link")
        stream.follows_bursts = follows
        taken: list[tuple[int, int, Beat]] = []
        ends: list[int] = []

        def send(env: Environment = env, stream: Stream = stream, ends: list[int] = ends) -> Any:
            slot_ps = 0
            for index, (words, later_ps, step_ps, words_per_step) in enumerate(bursts):
                data = bytes(range(words * WORD_BYTES))
                first_ps = int(env.now) + later_ps
                yield stream.put_burst(
                    BeatBurst(
                        data, index % 2 == 0, source, first_ps, step_ps, words_per_step, slot_ps
                    )
                )
                ends.append(int(env.now))
                slot_ps = int(env.now) + source.period_ps

        def receive(
            env: Environment = env,
            stream: Stream = stream,
            taken: list[tuple[int, int, Beat]] = taken,
        ) -> Any:
            while len(taken) < total:
                yield env.timeout(consumer.next_edge(int(env.now)) - int(env.now))
                now_ps = int(env.now)
                if stream.first(now_ps) is not None:
                    taken.append((now_ps, stream.oldest_ps, stream.take()))
                    yield env.timeout(pause * consumer.period_ps)

        env.process(send())
        env.process(receive())
        env.run(until=100_000)
        assert len(taken) == total
        assert stream.beats == total
        assert [beat.last for *_, beat in taken].count(True) == (len(bursts) + 1) // 2
        runs.append((taken, ends))
    assert runs[0] == runs[1]
