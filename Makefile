# Commands of gpmcast. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Options of a run: make train DATA=<folder, file or pattern> CONFIG=<yaml> TRIALS=<n> BASELINE=1 (empirical Bayes alone)
DATA ?=
CONFIG ?= configs/default.yaml
TRIALS ?=
OUT ?=
# Options of make report: one account, one product, creatives launched since a day. LANG_ (zh, en): language shown
# first, and of messages; default: zh in the report, else that of the locale
ACCOUNT ?=
PRODUCT ?=
SINCE ?=
# Option of score: SQLAlchemy URL, SQLite file or export of the ledger; default: that of the service
LEDGER ?=
LANG_ ?=
# Options of plan and of the plan in the report: CNY of the next days, how many creatives to launch; of plan: a tag sheet
# with candidates
BUDGET ?=
LAUNCH ?=
CANDIDATES ?=
# Option of train and refresh: 1 goes on where the tag sheet does not join the metrics
WITHOUT_TAGS ?=
# Option of doctor: a YAML file to write, the source config with the headers that it suggests
WRITE_SOURCE ?=
# Option of bench-scale: rows of metrics, separated by spaces; default 0.1, 1, 5 and 10 million
ROWS ?=
# Options of bench-peers: CPU seconds of each peer; a folder of the public data sets; a checkout with its own .venv
SECONDS ?= 45
PUBLIC ?=
OTHER ?=
# World of the sample: additive, interplay or shift; empty: the default one (bench-peers: all three). See docs/sample.md
WORLD ?=
SERVING ?= configs/serving.yaml
# Registered model of serve, report and bento, where several have a champion; default: the newest, for a report that of DATA
NAME ?=
# Workers: ENGINE=dask starts them on this machine; SCHEDULER=tcp://… uses those of a cluster (docs/scale.md)
ENGINE ?=
SCHEDULER ?=

# A misspelt option (DAT=…) would be ignored, and the sample trained in place of the user's data.
OPTIONS := DATA CONFIG TRIALS BASELINE OUT HEADERS ACCOUNT PRODUCT SINCE LEDGER LANG_ BUDGET LAUNCH CANDIDATES WITHOUT_TAGS WRITE_SOURCE ROWS SECONDS \
	PUBLIC OTHER WORLD SERVING NAME ENGINE SCHEDULER VENV PY PYTHON SHELL
UNKNOWN := $(strip $(filter-out $(OPTIONS),$(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))))
$(if $(UNKNOWN),$(error no option is called $(UNKNOWN): `make help` lists them · 没有叫 $(UNKNOWN) 的选项，看 make help))
$(if $(filter-out zh en,$(LANG_)),$(error LANG_ is zh or en, not $(LANG_) · LANG_ 只能是 zh 或 en，不能是 $(LANG_)))

VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)

SAMPLE := var/sample-exports$(if $(WORLD),-$(WORLD))
TRUTH := var/sample-truth$(if $(WORLD),-$(WORLD)).parquet
WRITE_SAMPLE = $(PY) -m sample --out $(SAMPLE) --truth $(TRUTH)$(if $(WORLD), --world $(WORLD))
TARGET_DATA = $(or $(DATA),$(SAMPLE))
WORKERS = $(if $(filter dask,$(ENGINE))$(SCHEDULER),$(VENV)/.scale)
GATE_OPTIONS = $(if $(WITHOUT_TAGS),--without-tags) $(if $(LANG_),--lang '$(LANG_)')
ENGINE_OPTIONS = $(if $(ENGINE),--engine '$(ENGINE)') $(if $(SCHEDULER),--scheduler '$(SCHEDULER)')

.PHONY: help setup doctor train refresh predict plan backtest report score serve bento ui sample test test-fast check format hooks lock clean
.PHONY: bench-peers bench-serve bench-scale screenshots

help: ## list the commands and their options
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  options: DATA=<folder, file or pattern> CONFIG=<yaml> TRIALS=<n> OUT=<file> SERVING=<yaml> NAME=<model> WORLD=<of the sample> ENGINE=dask SCHEDULER=<address>"
	@echo "  train: BASELINE=1 (empirical Bayes alone); predict: HEADERS=zh; WITHOUT_TAGS=1 where the sheet does not join; LANG_=<zh or en> of all messages"

setup: $(VENV)/.product ## create .venv and install the runtime dependencies

doctor: $(VENV)/.product $(if $(DATA),,$(TRUTH)) ## say what the exports hold, what is wrong with them and whether they suffice; LANG_=zh, WRITE_SOURCE=<yaml>
	@$(PY) -m training doctor --config '$(CONFIG)' $(if $(LANG_),--lang '$(LANG_)') $(if $(WRITE_SOURCE),--write-source '$(WRITE_SOURCE)') \
		--data '$(TARGET_DATA)'

train: $(VENV)/.product $(WORKERS) $(if $(DATA),,$(TRUTH)) ## train and register a model on exports; without DATA on the sample
	@$(PY) -m training train --config '$(CONFIG)' $(if $(TRIALS),--trials $(TRIALS)) $(if $(BASELINE),--baseline) $(ENGINE_OPTIONS) $(GATE_OPTIONS) --data '$(TARGET_DATA)'

