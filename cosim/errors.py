"""Errors that end a run with one line on stderr and exit status 2."""


class ScenarioError(ValueError):
    """Something the user gave (scenario, board, network, inputs, paths) cannot be used."""


class SimulationError(RuntimeError):
    """The simulated system cannot go on: a deadlock, a bus error, or a reported hardware error."""


class ToolError(RuntimeError):
    """A program that the run needs is missing or fails."""
