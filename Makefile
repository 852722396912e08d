.PHONY: help develop test test-levels lint format bench docs wheel check clean

PYTHON ?= python

help:           ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

develop:        ## build in place, with everything needed to test and lint
	$(PYTHON) -m pip install -e ".[test,dev,progress]"

test:           ## the suite, at the best instruction set of this CPU
	pytest

test-levels:    ## the suite once per instruction set of this CPU
	for level in $$($(PYTHON) -P -c "import bp_core._dispatch as d; print(*d.levels())"); do \
		BP_CORE_ISA=$$level pytest || exit 1; \
	done

lint:           ## ruff and mypy
	ruff check .
	ruff format --check .
	mypy

format:         ## let ruff rewrite what it can
	ruff check --fix .
	ruff format .

bench:          ## the workloads against the peers that are installed
	$(PYTHON) bench run

docs:           ## the documentation site in docs/_build/html (extra docs); warnings are errors
	$(PYTHON) -P -m sphinx -W --keep-going -d docs/_build/doctrees docs docs/_build/html

wheel:          ## sdist and wheel in dist/
	$(PYTHON) -m build

check:          ## all that the continuous integration checks, in a new environment
	bash .ci/run

clean:          ## remove what building has left
	rm -rf build dist wheelhouse docs/_build *.egg-info bp_core/*.so bp_core/*.pyd
	rm -f bp_core/*.c bp_core/*.cpp bp_core/*.html
