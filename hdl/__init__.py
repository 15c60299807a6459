"""MyHDL model of the accelerators, cycle by cycle, convertible to VHDL and Verilog.

`config`, `registers` and `packets` are plain data and import nothing but the standard library and
pydantic, so that compilers and drivers can share them without importing MyHDL.
"""
