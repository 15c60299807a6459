"""What elaboration costs in a program that goes on."""

import gc
import inspect
import sys
from unittest.mock import patch

from myhdl import Signal, _simulator, block

from hdl.accelerator import accelerator
from hdl.bundles import bit
from hdl.elaboration import elaborate, forget, short_stacks
from hdl.ports import Ports
from hdl.sign_extend import sign_extend
from tests.hdl.bench import small_config

SIGNAL = type(Signal(0))
"""`Signal` is a function."""


def whole_stack(context: int = 1) -> list[inspect.FrameInfo]:
    """What `inspect.stack` gives if nothing is put in its place."""
    return inspect.getouterframes(sys._getframe(1), context)


def signals_after_a_design() -> int:
    """Those of the process."""
    ports = Ports(small_config(kind="dense", units=1))
    elaborate(accelerator, **ports.arguments(), config=ports.config)
    assert _simulator._signals
    del ports
    forget()
    gc.collect()
    return len([found for found in gc.get_objects() if type(found) is SIGNAL])


def test_nothing_is_left_of_a_design() -> None:
    signals_after_a_design()
    assert signals_after_a_design() == signals_after_a_design()


def test_names_are_those_that_myhdl_finds() -> None:
    """It takes names of instances and signals from the frames of its callers."""

    @block
    def outer(value, negative, extended):
        inner = sign_extend(value, negative, extended)
        return [sign_extend(value, negative, extended) for _ in range(2)], inner

    def found() -> list[tuple[str, list[str]]]:
        top = outer(bit(), bit(), bit())
        blocks = [top, *top.subs]
        return [(item.func.__name__, sorted(item.sigdict)) for item in blocks]

    with patch.object(inspect, "stack", whole_stack):
        assert len(inspect.stack(0)) > 20
        whole = found()
    with short_stacks():
        assert found() == whole
    assert [name for name, _ in whole] == ["outer", *["sign_extend"] * 3]
