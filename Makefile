# Every command we use. `make help` lists them.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; exit; fi; \
	done; echo python3)
BIN := .venv/bin
INSTALLED := .venv/.installed

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Without what Python keeps compiled, every run of the tests rewrites their assertions anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run story test check prove bench docs format schema lock reset

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

run story: export SEPAKAT_ENV ?= local

run: $(INSTALLED) ## a whole instance on this machine, with demo people; Ctrl-C stops it
	@exec $(BIN)/python -m app.cli run

story: $(INSTALLED) ## the story played against a fresh instance and narrated; others: make story PERSON=Sari
	@exec $(BIN)/python -m app.cli story $(if $(PERSON),--person '$(PERSON)')

test: $(INSTALLED) ## the tests, on real servers (those that take long: make prove)
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(INSTALLED) ## formatting, lint, types, who may import whom, SQL
	@$(BIN)/ruff format --check --quiet . || { echo 'make format mends this'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/squawk sql/migrations/*.sql
	@$(BIN)/sqlfluff lint --nocolor sql/queries sql/local

prove: $(INSTALLED) ## the long tests, and try to break every promise (SHORT=1: in some five minutes)
	@$(BIN)/python -m tests.prove

bench: $(INSTALLED) ## how fast it is on this machine
	@$(BIN)/python -m tests.bench

format: $(INSTALLED) ## format Python and SQL queries
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/sqlfluff fix --nocolor --quiet sql/queries sql/local

schema: $(INSTALLED) ## sql/schema.sql anew from the migrations
	@$(BIN)/python -m tests.sql.schema_file

docs: $(INSTALLED) ## docs/errors.md, docs/notifications.md and docs/rules.md anew from the code
	@$(BIN)/python -m tests.contract.errors_page
	@$(BIN)/python -m app.notifications.wording_page
	@$(BIN)/python -m app.merges.rules_page

lock: ## requirements.lock anew from pyproject.toml: all platforms, hashes, no index addresses
	@test -x .local/tools/bin/uv || { $(PYTHON) -m venv .local/tools && .local/tools/bin/pip install --quiet uv; }
	@.local/tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --all-extras pyproject.toml -o requirements.lock

reset: ## forget everything under .local: database, secrets, logs
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m app.local.reset; else rm -rf .local; fi

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Sepakat needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing)."; \
		echo 'Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv), or name it: make run PYTHON=/path/to/python3.11'; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: its venv or ensurepip is missing."; \
		echo "Debian, Ubuntu: apt install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'). Then run this again."; \
		exit 1; }
	@echo 'Installing into .venv (once; a minute or so) …'
	@# umask: as root, PostgreSQL runs as a user of its own, which must be able to read its programs.
	@umask 022; $(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@umask 022; $(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@umask 022; $(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
