"""The interrupt line is level-sensitive."""

from simpy import Environment

from cosim.interrupt import InterruptLine


def test_waiting_ends_when_the_line_rises() -> None:
    env = Environment()
    line = InterruptLine(env)
    waiting = [line.rising(), line.rising()]
    env.run(until=7)
    assert not any(event.triggered for event in waiting)
    line.set(True)
    assert all(event.triggered for event in waiting)
    assert line.raised_ps == 7


def test_a_high_line_is_not_waited_for() -> None:
    env = Environment()
    line = InterruptLine(env)
    line.set(True)
    assert line.rising().triggered
    line.set(False)
    assert not line.high
    assert not line.rising().triggered
