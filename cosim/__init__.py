"""SimPy model of the system around the accelerator: host, bus, DMA, memory, energy and reports.

Simulated time is an integer number of picoseconds everywhere. Only `rtl_engine` imports MyHDL
itself.
"""

import networks  # noqa: F401  (it says where numba keeps what it compiles)
