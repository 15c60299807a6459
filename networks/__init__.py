"""Networks: import, quantisation, compression, scheduling and bit-exact integer reference.

The path of a file through this package is `importers` (file to `graph.LayerGraph`, through the list
of `passes`), `quantise` (float files only), `compress` (weights to bitmaps and values), `schedule`
(graph to `program.Program`). `reference` executes a graph, `program_model` executes a program. This
package imports neither MyHDL nor SimPy.
"""
