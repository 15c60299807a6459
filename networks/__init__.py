"""Networks: import, quantisation, compression, scheduling and bit-exact integer reference.

The path of a file through this package is `importers` (file to `graph.LayerGraph`, through the list
of `passes`), `quantise` (float files only), `compress` or `weight_lists` (weights to bitmaps and
values, or to lists), `schedule` (graph to `program.Program`). `layers` names all kinds of layers,
`rescale` says how integers are rounded, `reference` executes a graph, `program_model` a program.
This package imports neither MyHDL nor SimPy.
"""

from networks import numba_cache

numba_cache.use()
