"""What ends a run with one line on stderr: errors with exit status 2, the user with 130."""


class ScenarioError(ValueError):
    """Something the user gave (scenario, board, network, inputs, paths) cannot be used."""


class SimulationError(RuntimeError):
    """The simulated system cannot go on: a deadlock, a bus error, or a reported hardware error."""


class ToolError(RuntimeError):
    """A program that the run needs is missing or fails."""


class Interrupted(KeyboardInterrupt):
    """The user ended the run; the message says how far it came."""
