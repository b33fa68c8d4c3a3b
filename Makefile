# `make` alone lists the targets. Each does its own set-up, which is quick the second time.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON_BIN := .venv/bin/python
# More arguments for the program behind a target: make test ARGS="-k tenant", make demo ARGS=--json
ARGS ?=
# Which of the slow tests: CI leaves out those that are marked `matrix`, too.
SLOW ?= slow

.PHONY: help setup check test test-pure test-slow test-thorough prove engines test-engines bare-debian demo history lint format test-all test-lowest test-frameworks bench \
	generate check-generated lock lock-frameworks wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

setup: ## Set up everything that the other targets need
	@scripts/setup-python
	@scripts/setup-portal
	@scripts/setup-prometheus

check: ## Lint, and run the fast tests, in under a minute: the inner loop
	@scripts/setup-python
	@scripts/check $(ARGS)

test: setup ## Run the tests, on a real Prometheus and Alertmanager
	@scripts/run-tests $(PYTHON_BIN) -m "not slow and not prove and not engines" $(ARGS)

test-pure: setup ## Run the tests of what counts with the core in Python, where `make test` has the compiled one
	@scripts/test-pure $(PYTHON_BIN) -m "not slow and not prove and not engines" $(ARGS)

test-slow: setup ## Run the slow tests, which `make test` leaves out
	@scripts/setup-chromium
	@scripts/run-tests $(PYTHON_BIN) -m "$(SLOW) and not prove and not engines" $(ARGS)

test-thorough: setup ## Run the tests of properties with ten times the examples
	@scripts/run-tests $(PYTHON_BIN) -m hypothesis --hypothesis-profile=thorough --timeout=0 $(ARGS)

prove: setup ## Run the long proofs, one after the other, and print what they measured
	@scripts/run-tests $(PYTHON_BIN) -m prove --numprocesses=0 --capture=no --timeout=0 tests benchmarks $(ARGS)

engines: ## Build Prometheus 3, Alertmanager and VictoriaMetrics of today into .engines/, where Go is: minutes
	@scripts/build-engines

test-engines: setup ## Run what starts engines on those of `make engines`, and compare their answers with Debian's
	@scripts/test-engines $(PYTHON_BIN) $(ARGS)

bare-debian: ## As root on Debian: the README's first hour on a bare Debian 12, with times and sizes
	@$(PYTHON_BIN) scripts/bare_debian.py $(ARGS)

demo: ## Run the simulated marketplace with a planted incident, until Ctrl-C
	@scripts/run-demo demo --incident $(ARGS)

history: ## Make three months of a simulated past, and serve them, until Ctrl-C
	@scripts/run-demo history $(ARGS)

lint: ## Run all linters and type checkers
	@scripts/setup-python
	@scripts/lint

format: ## Format the code and apply safe fixes
	@scripts/setup-python
	@.venv/bin/ruff check --quiet --fix . || true
	@.venv/bin/ruff format .

test-all: test test-pure test-slow test-thorough test-lowest ## Run all tests, under every Python found here, and with the oldest dependencies
	@scripts/test-pythons $(ARGS)

test-lowest: setup ## Run the tests with the oldest dependencies that are admitted
	@scripts/test-lowest $(ARGS)

test-frameworks: ## Run every agent framework live, each in an environment of its own; ARGS=NAME for one
	@scripts/setup-python
	@scripts/test-frameworks $(ARGS)

bench: setup ## Run the benchmarks
	@$(PYTHON_BIN) -m pytest benchmarks --capture=no --timeout=0 -o faulthandler_timeout=0 $(ARGS)

generate: ## Write rules, dashboards, configurations and docs/metrics.md anew from Python
	@scripts/setup-python
	@scripts/generate

check-generated: ## Fail where a generated file is out of date
	@scripts/setup-python
	@scripts/check-generated

lock: ## Pin the development packages anew; ARGS=--upgrade for newer releases
	@scripts/setup-python
	@scripts/lock $(ARGS)

lock-frameworks: ## Pin the frameworks anew; ARGS=--upgrade for newer releases
	@scripts/setup-python
	@scripts/lock-frameworks $(ARGS)

wheel: setup ## Build the wheel with a compiled core and the portal into dist/, and test it installed
	@scripts/wheel $(PYTHON_BIN)

clean: ## Remove virtual environments, caches and builds
	@rm -rf .venv .venv-* .engines .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache dist build
	@find . -path './.venv*' -prune -o -name '*.cpython-*.so*' -exec rm -f {} +
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
