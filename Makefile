# make alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TORCH := $(shell grep '^torch==' constraints.txt)
OLDEST := .oldest
OLDEST_EXTRAS := --extra test --extra engines --extra lecture
OLDEST_TORCH := $(shell sed -n 's/.*"torch>=\([0-9.]*\)".*/torch==\1/p' pyproject.toml)
TORCH_CPU := https://download.pytorch.org/whl/cpu
# Tests in a browser, and hostile submissions, wait more than they compute: three at a time keep two cores busy.
WORKERS ?= 3
# The fast tests hardly wait, and each worker imports everything once.
FAST_WORKERS ?= 2
LAB ?= lab1
COURSE ?= course
FORMGRADER := --ServerApp.default_url=/formgrader --ServerApp.jpserver_extensions="{'nbgrader.server_extensions.formgrader': True}"
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help course test check lint oldest lab lecture release grade feedback formgrader bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

course: $(VENV)/.grade $(VENV)/.sandbox  ## the whole loop on the bundled class: labs, submissions, marks, feedback
	@$(BIN)/autograder demo --course $(COURSE)

test: lint $(VENV)/.sandbox  ## lint, format, types, then every test (QLAB_REQUIRE names what may not be skipped)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

check: lint  ## lint, format, types, then the fast tests
	@$(BIN)/python -m pytest -n $(FAST_WORKERS) --dist loadgroup -m "not slow" -q

lint: $(VENV)/.test  ## lint, format, types and declared dependencies alone
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/deptry qlab autograder

oldest: pyproject.toml  ## the fast tests with the oldest versions that pyproject.toml admits, which it downloads
	@test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install -q uv
	@$(OLDEST)/bin/uv pip compile -q pyproject.toml $(OLDEST_EXTRAS) --resolution lowest-direct --no-header --no-annotate \
	  | grep -vE '^(nvidia|cuda|triton|torch)' > $(OLDEST)/versions.txt
	@echo "This downloads $(OLDEST_TORCH) in its CPU build (200 MB) and $$(wc -l < $(OLDEST)/versions.txt) packages (500 MB) into $(OLDEST):"
	@paste -sd ' ' $(OLDEST)/versions.txt
	$(call install-torch,$(OLDEST),$(OLDEST_TORCH))
	@$(OLDEST)/bin/uv pip install -q --python $(OLDEST)/bin/python --no-deps -r $(OLDEST)/versions.txt -e .
	@PATH="$(CURDIR)/$(OLDEST)/bin:$$PATH" PYTHONPATH=$(CURDIR) $(OLDEST)/bin/python -m pytest -n $(FAST_WORKERS) --dist loadgroup -m "not slow" -q

lab: $(VENV)/.grade  ## JupyterLab on labs/
	@$(BIN)/jupyter lab --notebook-dir labs

lecture: $(VENV)/.lecture  ## the lecture's live demos in the browser, code hidden
	@$(BIN)/voila labs/lecture/lecture.ipynb

release: $(VENV)/.grade  ## build labs/ from solutions/
	@$(BIN)/autograder release --course $(COURSE)

grade: $(VENV)/.grade $(VENV)/.sandbox  ## grade what is in submitted/: make grade LAB=lab1
	@$(BIN)/autograder grade $(LAB) --course $(COURSE)

feedback: $(VENV)/.grade  ## write one feedback page per student: make feedback LAB=lab1
	@$(BIN)/autograder feedback $(LAB) --course $(COURSE)

formgrader: $(VENV)/.grade  ## read essays in the browser: nbgrader's formgrader on the course
	@cd $(COURSE) && PATH="$(CURDIR)/$(BIN):$$PATH" jupyter server $(FORMGRADER) $(if $(filter 0,$(shell id -u)),--allow-root)

bench: $(VENV)/.test  ## measure every number that README, docs/ and labs quote
	@$(BIN)/python benchmarks/run.py

clean:  ## remove the environment and caches; the course folder, with marks in it, stays
	rm -rf $(VENV) $(OLDEST) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up: torch first, in its CPU build, because PyPI's build for Linux brings gigabytes of CUDA with it.
define install-torch
	@$(1)/bin/python -m pip install --report $(1)/torch.json "$(2)+cpu" 2>$(1)/torch.log \
	  || $(1)/bin/python -m pip install --report $(1)/torch.json "$(2)" --index-url $(TORCH_CPU) \
	  || { echo "$(2) could not be installed: install its CPU build into $(1) yourself, then run make again."; exit 1; }
endef

$(VENV)/.torch: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "qlab needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "python3 has no venv here: on Debian, apt-get install python3-venv."; exit 1; }
	@echo "Setting up $(VENV): $(TORCH) (CPU) ..."
	$(call install-torch,$(VENV),$(TORCH))
	@touch $@

# Up to version 0.1 the distribution was called qlab. It has to go before quantization-lab is installed: uninstalled later,
# it would take the new one's files along.
$(VENV)/.grade: $(VENV)/.torch pyproject.toml constraints.txt
	@echo "Setting up $(VENV): qlab and what grading needs ..."
	@rm -rf qlab.egg-info; ! $(BIN)/python -m pip show -q qlab 2>/dev/null || $(BIN)/python -m pip uninstall -y qlab
	@$(BIN)/python -m pip install -c constraints.txt -e ".[grade]"
	@$(BIN)/python -c 'import json, torch; found = json.load(open("$(VENV)/torch.json"))["install"]; \
	  print("torch", torch.__version__, "from", *[i["download_info"]["url"] for i in found if i["metadata"]["name"] == "torch"] or ["an earlier set-up"])'
	@touch $@

$(VENV)/.lecture: $(VENV)/.grade
	@echo "Setting up $(VENV): Voila, which shows the lecture ..."
	@$(BIN)/python -m pip install -c constraints.txt -e ".[lecture]" \
	  || { echo "Voila could not be installed: make lab shows the same demos, in lecture/lecture.ipynb."; exit 1; }
	@touch $@

# Students' code runs in a sandbox made by bubblewrap, a package of the system. Without it the bundled class is graded all
# the same, and grading others' submissions refuses; both name the command that is missing.
$(VENV)/.sandbox: $(VENV)/.torch
	@command -v bwrap >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && echo "Setting up bubblewrap, the sandbox for students' code: apt-get install bubblewrap ..." \
	  && { apt-get install -y -qq --no-install-recommends bubblewrap >$(VENV)/apt.log 2>&1 \
	    || { apt-get update -qq >>$(VENV)/apt.log 2>&1; \
	         apt-get install -y -qq --no-install-recommends bubblewrap >>$(VENV)/apt.log 2>&1; } \
	    || echo "It could not be installed; see $(VENV)/apt.log."; }; } || true
	@! command -v bwrap >/dev/null || touch $@

$(VENV)/.test: $(VENV)/.grade
	@echo "Setting up $(VENV): what the tests need ..."
	@$(BIN)/python -m pip install -c constraints.txt -e ".[test,engines,lecture,pt2e]" || { \
	  echo "onnxruntime, LiteRT, Voila or torchao cannot be had here: their tests will be skipped."; \
	  $(BIN)/python -m pip install -c constraints.txt -e ".[test]"; }
	@touch $@
