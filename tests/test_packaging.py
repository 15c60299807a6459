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


def test_only_the_bridge_imports_both_simulators() -> None:
    both = [
        file.relative_to(ROOT).as_posix()
        for top in ("cosim", "hdl", "networks")
        for file in sorted((ROOT / top).rglob("*.py"))
        if {"myhdl", "simpy"}
        <= {
            line.split()[1].split(".")[0]
            for line in file.read_text(encoding="utf-8").splitlines()
            if line.startswith(("import ", "from "))
        }
    ]
    assert both == ["cosim/bridge.py"]
