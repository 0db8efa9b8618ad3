# Makefile - the commands people and CI type. Meson does the work; each build has a folder of its own.
# `make help` lists them.

.DEFAULT_GOAL := all
.PHONY: all build-tests run test check docs sim sim-mutants readers bench soak lint asan tsan fuzz coverage clean help
.PHONY: setup setup-test setup-bench

all: build/build.ninja ## build the release program, build/tapedeck
	ninja -C build tapedeck

build-tests: build/build.ninja
	ninja -C build

run: all ## build, then play the demo market at http://127.0.0.1:8750; ONCE=1: at full speed, print a summary, end
	$(if $(LIVE),scripts/run_live.sh $(filter local,$(LIVE)),scripts/run_demo.sh $(if $(ONCE),once))

test: setup-test ## everything that CI runs
	scripts/test.sh

check: build-tests ## under a minute: style, layers, unit tests, contracts, 50 simulation seeds
	scripts/check.sh build style unit contract sim

docs: all ## write what is made from the program's rows anew: tables, JSON Schema, editors' grammar and words
	scripts/manual.py build/tapedeck

sim: build-tests ## simulate COUNT=50 lives of the whole machine; SEED=n: that one with a trace; EVERY=1: a blow at each call
	$(if $(SEED),build/tests/sim/sim --trace --seed $(SEED),$(if $(EVERY),build/tests/sim/every,\
		tests/sim/run_seeds.sh build/tests/sim/sim $(or $(COUNT),50)))

bench: setup-bench build/build.ninja ## measure every bound of speed beside others; BENCH_TICKS=40000000 for the full day
	meson setup --reconfigure build >/dev/null # libraries of others may have come since
	ninja -C build
	scripts/python.sh bench/run.py

sim-mutants: build-tests ## plant each bug of tests/sim/mutants; each must be found within 200 seeds
	tests/sim/run_mutants.py

readers: setup-test build-tests ## let Kafka Connect, Flink and Spark, which it downloads, read what is published and archived, tiered topics be read, TimescaleDB be written
	for name in connect flink spark spark_archive tiered timescale; do TAPEDECK_BUILD=$(CURDIR)/build scripts/python.sh tests/services/run_$$name.py || exit 1; done

soak: setup-test build-tests build-asan/build.ninja ## for hours: the long counts, written down in docs/proofs.md; knobs: scripts/soak.sh
	scripts/soak.sh

lint: setup-test build-clang/build.ninja ## build with clang, then clang-tidy
	ninja -C build-clang
	scripts/tidy.sh build-clang

asan: build-asan/build.ninja ## unit tests and contracts under ASan and UBSan
	ninja -C build-asan
	scripts/check.sh build-asan unit contract

tsan: build-tsan/build.ninja ## unit tests, contracts and the whole demo under TSan
	ninja -C build-tsan
	scripts/check.sh build-tsan unit contract
	rm -rf build-tsan/demo
	build-tsan/tapedeck run --until-end --quiet --set log.dir=build-tsan/demo --set serve=off --set workers=2 \
		--set sinks.0.sqlite.file=build-tsan/demo/market.db examples/demo.yaml

fuzz: setup-test build-asan/build.ninja ## fuzz every parser for FUZZ_S=10 seconds each
	ninja -C build-asan
	scripts/check.sh build-asan fuzz

coverage: setup-test build-cover/build.ninja ## say how many lines of each parser the corpus of its fuzzer reaches
	ninja -C build-cover
	meson test -C build-cover --no-rebuild --verbose --suite coverage

clean: ## remove all build folders, the demo's data among them
	rm -rf build build-*

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.* ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 15

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

setup-bench:
	@scripts/setup.sh bench

# How each build differs. A folder is configured once; afterwards ninja sees changed meson files by itself.
# clang needs a third of the time for what sanitisers add.
build-clang/build.ninja build-asan/build.ninja build-cover/build.ninja: export CC = clang
build-asan/build.ninja: configure = -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true \
    -Dc_args=-fno-sanitize-recover=undefined
build-tsan/build.ninja: configure = -Dbuildtype=debugoptimized -Db_sanitize=thread
build-cover/build.ninja: configure = -Dbuildtype=debug -Db_sanitize=address -Db_lundef=false -Dfuzz=true -Dcoverage=true

build/build.ninja build-clang/build.ninja build-asan/build.ninja build-tsan/build.ninja build-cover/build.ninja: | setup
	meson setup $(configure) $(@D)
