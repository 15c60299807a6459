"""Cycles between the stages of each kind of accelerator, as its RTL has them."""

from dataclasses import dataclass

from hdl.bundles import result_depth
from hdl.config import AcceleratorConfig
from hdl.control import drain_cycles
from hdl.dense_pipeline import read_stages
from hdl.list_fetch import fetch_cycles
from hdl.multiplier import multiply_cycles
from hdl.windows import lead


@dataclass(frozen=True)
class Latencies:
    """`depth`: edges from the walker until the last stage of the pipe is left (`cosim.fast.pipe`).

    `takes_ahead`: the walker has a register for the window's first item, which fills without an
    edge. `drops`: an issue stage follows the last one, which drops what has no pair. `multiply`:
    from the last of these stages to the multiplier's inputs; `result`: from the end of a filter
    there to a sum that the collector sees; `write`: from its taking to the write of the result;
    `end`: from the write of the last result to the job's last cycle.
    """

    depth: int
    takes_ahead: bool
    drops: bool
    multiply: int
    result: int
    write: int
    end: int
    lead: int
    places: int

    @classmethod
    def of(cls, config: AcceleratorConfig) -> "Latencies":
        """Those of that accelerator."""
        lists = config.kind == "list"
        fetched = fetch_cycles(config) - (not config.independent_units)
        stages = {"dense": read_stages(config), "bitmap": 3, "list": fetched}
        multiply = 4 if config.kind == "bitmap" else 1
        return cls(
            depth=stages[config.kind],
            takes_ahead=not lists,
            drops=lists and config.independent_units,
            multiply=multiply,
            result=multiply + 1 + multiply_cycles(config),
            write=9 + config.channel_scales,
            end=drain_cycles(config),
            lead=lead(config),
            places=result_depth(config),
        )
