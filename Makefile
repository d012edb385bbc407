# make demo   five simulated accounts and the site, from a fresh clone
# make test   the whole test suite (SQLite; with DATABASE_URL=postgres://... on PostgreSQL)
# make run    the site and its worker on your own .env
# make lint   everything that reads the code
# make messages  what translators work on (docs/translating.md); needs gettext
# make bench  measures everything against its targets (docs/benchmarks.md says how; BENCH_EVENTS, BENCH_ONLY, DATABASE_URL)
.PHONY: demo test run lint format messages bench pins

PYTHON ?= python3
BIN = .venv/bin

demo: .venv/runtime
	@$(BIN)/python manage.py demo

run: .venv/runtime
	@$(BIN)/python manage.py run

test: .venv/development
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy accounts auditsite events manage.py
	$(BIN)/djlint --lint --quiet templates
	PYTHONPATH=. $(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	ENV_FILE=/dev/null ALLOWED_HOSTS=audit.example.com SECRET_KEY=lint-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP \
	  CREDENTIAL_KEYS=dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk= $(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: .venv/development
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemessages --all --no-obsolete --no-wrap \
	  --add-location file --ignore .venv --ignore var --ignore tests
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py compilemessages --ignore .venv

bench: .venv/bench
	@$(BIN)/python -m tests.benchmarks

# A stamp per set of requirements, newer than its pinned file once that is installed.
.venv/runtime: requirements.txt | .venv/bin/python
	@echo "Installing the packages ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@touch $@

.venv/development: requirements-dev.txt | .venv/bin/python
	@echo "Installing the development packages ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@ .venv/runtime

.venv/bench: requirements-bench.txt | .venv/bin/python
	@echo "Installing the packages of the benchmark ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-bench.txt
	@touch $@ .venv/development .venv/runtime

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Auditsite needs Python 3.11 or newer. Install it, or name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# New versions of everything, pinned with hashes. No host or path may stand in the files.
pins: .venv/bin/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  -o requirements-deploy.txt pyproject.toml --extra postgres --extra redis -c requirements.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  -o requirements-dev.txt pyproject.toml --extra postgres --extra redis --group dev -c requirements-deploy.txt
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  -o requirements-bench.txt pyproject.toml --extra postgres --extra redis --group dev --group bench -c requirements-dev.txt