refresh: $(VENV)/.product $(WORKERS) $(if $(DATA),,$(TRUTH)) ## refit the champion on newer exports, without tuning
	@$(PY) -m training refresh --config '$(CONFIG)' $(ENGINE_OPTIONS) $(GATE_OPTIONS) --data '$(TARGET_DATA)'

predict: $(VENV)/.product $(WORKERS) $(if $(DATA),,$(TRUTH)) ## predict every creative at its latest cutoff, into OUT
	@$(PY) -m training predict --config '$(CONFIG)' $(ENGINE_OPTIONS) --data '$(TARGET_DATA)' --out '$(or $(OUT),predictions.csv)' $(if $(HEADERS),--headers '$(HEADERS)') $(GATE_OPTIONS)

plan: $(VENV)/.product $(if $(DATA),,$(TRUTH)) ## plan a budget: launches, tests, today's split, stops; BUDGET=<CNY>, LAUNCH=<n>, CANDIDATES=<tag sheet>, into OUT
	@$(PY) -m training plan --config '$(CONFIG)' --data '$(TARGET_DATA)' --out '$(or $(OUT),var/plan.csv)' $(if $(BUDGET),--budget '$(BUDGET)') $(if $(LAUNCH),--launch '$(LAUNCH)') \
		$(if $(CANDIDATES),--candidates '$(CANDIDATES)') $(GATE_OPTIONS)

backtest: $(VENV)/.product $(if $(DATA),,$(TRUTH)) ## compare predictions with outcomes at rolling origins, into var/backtest.parquet
	@$(PY) -m training backtest --config '$(CONFIG)' --data '$(TARGET_DATA)' $(GATE_OPTIONS)

serve: $(VENV)/.product ## serve the champion over HTTP on port 3000; SERVING=<yaml> for keys and limits, NAME=<model>
	@$(PY) -m serving serve --config '$(SERVING)' $(if $(NAME),--name '$(NAME)')

report: $(VENV)/.product $(if $(DATA),,$(TRUTH)) ## write the strategist's report as one HTML file; ACCOUNT=, PRODUCT=, SINCE=, BUDGET=<CNY to plan>, LAUNCH=<n>, LANG_=en
	@$(PY) -m serving report --config '$(CONFIG)' --data '$(TARGET_DATA)' --out '$(or $(OUT),var/report.html)' $(GATE_OPTIONS) $(if $(NAME),--name '$(NAME)') \
		$(if $(ACCOUNT),--account '$(ACCOUNT)') $(if $(PRODUCT),--product '$(PRODUCT)') $(if $(SINCE),--since '$(SINCE)') $(if $(LEDGER),--ledger '$(LEDGER)') \
		$(if $(BUDGET),--budget '$(BUDGET)') $(if $(LAUNCH),--launch '$(LAUNCH)')

score: $(VENV)/.product $(if $(DATA),,$(TRUTH)) ## compare past answers with what came: were they right; LEDGER=<url, file or export>, SINCE=, OUT=
	@$(PY) -m serving score --config '$(CONFIG)' --service-config '$(SERVING)' --data '$(TARGET_DATA)' $(if $(LEDGER),--ledger '$(LEDGER)') \
		$(if $(SINCE),--since '$(SINCE)') $(if $(OUT),--out '$(OUT)') $(if $(LANG_),--lang '$(LANG_)')

bento: $(VENV)/.product ## build a bento with the champion inside, which starts without a network
	@$(PY) -m serving bento --config '$(SERVING)' $(if $(NAME),--name '$(NAME)')

screenshots: $(VENV)/.dev ## take pictures of every page in Chromium, into OUT or var/screenshots; DATA: exports of a trained model
	@$(PY) -m benchmarks.screenshots --config '$(CONFIG)' --data '$(TARGET_DATA)' --out '$(or $(OUT),var/screenshots)'

bench-serve: $(VENV)/.product ## measure the service: latency, CPU time, memory
	@$(PY) -m benchmarks.serving_speed

bench-scale: $(VENV)/.product ## measure time and memory up to 10 million rows, into var/scale; ROWS="<n> <n>"
	@$(PY) -m benchmarks.scale $(foreach rows,$(ROWS),--rows $(rows))

test: $(VENV)/.dev ## run all tests
	@$(PY) -m pytest -n 2 --dist loadfile

test-fast: $(VENV)/.dev ## run the tests that need neither long training, a server nor a browser; under a minute
	@$(PY) -m pytest -n 2 --dist loadfile -m 'not slow and not service and not browser'

check: $(VENV)/.dev ## check lint, formatting, types and import rules
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: $(VENV)/.dev ## format the code
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

hooks: $(VENV)/.dev ## install the checks that run before each commit (.pre-commit-config.yaml)
	@$(VENV)/bin/pre-commit install

sample: $(VENV)/.product ## write the sample world's exports and its truth again
	@$(WRITE_SAMPLE)

ui: $(VENV)/.product ## show the runs in MLflow on port 5000
	@$(PY) -m training ui --config '$(CONFIG)' --data '$(TARGET_DATA)'

