# The project's verbs. Each does its own set-up; `make` alone lists them.
PYTHON := .venv/bin/python
MOOD ?= study
SECONDS ?= 60
KIND ?= real
MINUTES ?=
SEED ?= 1
OUT ?= build/lofi.flac

.PHONY: help radio render doctor test check bench train hear demo screenshots loops soundfont audit image soak

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 10

radio: ## set up, then be on air at http://127.0.0.1:8000 (Ctrl-C ends)
	@deploy/setup.sh radio
	@.venv/bin/lofi-radio run

render: ## render a track: make render MOOD=rainy SECONDS=60 SEED=1 OUT=build/lofi.flac
	@deploy/setup.sh radio
	@mkdir -p $(dir $(OUT))
	@.venv/bin/lofi-radio render --mood $(MOOD) --seconds $(SECONDS) --seed $(SEED) --out $(OUT)

doctor: ## say what is missing or broken, and the remedy
	@deploy/setup.sh radio
	@.venv/bin/lofi-radio doctor

test: ## set up, then run every check and test
	@deploy/setup.sh test
	@$(MAKE) --no-print-directory check
	@$(PYTHON) -m pytest -n 2 --dist worksteal

check: ## lint and types
	@deploy/setup.sh test
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

bench: ## measure speed, as ratios within one run
	@deploy/setup.sh test
	@$(PYTHON) -m bench

soak: ## hours on air with faults: make soak KIND=real MINUTES=60, or KIND=fast, kills, reloads (real and fast need root)
	@deploy/setup.sh test
	@$(PYTHON) -m tests.soak $(KIND) $(if $(MINUTES),--minutes $(MINUTES)) --out build/soak/$(KIND)

train: ## train both models again (hours; see training/README.md)
	@deploy/setup.sh test
	@bash training/runs/drums.sh
	@bash training/runs/piano.sh

hear: ## render every mood, measure sound and music against the aims, draw (MINUTES=10)
	@deploy/setup.sh test
	@$(PYTHON) -m bench.hear --minutes $(or $(MINUTES),10)

demo: ## half a minute to listen to: build/demo.opus
	@deploy/setup.sh radio
	@mkdir -p build
	@.venv/bin/lofi-radio render --mood study --seconds 30 --seed 7 --title "lofi-radio demo" --out build/demo.opus

screenshots: ## take the docs' pictures of the page and the overlay from a real station
	@deploy/setup.sh test
	@$(PYTHON) -m bench.screenshots

loops: ## synthesise vinyl, ambience and fills again
	@deploy/setup.sh radio
	@$(PYTHON) -m loops.make

soundfont: ## synthesise the sound bank again
	@deploy/setup.sh radio
	@$(PYTHON) -m soundfonts.make

audit: ## look for known vulnerabilities in the locked packages (needs the network)
	@deploy/setup.sh radio
	@test -x build/audit/bin/pip-audit || { python3 -m venv build/audit && build/audit/bin/pip install --quiet pip-audit; }
	@build/audit/bin/pip-audit --disable-pip --require-hashes --requirement requirements/radio.txt

image: ## build the Docker image
	@docker build --tag lofi-radio .
