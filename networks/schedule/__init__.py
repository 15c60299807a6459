"""Scheduling: filters to units, tiles, addresses, jobs, packets; `compile_network` does it all."""

from networks.program import (
    Buffer,
    HostStep,
    Job,
    LayerInfo,
    Offload,
    Program,
    Segment,
    Transfer,
)
from networks.schedule.compiler import compile_network

__all__ = [
    "Buffer",
    "HostStep",
    "Job",
    "LayerInfo",
    "Offload",
    "Program",
    "Segment",
    "Transfer",
    "compile_network",
]
