"""The package list of setup.cfg is kept by hand: nothing that is imported may be missing."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_every_package_is_listed() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    found = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for top in ("cosim", "hdl", "networks")
        for file in (ROOT / top).rglob("*.py")
    }
    assert listed == found


def test_the_simulators_meet_only_at_the_engine() -> None:
    """Of the system, which is SimPy, one file needs MyHDL, and no file needs both."""
    needed = {
        file.relative_to(ROOT).as_posix(): {
            line.split()[1].split(".")[0]
            for line in file.read_text(encoding="utf-8").splitlines()
            if line.startswith(("import ", "from "))
        }
        for top in ("cosim", "hdl", "networks")
        for file in sorted((ROOT / top).rglob("*.py"))
    }
    assert [file for file, names in needed.items() if {"myhdl", "simpy"} <= names] == []
    mixed = [file for file, names in needed.items() if "myhdl" in names and "cosim" in file]
    assert mixed == ["cosim/rtl_engine.py"]
