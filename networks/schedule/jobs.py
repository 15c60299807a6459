"""The register values of a job."""

from collections.abc import Mapping

from hdl.config import AcceleratorConfig
from hdl.registers import JOB_REGISTERS
from networks.layers import Layer
from networks.schedule.layout import Layout
from networks.schedule.plan import Planned
from networks.schedule.registers import ONCE, encode, loop_registers, window_loops
from networks.schedule.residency import Placement
from networks.schedule.stage import Region, Stage
from networks.schedule.walk import walk_loops

_ADDRESS_MASK = (1 << 16) - 1
_VALUE_MASK = (1 << 32) - 1


def compute_registers(
    stage: Stage,
    planned: Planned,
    placement: Placement,
    layouts: Mapping[str, Layout],
    accelerator: AcceleratorConfig,
) -> dict[str, int]:
    """One tile of a stage; raises NetworkError if a value does not fit its field."""
    operation, tile, lanes = stage.operation, placement.tile, accelerator.lanes
    source, target = layouts[operation.sources[0]], layouts[operation.target]
    division = planned.weights.division
    loops = window_loops(operation, source, stage.rows, division.positions)
    if tile.walk is None:
        loops |= {"step": ONCE, "row": ONCE}
    else:
        loops |= walk_loops(operation, tile.walk, source, stage.distance(lanes))
    row, _ = operation.input_rows(stage.first_row, stage.rows)
    window = source.at(row, -operation.pads[1], tile.first_channel)
    result = target.at(stage.first_row, 0, operation.first_channel + tile.first // division.parts)
    pitch = division.positions * target.pixel_elements
    line = target.row_elements - (loops["x"].iterations - 1) * pitch
    shift = 0 if accelerator.channel_scales else operation.factors[0].shift
    fields = {
        "JOB_ADDRESS": {
            "input": stage.regions[operation.sources[0]].start(lanes) + window,
            "output": stage.regions[operation.target].start(lanes) + result,
        },
        "JOB_WEIGHTS": planned.weights.addresses(placement.start),
        "JOB_FILTERS": {
            "last": tile.last - tile.first - 1,
            "bias": planned.bias_base + tile.first,
        },
        "JOB_OUTPUT": {
            "pitch": pitch & _ADDRESS_MASK,
            "line": line & _ADDRESS_MASK,
        },
        "JOB_SCALE": {
            "shift": shift,
            "unsigned_input": int(operation.unsigned_input),
            "unsigned_output": int(operation.unsigned_output),
        },
        "JOB_LOW": {"value": operation.low & _VALUE_MASK},
        "JOB_HIGH": {"value": operation.high & _VALUE_MASK},
        "JOB_COMMAND": {
            "store": 0,
            "in_step": int(planned.weights.in_step),
            "partial_sums": int(division.parts > 1),
        },
    }
    words = {name: encode(operation.layer, name, **values) for name, values in fields.items()}
    return loop_registers(operation.layer, loops) | words


def store_registers(layer: Layer, region: Region, *, interrupt: bool) -> dict[str, int]:
    """Sends the words of a region."""
    registers = {register.name: 0 for register in JOB_REGISTERS}
    registers["JOB_ADDRESS"] = encode(layer, "JOB_ADDRESS", input=region.address)
    registers["JOB_COMMAND"] = encode(
        layer, "JOB_COMMAND", store=1, interrupt=int(interrupt), words=region.words - 1
    )
    return registers
