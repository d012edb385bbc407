# make demo   five simulated accounts and the site, from a fresh clone
# make test   the whole test suite (SQLite; with DATABASE_URL=postgres://... on PostgreSQL)
# make run    the site and its worker on your own .env
# make lint   everything that reads the code
# make messages  what translators work on (docs/translating.md); needs gettext
# make bench  measures everything against its targets (docs/benchmarks.md says how; BENCH_EVENTS, BENCH_ONLY, DATABASE_URL)
# make bench-quick  the ratios alone with 100,000 events, in about three minutes
# make install, install-deploy  only the packages of the site; those for PostgreSQL and Redis too
# make licences  docs/licences.md, from what is installed
# make build  wheel and source archive in dist/, the same bytes for the same source
# make sbom   the packages that a site runs on as CycloneDX, in dist/auditsite.cdx.json
# make audit  asks the Python package index for known vulnerabilities of all pinned packages: needs the network
# make hostile  10,000 examples of hostile input to each surface: hours
# make pins   new versions of all packages in requirements*.txt
.PHONY: demo test run lint format messages bench bench-quick install install-deploy install-development install-bench pins \
  licences build sbom audit hostile
.NOTPARALLEL:

PYTHON ?= python3
BIN = .venv/bin

# A stamp's name holds the checksum of its pinned file. It is written last: an install that was broken off has none.
stamp = .venv/$(1)-$(shell cat $(2) | cksum | cut -d ' ' -f 1).installed
RUNTIME := $(call stamp,runtime,requirements.txt)
DEPLOY := $(call stamp,deploy,requirements-deploy.txt)
DEVELOPMENT := $(call stamp,development,requirements-dev.txt tests/install/oldest-pip.txt)
BENCH := $(call stamp,bench,requirements-bench.txt tests/install/oldest-pip.txt)
SUPPLY := var/supply/$(notdir $(call stamp,supply,requirements-supply.txt))
PINS := $(call stamp,pins,requirements-pins.txt)
# Without a Python that runs nothing counts as installed.
$(shell test -x $(BIN)/python || rm -f .venv/*.installed)

demo: $(RUNTIME)
	@$(BIN)/python manage.py demo

run: $(RUNTIME)
	@$(BIN)/python manage.py run

test: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy accounts auditsite events manage.py
	$(BIN)/djlint --lint --quiet templates
	PYTHONPATH=. $(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	ENV_FILE=/dev/null ALLOWED_HOSTS=audit.example.com SECRET_KEY=lint-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOP \
	  CREDENTIAL_KEYS=dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk= $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(DEVELOPMENT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(DEVELOPMENT)
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemessages --all --no-obsolete --no-wrap \
	  --add-location file --ignore .venv --ignore var --ignore tests
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py compilemessages --ignore .venv

bench: $(BENCH)
	@$(BIN)/python -m tests.benchmarks

bench-quick: $(BENCH)
	@$(BIN)/python -m tests.benchmarks quick

# --- What is given away, and what it is made of ---------------------------------------------------------------------
# The day of the last commit is the date of every file in it.
EPOCH = $(shell git log -1 --format=%ct 2>/dev/null || echo 1577836800)

licences: $(DEVELOPMENT)
	$(BIN)/python -m tests.install.licences

build: $(DEVELOPMENT)
	SOURCE_DATE_EPOCH=$(EPOCH) $(BIN)/python -m hatchling build -d dist -t sdist -t wheel

sbom: $(SUPPLY)
	@mkdir -p dist
	var/supply/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible \
	  --sv 1.6 --of JSON -o dist/auditsite.cdx.json requirements-deploy.txt

audit: $(SUPPLY)
	for pinned in requirements-dev.txt requirements-bench.txt requirements-supply.txt requirements-pins.txt; do \
	  var/supply/bin/pip-audit --disable-pip --require-hashes --progress-spinner off -r $$pinned || failed=1; done; exit $${failed:-0}

hostile: $(DEVELOPMENT)
	$(BIN)/python -m pytest -n auto --hypothesis-profile nightly tests/hostile $(ARGS)

$(SUPPLY): requirements-supply.txt
	@echo "Installing the packages of $< ..."
	@$(PYTHON) -m venv --clear var/supply
	@var/supply/bin/python -m pip --disable-pip-version-check install $(PINNED) -r $<
	@touch $@

# --- What is installed ------------------------------------------------------------------------------------------------
# The pinned file alone decides, whatever was published since: pip looks up no dependency, checks the hash of every
# file, and builds nothing, because a build fetches tools that nobody pinned. `pip check` then sees that nothing lacks.
PIP = $(BIN)/python -m pip --disable-pip-version-check
PINNED = --quiet --no-deps --require-hashes --only-binary :all:
NEW_VENV = $(PYTHON) -m venv --clear .venv

install: $(RUNTIME)
install-deploy: $(DEPLOY)
install-development: $(DEVELOPMENT)
install-bench: $(BENCH)

$(RUNTIME): requirements.txt | $(BIN)/python
	$(install)
	@touch $@

$(DEPLOY): requirements-deploy.txt | $(BIN)/python
	$(install)
	@touch $@ $(RUNTIME)

$(DEVELOPMENT): requirements-dev.txt | $(BIN)/python
	$(install)
	$(fetch-oldest-pip)
	@touch $@ $(DEPLOY) $(RUNTIME)

$(BENCH): requirements-bench.txt | $(BIN)/python
	$(install)
	$(fetch-oldest-pip)
	@touch $@ $(DEVELOPMENT) $(DEPLOY) $(RUNTIME)

$(PINS): requirements-pins.txt | $(BIN)/python
	$(mend-venv)
	@$(PIP) install $(PINNED) -r $<
	@touch $@

# An environment in which venv or pip was broken off is made anew, and so is one whose packages do not fit each other:
# what an earlier pinned file brought and this one does not name may be in the way.
define mend-venv
@$(BIN)/python -c "$$WHOLE" || { echo "An earlier install was broken off. Making .venv anew ..."; $(NEW_VENV); }
endef

define install
@echo "Installing the packages of $< ..."
@rm -f .venv/*.installed
$(mend-venv)
@$(PIP) install $(PINNED) -r $<
@wrong=$$($(PIP) check) || { echo "$$wrong"; echo "These do not fit each other. Making .venv anew ..."; \
  $(NEW_VENV) && $(PIP) install $(PINNED) -r $< && $(PIP) check; }
endef

# Whether pip and every other package are there to the end. RECORD is what pip writes last; ~ marks what it was replacing.
define WHOLE
import csv, pathlib, sys, sysconfig
site = pathlib.Path(sysconfig.get_path('purelib'))
def whole(info):
    record = info / 'RECORD'
    files = [row[0] for row in csv.reader(record.open(encoding='utf-8', newline=''))] if record.exists() else ['']
    return all(file.endswith('.pyc') or (site / file).is_file() for file in files)
packages = list(site.glob('*.dist-info'))
pip = any(info.name.startswith('pip-') for info in packages)
sys.exit(sys.prefix == sys.base_prefix or not pip or any(site.glob('~*')) or not all(map(whole, packages)))
endef
export WHOLE

# What tests/install installs with; it stays a file and is not what .venv itself uses.
define fetch-oldest-pip
@$(PIP) download $(PINNED) --dest .venv/oldest-pip -r tests/install/oldest-pip.txt
endef

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Auditsite needs Python 3.11 or newer. Install it, or name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(NEW_VENV) || \
	  { rm -rf .venv; echo "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# New versions of everything, pinned with hashes. No host or path may stand in the files.
compile = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-emit-find-links --output-file
SERVERS = pyproject.toml --extra postgres --extra redis --extra saml --extra sso

pins: $(PINS)
	$(compile) requirements.txt pyproject.toml
	$(compile) requirements-deploy.txt $(SERVERS) -c requirements.txt
	$(compile) requirements-dev.txt $(SERVERS) --group dev -c requirements-deploy.txt
	$(compile) requirements-bench.txt $(SERVERS) --group dev --group bench -c requirements-dev.txt
	$(compile) requirements-supply.txt --group supply
	$(compile) requirements-pins.txt --group pins
