# Everything happens in .venv; nothing but Python, pip, venv, git and make is assumed.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
HTML := _build/html
PORT ?= 8000

# The first Python on the PATH that is one of 3.11, 3.12 and 3.13; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
  && { echo $$p; break; }; done)

.PHONY: help setup book chapter serve test test-all lint format lock bench images notebooks clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install everything into .venv (the other commands do this themselves)

$(READY): requirements/lock.txt pyproject.toml $(wildcard requirements/soxbindings/*)
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 was found. Install one, or name" \
	  "it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --disable-pip-version-check --quiet --progress-bar off \
	  -r requirements/lock.txt
	$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --editable .
	$(PY) -m pip check
	@touch $@

book: $(READY) ## build the book, every cell executed, into _build/html
	$(PY) book/build.py

chapter: $(READY) ## build one chapter: make chapter NAME=book/data/scaper
	@test -n "$(NAME)" || { echo "Name a chapter: make chapter NAME=book/data/scaper"; exit 1; }
	$(PY) book/build.py $(NAME)

serve: book ## build the book, serve it on localhost:PORT and open it
	@(sleep 1; $(PY) -m webbrowser "http://localhost:$(PORT)/") >/dev/null 2>&1 &
	$(PY) -m http.server --bind localhost --directory $(HTML) $(PORT)

test: $(READY) ## run the fast tests
	$(PY) -m pytest -q -n auto

test-all: $(READY) ## run all tests: the slow ones and those in a browser as well
	$(PY) -m pytest -q -n auto -m "not browser"
	$(PY) -m pytest -q -m browser

lint: $(READY) ## check style and formatting
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(READY) ## mend style and formatting
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(READY) ## run every benchmark against its named peer
	@for file in benchmarks/[a-z]*.py; do \
	  name=$$(basename $$file .py); echo "== $$name"; $(PY) -m benchmarks.$$name || exit 1; done

images: $(READY) ## draw the figures again
	$(PY) -m images

notebooks: $(READY) ## clear outputs and set the first cell and metadata of every notebook
	$(PY) book/conventions.py --write

lock: ## make requirements/lock.txt again (needs uv: pip install uv)
	uv pip compile pyproject.toml --extra book --extra dev --universal --python-version 3.11 \
	  --fork-strategy fewest --constraints requirements/constraints.txt --no-annotate --no-header \
	  | $(PYTHON) requirements/finish_lock.py > requirements/lock.tmp
	mv requirements/lock.tmp requirements/lock.txt

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) _build *.egg-info
