"""The package must be usable without the simulators."""

import subprocess
import sys


def test_neither_myhdl_nor_simpy_is_imported() -> None:
    code = (
        "import sys, pkgutil, importlib, networks\n"
        "for module in pkgutil.walk_packages(networks.__path__, 'networks.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert 'networks.schedule.compiler' in sys.modules\n"
        "print(sorted({'myhdl', 'simpy'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
