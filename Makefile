# Set-up, runs and checks. Every target can be repeated; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CODE := cosim hdl networks scripts
# Two simulations side by side: enough for two cores, and a process holds a few hundred MB.
JOBS ?= 2

.PHONY: help setup tools run test test-slow lint format bench merit study clean

help:
	@echo "make setup      Python environment in $(VENV), and the HDL tools of the tests"
	@echo "make run        LeNet-300 on both accelerators, then side by side"
	@echo "make test       fast tests;  make test-slow: the slow ones"
	@echo "make lint       ruff and mypy;  make format: mend the format"
	@echo "make bench      speed of the simulators"
	@echo "make merit      places all cores, runs three networks: the table of docs/area.md; hours"
	@echo "make study      all figures and tables of docs/study; goes on where it was interrupted"

setup: $(INSTALLED) tools

$(INSTALLED): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python must be 3.11 or newer, not %d.%d: make PYTHON=..." % sys.version_info[:2])'
	@$(PYTHON) -m venv $(VENV) || { echo "venv must be installed: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --quiet --editable '.[test]'
	@touch $@

tools:
	@bash scripts/install_tools.sh

run: $(INSTALLED)
	@mkdir -p build
	$(BIN)/python scripts/run_scenario.py scripts/scenarios/lenet300-bitmap.toml --images 4 --json build/lenet300-bitmap.json
	$(BIN)/python scripts/run_scenario.py scripts/scenarios/lenet300-dense.toml --images 4 --json build/lenet300-dense.json
	$(BIN)/python scripts/compare.py build/lenet300-bitmap.json build/lenet300-dense.json
	$(BIN)/python scripts/report.py build/lenet300-bitmap.json --compare build/lenet300-dense.json --out build/lenet300.html

test: $(INSTALLED) tools
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadscope

test-slow: $(INSTALLED) tools
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadscope -m slow $(OPTIONS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)
	$(BIN)/python -m pytest benchmarks -o python_files="bench_*.py" --benchmark-only --benchmark-columns=min,mean,rounds

merit: $(INSTALLED)
	PYTHON=$(BIN)/python scripts/measure_merit.sh

study: $(INSTALLED)
	$(BIN)/python scripts/study.py --jobs $(JOBS) --json build/study/study.json
	$(BIN)/python scripts/report.py build/study/study.json --out build/study/study.html

clean:
	rm -rf $(VENV) build
