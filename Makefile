# The commands of the project; `make` alone lists them. Every target sets up what it needs, once.
PYTHON ?= python3.11
CORES ?= all
CONFIG ?= config/demo.yaml
ARGS ?=
# of an image and of an offline bundle: build of torch (cpu, cuda), what the image begins from (debian, or python:3.11-slim-bookworm of a registry)
TORCH ?= cpu
BASE ?= debian
BUNDLE ?= build/grover-$(VERSION)-$(TORCH)
DRY ?=

VERSION = $(shell sed -n 's/^version = "\([^"]*\)".*/\1/p' pyproject.toml)
IMAGE = build/grover-$(VERSION)-$(TORCH).oci.tar
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --configfile $(CONFIG)
SLURM_PACKAGES := slurm-wlm slurm-wlm-basic-plugins munge slurmdbd mariadb-server

# $(call need,WHAT,CHECK,PACKAGES): installs Debian packages where CHECK fails and that is allowed, else says how.
define need
	@{ $(2); } > /dev/null 2>&1 || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(3); \
		else \
			echo "error: $(1) is missing; install it (on Debian: sudo apt-get install $(3)) and run make again" >&2; exit 1; \
		fi; }
endef

need_python = $(call need,$(PYTHON) with its module venv (another one: make setup PYTHON=/path/to/python3.11),$(PYTHON) -c 'import ensurepip',python3.11-venv)

.DEFAULT_GOAL := help
.PHONY: help setup external peers docs bedtools chromium npm slurm-programs image-programs run plan doctor test test-site test-external test-slurm test-slurm-all test-gpu notebook reference ship-model lint format bench why image bundle lock clean-logs clean-run

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed .venv/linked bedtools  ## install everything into .venv, the command grover included, once

# each stamp is newer than the file that names what is installed
.venv/installed: envs/lock.txt
	$(need_python)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
		echo "error: $(PYTHON) is not Python 3.11, for which envs/lock.txt was resolved; name one: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -r envs/lock.txt
	@touch $@

