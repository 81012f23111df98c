# Every target first makes .venv from the hashed lock: Python 3.11 or 3.12 with venv, make and bash are all that must be there.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-once test test-history test-disaster check proofs bench bench-detection lock clean

VENV := .venv
BIN := $(VENV)/bin
# The first of these that will do; another: make test PYTHON=python3.12
PYTHON := python3.11 python3.12 python3
READY := $(VENV)/.ready
# Whose docstrings hold examples that are run as tests.
CODE := $(wildcard logverse producers flink_jobs alerting deploy storage dashboard)

# What the user types reaches the shell as the value of a variable, never as text of the command.
unexport LOGS ONLY
export DEMO_LOGS := $(value LOGS)
export BENCH_ONLY := $(value ONLY)

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r target about; do \
	  printf '  make %-15s %s\n' "$$target" "$$about"; done

demo: $(READY) ## the whole path on this machine, with a fault; LOGS=path follows your own log instead
	$(BIN)/python -m deploy.local.demo $${DEMO_LOGS:+"--logs=$$DEMO_LOGS"}

demo-once: $(READY) ## the same up to the resolved alert, then stop
	$(BIN)/python -m deploy.local.demo --once $${DEMO_LOGS:+"--logs=$$DEMO_LOGS"}

# Servers of tests live for minutes: a compiler that optimises them for hours would cost more than it gives.
test: check ## check, then all tests but the proofs: under 15 minutes on 2 cores
	JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1 $(BIN)/pytest -n 2 -m "not proof" $(CODE) tests

test-history: $(READY) ## the history on real servers: real logs, each process killed, the store away for five minutes (15 minutes)
	$(BIN)/pytest -s tests/stack/test_history_job.py tests/faults/test_history_kill.py tests/faults/test_store_away.py

test-disaster: $(READY) ## backed up, then databases and topics deleted, made anew, restored and compared, on real servers
	$(BIN)/pytest -s tests/faults/test_disaster.py

check: $(READY) ## linters, types, and the rules of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_house.py tests/test_docs.py

proofs: $(READY) ## the long proofs on real servers; the results go to docs/proofs.md
	$(BIN)/pytest -m proof tests

bench: $(READY) ## what it reaches on this machine; one of them: make bench ONLY=produce
	$(BIN)/python -m benchmarks $$BENCH_ONLY

bench-detection: $(READY) ## how well it detects, beside published figures (about an hour); one part: make bench-detection ONLY=nab
	$(BIN)/python -m benchmarks.detection $$BENCH_ONLY

COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q pyproject.toml

lock: $(READY) ## write the hashed requirements anew after a change of pyproject.toml
	$(COMPILE) -o requirements/base.txt
	$(COMPILE) --extra otlp -o requirements/producer.txt
	$(COMPILE) --extra flink --extra cassandra --extra mongodb --extra backup --extra otlp --extra dev -o requirements/dev.txt
	$(COMPILE) --all-extras -o requirements/all.txt

clean: ## remove .venv and caches; the embedded stack's data stays (logverse down --wipe)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python counts when it runs, has the right version and can make environments (Debian leaves ensurepip out).
$(READY): requirements/dev.txt pyproject.toml
	@for python in $(PYTHON); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then \
	    found="$$python"; break; fi; done; \
	if [ -z "$${found:-}" ]; then \
	  echo "error: no Python 3.11 or 3.12 with venv on the PATH (looked for: $(PYTHON))" >&2; \
	  echo "  → Debian, Ubuntu: apt install python3.11 python3.11-venv;  macOS: brew install python@3.11" >&2; exit 1; fi; \
	echo "making $(VENV) with $$found; the first time fetches about 600 MB"; "$$found" -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@