bench-peers: $(VENV)/.bench $(if $(DATA),,$(TRUTH)) ## compare with peers and ablations, into var/proof; PUBLIC=<folder>: public data too; OTHER=<checkout>: its model too
	@$(MAKE) --no-print-directory -j2 $(PEER_SETS:%=var/proof/%.json)
	@$(PY) -m benchmarks.pages $(patsubst %,var/proof/%.json,$(filter-out ablations,$(PEER_SETS)))

lock: $(VENV)/.uv ## pin the newest allowed versions with hashes
	@$(VENV)/bin/uv pip compile -q -U $(LOCK) pyproject.toml -o requirements.lock
	@$(VENV)/bin/uv pip compile -q -U $(LOCK) pyproject.toml --extra scale -c requirements.lock -o requirements-scale.lock
	@$(VENV)/bin/uv pip compile -q -U $(LOCK) pyproject.toml --group dev -c requirements-scale.lock -o requirements-dev.lock
	@$(VENV)/bin/uv pip compile -q -U $(LOCK) pyproject.toml --group bench -c requirements.lock -o requirements-bench.lock
	@echo uv | $(VENV)/bin/uv pip compile -q -U $(LOCK) - -o requirements-uv.lock

clean: ## remove the venv, stores, models and sample exports
	rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# Two at a time, the longest first, each on one thread. Every fourth of 40 000 videos: all would take an hour.
WORLD_SETS = $(if $(DATA),,$(patsubst %,sample-%,$(or $(WORLD),interplay additive shift)))
PEER_SETS = $(if $(PUBLIC),youtube) $(or $(WORLD_SETS),own) ablations $(if $(PUBLIC),display-warm display-cold)
PEERS = $(PY) -m benchmarks.peers --seconds $(SECONDS) $(if $(OTHER),--other '$(OTHER)')
OUTPUT = --out $@ --markdown $(@:json=md) > $(@:json=log)
TASK = --data '$(TARGET_DATA)' --config '$(CONFIG)' $(if $(DATA),,--truth $(TRUTH))

.PHONY: $(PEER_SETS:%=var/proof/%.json)
var/proof/own.json: ; @mkdir -p $(@D); $(PEERS) $(TASK) $(OUTPUT)
$(WORLD_SETS:%=var/proof/%.json): var/proof/sample-%.json: var/sample-truth-%.parquet
	@mkdir -p $(@D); $(PEERS) --data var/sample-exports-$* --truth $< --config '$(CONFIG)' $(OUTPUT)
var/proof/ablations.json: ; @mkdir -p $(@D); $(PY) -m benchmarks.ablations $(TASK) $(OUTPUT)
var/proof/display-warm.json: ; @mkdir -p $(@D); $(PEERS) --data '$(PUBLIC)/display_ads_daily.csv.gz' --config configs/display_ads.yaml $(OUTPUT)
var/proof/display-cold.json: ; @mkdir -p $(@D); $(PEERS) --data '$(PUBLIC)/display_ads_daily.csv.gz' --config configs/display_ads.yaml --cold-share 0.4 $(OUTPUT)
var/proof/youtube.json: ; @mkdir -p $(@D); $(PEERS) --data '$(PUBLIC)/youtube_snapshots.parquet' --data '$(PUBLIC)/youtube_videos.parquet' --config configs/youtube.yaml --every 4 $(OUTPUT)

LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

# uv does not read pip's settings: an index named there is passed on.
UV_INSTALL = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(VENV)/bin/pip config get global.index-url 2>/dev/null)}"; \
	if [ -n "$$UV_DEFAULT_INDEX" ]; then export UV_DEFAULT_INDEX; else unset UV_DEFAULT_INDEX; fi; \
	$(VENV)/bin/uv pip install -q --no-config --python $(PY) --require-hashes -r

$(VENV)/.uv: requirements-uv.lock
	@test -n "$(PYTHON)" || { echo "gpmcast needs Python 3.11, 3.12 or 3.13; none was found. Install one, or say PYTHON=<path>." >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/.product: requirements.lock $(VENV)/.uv
	@echo "installing from requirements.lock"
	@$(UV_INSTALL) requirements.lock
	@touch $@

$(VENV)/.scale: requirements-scale.lock $(VENV)/.product
	@echo "installing from requirements-scale.lock"
	@$(UV_INSTALL) requirements-scale.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.product
	@echo "installing from requirements-dev.lock"
	@$(UV_INSTALL) requirements-dev.lock
	@touch $@

$(VENV)/.bench: requirements-bench.lock $(VENV)/.product
	@echo "installing from requirements-bench.lock"
	@$(UV_INSTALL) requirements-bench.lock
	@touch $@

# Written again when the sample's code is newer: its default world may be another one.
$(TRUTH): $(wildcard sample/*.py) | $(VENV)/.product
	@$(WRITE_SAMPLE)

var/sample-truth-%.parquet: $(wildcard sample/*.py) | $(VENV)/.product
	@$(PY) -m sample --out var/sample-exports-$* --truth $@ --world $* --until 2026-06-30
