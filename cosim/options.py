"""Choices that are part of the command line's contract, and which of them are built by now."""

from typing import Any

from cosim.errors import ScenarioError

ACCELERATORS = ("bitmap", "list", "dense")
BITS = (8, 16, 32)
LOOKAHEADS = (1, 2, 4)
ENGINES = ("rtl", "compiled", "fast", "estimate")

BUILT_ACCELERATORS = ("bitmap", "list", "dense")
BUILT_BITS = (8, 16, 32)
BUILT_LOOKAHEADS = (1, 2, 4)
SIMULATORS = ("rtl", "compiled", "fast")
"""Engines that simulate the hardware, all to the same cycle."""

BUILT_ENGINES = (*SIMULATORS, "estimate")


def check_built(accelerator: dict[str, Any], engine: object = None) -> None:
    """Raises ScenarioError on a choice that is known, but not built.

    `accelerator` is the scenario's table, not validated yet; unknown values are left to validation.
    """
    _check("accelerator", accelerator.get("kind"), ACCELERATORS, BUILT_ACCELERATORS)
    _check("bits", accelerator.get("bits"), BITS, BUILT_BITS)
    _check("lookahead", accelerator.get("lookahead"), LOOKAHEADS, BUILT_LOOKAHEADS)
    _check("engine", engine, ENGINES, BUILT_ENGINES)


def _check(name: str, value: object, known: tuple[Any, ...], built: tuple[Any, ...]) -> None:
    if value in known and value not in built:
        allowed = ", ".join(str(item) for item in built)
        raise ScenarioError(f"not available yet: {name} {value}; {name} must be one of {allowed}")
