"""What MyHDL keeps of every simulation, for all of the process."""

from myhdl import Simulation, _extractHierarchy, _simulator


def forget() -> None:
    """Drops the simulation that is over, and everything that was elaborated for it.

    MyHDL keeps signals and memories for good: each elaboration would take longer than the one
    before, and more memory. No other simulation must be live, as MyHDL demands.
    """
    Simulation._no_of_instances = 0
    for kept in (
        _simulator._signals,
        _simulator._siglist,
        _simulator._futureEvents,
        _extractHierarchy._memInfoMap,
    ):
        kept.clear()
