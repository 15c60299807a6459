"""The C interface of `compiled_engine.cpp`: its structures, once, for C++ and for ctypes."""

import ctypes
from typing import Any

from cosim.monitor import monitor_fields
from hdl.config import AcceleratorConfig

CYCLE_INPUTS = (
    "reset", "write", "read", "offset", "value", "valid", "data", "last", "ready",
)  # fmt: skip
CYCLE_OUTPUTS = (
    "write_taken", "write_answered", "write_response", "read_taken", "read_answered", "read_value",
    "read_response", "beat_taken", "valid", "data", "last",
)  # fmt: skip
STRETCH = (
    # cosim.engine.Stretch, its access and what it ended with
    "edge_ps", "period_ps", "limit_ps", "ready_first", "ready", "interrupt", "quiet_cycles",
    "quiet_limit", "beat", "beat_data", "beat_last", "beat_taken", "last_edge_ps",
    "access", "access_write", "access_made_ps", "access_offset", "access_value", "access_taken",
    "access_answered", "access_response", "access_read",
    # cosim.stream.Stream, its ring and its burst
    "stream_blocked", "freed_ps", "freed_beats", "ring_places", "ring_head", "ring_count",
    "int64_t* ring_put_ps", "uint32_t* ring_data", "uint8_t* ring_last",
    "burst_words", "burst_sent", "burst_final", "burst_period_ps", "burst_first_ps",
    "burst_step_ps", "burst_words_per_step", "burst_slot_ps", "burst_end_ps",
    "const uint8_t* burst_data",
    # cosim.monitor.MonitorLog
    "log_used", "log_places", "int64_t* log_edges_ps", "uint64_t* log_columns",
)  # fmt: skip
"""Fields are 64-bit integers, those with a type of their own pointers."""


def _structure(name: str, fields: tuple[str, ...]) -> Any:
    members = [
        (field.split()[-1], ctypes.c_void_p if "*" in field else ctypes.c_int64) for field in fields
    ]
    return type(name, (ctypes.Structure,), {"_fields_": members})


CycleInputs = _structure("CycleInputs", CYCLE_INPUTS)
CycleOutputs = _structure("CycleOutputs", CYCLE_OUTPUTS)
StretchStructure = _structure("Stretch", STRETCH)


def header(config: AcceleratorConfig) -> str:
    """The C++ header `abi.h` for an accelerator: the structures, and its monitor outputs."""
    lines = ["#pragma once", "#include <cstdint>"]
    for structure, fields in (
        ("CycleInputs", CYCLE_INPUTS),
        ("CycleOutputs", CYCLE_OUTPUTS),
        ("Stretch", STRETCH),
    ):
        members = (field if "*" in field else f"int64_t {field}" for field in fields)
        lines += [f"struct {structure} {{", *(f"    {member};" for member in members), "};"]
    outputs = " ".join(f"NOTE({name})" for name in monitor_fields(config))
    return "\n".join([*lines, f"#define MONITOR_OUTPUTS(NOTE) {outputs}", ""])
