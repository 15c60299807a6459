"""Figures of runs, sweeps and trade-offs, drawn with matplotlib at a width in pixels."""
