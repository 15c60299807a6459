"""Isolation of the tests that simulate or convert MyHDL blocks."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from hdl.elaboration import forget, short_stacks

# A simulation's wall time depends on what else the machine does.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


@pytest.fixture(autouse=True, scope="session")
def quick_elaboration() -> Iterator[None]:
    """Blocks are elaborated deep in the stack of a test runner, hundreds of times."""
    with short_stacks():
        yield


@pytest.fixture(autouse=True)
def fresh_simulator() -> Iterator[None]:
    """MyHDL keeps one global simulation: forgets what a test leaves, and its signals."""
    yield
    forget()