# the project itself, as a link to this checkout
.venv/linked: pyproject.toml .venv/installed
	$(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

external: .venv-external/installed  ## a second environment, .venv-external, for external models that bring code of their own (docs/reference/external-models.md)

.venv-external/installed: envs/external.txt
	$(PYTHON) -m venv .venv-external
	.venv-external/bin/python -m pip install --disable-pip-version-check -r envs/external.txt
	@touch $@

peers: .venv-peers/installed  ## a third environment, .venv-peers, with the peers of interpretation (bench/interpretation.py, bench/motif_discovery.py)

.venv-peers/installed: envs/peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --disable-pip-version-check -r envs/peers.txt
	@touch $@

# --quiet would hide the warnings from its strict mode, too
docs: .venv-docs/installed  ## the documentation as a site, site/index.html, from docs/ in an environment of its own, .venv-docs
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build

.venv-docs/installed: envs/docs.txt
	$(need_python)
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --disable-pip-version-check -r envs/docs.txt
	@touch $@

bedtools:
	$(call need,bedtools,command -v bedtools,bedtools)

chromium:
	$(call need,chromedriver,command -v chromium && command -v chromedriver,chromium chromium-driver)

npm:
	$(call need,npm,command -v npm,npm)

slurm-programs:
	$(call need,SLURM,PATH=$$PATH:/usr/sbin; command -v munged && command -v slurmctld && command -v slurmdbd && command -v mariadbd,$(SLURM_PACKAGES))

image-programs:
	$(call need,buildah or debootstrap,command -v buildah && command -v debootstrap,buildah debootstrap)

run: setup  ## the embedded default, or CONFIG=..., to its report in results/
	$(SNAKEMAKE) --cores $(CORES) $(ARGS)

plan: setup  ## what CONFIG will take before it is submitted: jobs, GPU hours, time, disk; ARGS="--gpu H100 --gpus 4"
	@$(BIN)/python workflow/scripts/plan.py --configfile $(CONFIG) $(ARGS)

doctor: .venv/installed .venv/linked  ## check disks, caches, clock and programs for CONFIG; ARGS="--profile slurm" checks SLURM and a node, too
	@$(BIN)/python workflow/scripts/doctor.py --configfile $(CONFIG) $(ARGS)

test: setup chromium npm  ## unit, workflow and browser tests with the coverage of grover/; ARGS="-n 8" on more cores, ARGS="-m 'not slow'" for some of them
	$(BIN)/python -m pytest -m "not site" -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered $(ARGS)

# the image is built by root alone; its test says so to others
test-site: setup $(if $(filter 0,$(shell id -u)),image-programs)  ## tests that take minutes each: the finished demo against its planted truth, untrained networks, permuted labels, bundle and image
	$(BIN)/python -m pytest -m site $(ARGS)

test-external: setup external  ## models of the workflow opened with transformers 4.48, in the environment of external models
	$(BIN)/python -m pytest -m external $(ARGS)

test-slurm: setup slurm-programs  ## tests on a private SLURM cluster on this machine
	$(BIN)/python -m pytest tests/slurm -m "not slurm_slow" $(ARGS)

test-slurm-all: setup slurm-programs  ## these and those that wait for time limits and pre-emption, minutes more
	$(BIN)/python -m pytest tests/slurm $(ARGS)

notebook: setup  ## run the notebooks of docs/ and keep their outputs
	$(BIN)/python docs/execute_notebooks.py

test-gpu: setup  ## what the GPU of this machine computes, how fast, and how trainings on it end: bench/results/gpu/; ARGS="--only proof"
	$(BIN)/python -m bench.gpu $(ARGS)

reference: setup  ## write config/schemas/ and the references of configuration and command line in docs/reference/ from the code
	$(BIN)/python -m grover.config.reference
	$(BIN)/python -m grover.commands.reference

lint: setup  ## ruff, snakefmt, mypy, sentences, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/python docs/check_prose.py
	$(SNAKEMAKE) --lint

format: setup  ## let ruff and snakefmt lay out the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

# these read a finished run or model
BENCH_OF_RUNS := bench/benchmark_figure.py bench/few_labels.py bench/importance_beside_cnn.py bench/kmer_probes.py bench/planted_truth.py bench/probe_gains.py bench/recipes.py bench/variant_confounding.py bench/transfer.py bench/transfer_null.py
# these need the peers
BENCH_OF_PEERS := bench/interpretation.py bench/motif_discovery.py

bench: setup peers  ## every comparison of bench/ that needs no run, one JSON line each
	@for script in $(BENCH_OF_PEERS); do echo "== $$script"; .venv-peers/bin/python $$script || exit 1; done
	@for script in $(filter-out bench/support.py bench/measured.py bench/scale_data.py $(BENCH_OF_PEERS) $(BENCH_OF_RUNS),$(wildcard bench/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

# the results are those of this folder; WITH has its own package
why: setup  ## what would rerun, why and at what cost, for CONFIG; WITH=/software/grover/0.3.0 by another version
	@PYTHONPATH=$(or $(WITH),$(CURDIR)) $(or $(WITH),$(CURDIR))/$(BIN)/python $(or $(WITH),$(CURDIR))/workflow/scripts/why.py --configfile $(CONFIG) $(ARGS)

ship-model: setup  ## copy a trained model into resources/models: RUN=results/hg19-mini MODEL=bpe-600 NAME=hg19-mini
	$(BIN)/python resources/ship_model.py $(RUN) $(MODEL) $(NAME)

bundle: setup  ## a folder for installations without a network, with what CONFIG needs: BUNDLE=FOLDER TORCH=cuda; DRY=1 only lists it
	@$(BIN)/python workflow/scripts/bundle.py --configfile $(CONFIG) --torch $(TORCH) --output $(BUNDLE) $(if $(DRY),--dry-run) $(ARGS)

image: setup $(if $(DRY),,image-programs)  ## an OCI image in build/, by root: TORCH=cuda BASE=python:3.11-slim-bookworm; DRY=1 only prints the commands
	@$(if $(DRY),,rm -rf $(IMAGE).bundle)
	@$(BIN)/python workflow/scripts/bundle.py --torch $(TORCH) --output $(IMAGE).bundle $(if $(DRY),--dry-run)
	@DRY=$(DRY) bash envs/image.sh $(IMAGE).bundle $(IMAGE) $(BASE)
	@$(if $(DRY),,rm -r $(IMAGE).bundle)

lock: .venv/installed  ## write envs/lock.txt and envs/grover.yaml from envs/requirements.txt and what is installed
	$(BIN)/python -m pip install --disable-pip-version-check -r envs/requirements.txt
	$(BIN)/python envs/lock.py
	@touch .venv/installed

clean-logs:  ## remove the logs of all runs
	rm -rf results/*/logs .snakemake/log .snakemake/slurm_logs .snakemake/slurm_efficiency

clean-run:  ## remove one run: RUN=name
	@case "$(RUN)" in ""|.*|*/*) echo "error: name the run to remove, such as make clean-run RUN=demo" >&2; exit 1;; esac
	rm -rf "results/$(RUN)"
