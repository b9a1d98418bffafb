# Corsac: `make help` lists the targets.
#
# A variant (release, debug, asan, tsan, coverage, fuzz) is one way of compiling everything; its objects, the
# library libcorsac.a (all of src/ but main.c) and its test programs live in $(BUILD)/<variant>/.

VERSION := 0.1.0

BUILD      ?= build
PREFIX     ?= /usr/local
SYSCONFDIR ?= $(PREFIX)/etc
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DESTDIR    ?=

ifeq ($(origin CC),default)
CC := gcc
endif
FUZZ_CC      ?= clang
CLANG_FORMAT ?= clang-format
CLANG_TIDY   ?= clang-tidy
PKG_CONFIG   ?= pkg-config

CFLAGS       ?= -O2 -g
LDFLAGS      ?=
WERROR       ?= -Werror
JOBS         ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 60
TEST_TIMEOUT ?= 180
# Rounds of make durability (300) and of make bench (3); make soak SECONDS=3600.
ROUNDS       ?=
SECONDS      ?= 300
# make test T=unit/ds: only the tests whose path contains T; NAME=set: of these programs only the
# tests whose name contains it; KEEP=1: what they leave in their directories is kept; VARIANT=debug
# or asan: what make check builds.
T            ?=
NAME         ?=
KEEP         ?=
VARIANT      ?= release
# make ROOMS="base ds": only these rooms of src/.
ROOMS        ?= $(notdir $(wildcard src/*))
# V=1 shows the commands.
Q            := $(if $(filter 1,$(V)),,@)

# ---- sources --------------------------------------------------------------------------------

SRC      := $(sort $(foreach r,$(ROOMS),$(wildcard src/$(r)/*.c)))
MAIN     := src/server/main.c
LIB_SRC  := $(filter-out $(MAIN),$(SRC))

pick      = $(if $(T),$(strip $(foreach f,$(1),$(if $(findstring $(T),$(f)),$(f)))),$(1))
UNIT_SRC := $(call pick,$(wildcard tests/unit/*/test_*.c))
E2E_SRC  := $(call pick,$(wildcard tests/e2e/test_*.c))
FUZZ_SRC := $(call pick,$(wildcard tests/fuzz/fuzz_*.c))
SCRIPTS  := $(call pick,$(wildcard $(foreach e,py mjs sh,tests/clients/test_*.$(e) \
                                      tests/clients/*/test_*.$(e))))
SIM_SRC  := $(call pick,$(wildcard tests/sim/test_*.c))
TEST_SRC := $(UNIT_SRC) $(E2E_SRC) $(SIM_SRC)
# What starts threads, or a server with a log: `make tsan` runs it, and `make test` those of TSAN_SHORT.
TSAN_SHORT := unit/base/test_background unit/base/test_populate unit/base/test_slab \
              unit/log/test_writer_gather unit/log/test_aof_load \
              clients/test_slow_disk clients/test_durability
TSAN_ALL   := $(TSAN_SHORT) unit/base/test_blob unit/base/test_mem unit/log/ unit/net/ \
              e2e/test_lending e2e/test_signals e2e/test_transactions \
              clients/test_aof_rewrites clients/test_crash_ clients/test_disk_faults
TSAN_TESTS ?= $(TSAN_ALL)
tsan_src    = $(sort $(foreach t,$(TSAN_TESTS),$(foreach f,$(TEST_SRC),$(if $(findstring $(t),$(f)),$(f)))))
# What tests/bench/test_*.py run once, in release: guard.c, and the tools of `make bench`.
BENCH_DIR   := $(BUILD)/release/tests/bench
BENCH_TOOLS := $(patsubst %,$(BENCH_DIR)/%,floor fill latency http_load) \
               $(patsubst %,$(BUILD)/release/tests/shim/%.so,loop_shim disk_shim)
BENCH_TESTS := $(if $(call pick,tests/bench/test_guard.py),$(BENCH_DIR)/guard) \
               $(if $(call pick,tests/bench/test_tools.py),$(BENCH_TOOLS) $(BUILD)/corsac)
# Every other .c file under tests/ is a helper: test programs link what they use of them.
HELPERS      := $(filter-out $(wildcard tests/*/test_*.c tests/*/*/test_*.c tests/fuzz/*.c \
                                        tests/shim/*.c tests/bench/*.c), \
                             $(wildcard tests/*/*.c tests/*/*/*.c))
# Libraries that tests preload under a program: never instrumented.
SHIM_SRC     := $(wildcard tests/shim/*.c)
FUZZ_HELPERS := $(filter-out $(wildcard tests/fuzz/fuzz_*.c),$(wildcard tests/fuzz/*.c))

# ---- flags ----------------------------------------------------------------------------------

pc = $(shell for p in $(2); do $(PKG_CONFIG) $(1) $$p 2>/dev/null && exit; done)
EVENT_CFLAGS    := $(call pc,--cflags,libevent_core libevent)
EVENT_LIBS      := $(call pc,--libs,libevent_core libevent)
JANSSON_CFLAGS  := $(call pc,--cflags,jansson)
JANSSON_LIBS    := $(or $(call pc,--libs,jansson),-ljansson)
JEMALLOC_CFLAGS := $(call pc,--cflags,jemalloc)
JEMALLOC_LIBS   := $(or $(call pc,--libs,jemalloc),-ljemalloc)
TEST_CFLAGS     := $(call pc,--cflags,cmocka) $(call pc,--cflags,hiredis) -Itests
TEST_LIBS       := $(call pc,--libs,cmocka) $(call pc,--libs,hiredis)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
            -Wpointer-arith -Wvla -Wundef -Wwrite-strings -Wformat=2 -Wno-format-nonliteral \
            -Wno-unused-parameter -Wno-missing-field-initializers $(WERROR)
# Items, tables and messages are bytes laid out by hand, hence -fno-strict-aliasing.
# NDEBUG is never defined: assertions stay on in release.
BASE_FLAGS := -std=gnu11 -D_GNU_SOURCE -Isrc -pthread -fno-omit-frame-pointer \
              -fno-strict-aliasing $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
LIBS       := $(EVENT_LIBS) $(JANSSON_LIBS) -pthread -lm

# Fat objects: the server is linked with link-time optimisation, the test programs quickly without.
LTO      ?= $(if $(findstring clang,$(CC)),,-flto=auto -ffat-lto-objects)
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -DCORSAC_LIBC_MALLOC -DCORSAC_CHECK_EDITS

release_CC      := $(CC)
release_FLAGS   := $(BASE_FLAGS) $(WARNINGS) $(JEMALLOC_CFLAGS) $(CPPFLAGS) $(CFLAGS)
release_LTO     := $(LTO)
release_LDFLAGS := -rdynamic $(LDFLAGS)
release_LIBS    := $(JEMALLOC_LIBS) $(LIBS)

asan_CC         := $(CC)
asan_FLAGS      := $(BASE_FLAGS) $(WARNINGS) $(CPPFLAGS) -O1 -g $(SANITIZE)
# gcc's UBSan writes its reports where tests/run looks for them only when linked statically.
asan_LDFLAGS    := -rdynamic $(SANITIZE) $(if $(findstring clang,$(CC)),,-static-libubsan) $(LDFLAGS)
asan_LIBS       := $(LIBS)

tsan_CC         := $(CC)
tsan_FLAGS      := $(BASE_FLAGS) $(WARNINGS) $(CPPFLAGS) -O1 -g -fsanitize=thread -DCORSAC_LIBC_MALLOC
tsan_LDFLAGS    := -rdynamic -fsanitize=thread $(LDFLAGS)
tsan_LIBS       := $(LIBS)

debug_CC        := $(CC)
debug_FLAGS     := $(BASE_FLAGS) $(WARNINGS) $(JEMALLOC_CFLAGS) $(CPPFLAGS) -O0 -g3
debug_LDFLAGS   := -rdynamic $(LDFLAGS)
debug_LIBS      := $(JEMALLOC_LIBS) $(LIBS)

coverage_CC      := $(CC)
coverage_FLAGS   := $(BASE_FLAGS) $(WARNINGS) $(JEMALLOC_CFLAGS) $(CPPFLAGS) -O0 -g --coverage \
                    -fprofile-update=atomic
coverage_LDFLAGS := -rdynamic --coverage $(LDFLAGS)
coverage_LIBS    := $(JEMALLOC_LIBS) $(LIBS)

fuzz_CC         := $(FUZZ_CC)
fuzz_FLAGS      := $(BASE_FLAGS) $(WARNINGS) -Wno-error $(CPPFLAGS) -O1 -g \
                   -fsanitize=fuzzer-no-link $(SANITIZE)
fuzz_LDFLAGS    := -fsanitize=fuzzer $(SANITIZE) $(LDFLAGS)
fuzz_LIBS       := $(LIBS)

# Only these files see the version, so that a commit recompiles nothing else.
VERSION_SRC   := src/engine/version.c
GIT_SHA       := $(or $(shell git describe --always --dirty --exclude='*' 2>/dev/null),00000000)
VERSION_FLAGS := -DCORSAC_VERSION='"$(VERSION)"' -DCORSAC_GIT_SHA='"$(GIT_SHA)"'

# ---- building -------------------------------------------------------------------------------

# Outside a parallel make, inner makes use every core.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
SUBMAKE  = +$(Q)$(MAKE) --no-print-directory $(PARALLEL)
say      = @printf '  %-7s %s\n' '$(1)' '$(2)'
# Rewrites a file only when its text changes; what depends on it is then built again.
stamp    = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@

.PHONY: all
all: ## build the server, build/corsac (the default)
	$(SUBMAKE) $(BUILD)/corsac

.PHONY: asan
asan: ## build the server with AddressSanitizer and UBSan, build/asan/corsac
	$(SUBMAKE) $(BUILD)/asan/corsac

.PHONY: debug
debug: ## build the server for gdb, with -O0 -g3, build/debug/corsac
	$(SUBMAKE) $(BUILD)/debug/corsac

.PHONY: compile_commands.json
compile_commands.json: ## write what editors and clangd want to know of the sources
	@printf '%s\n' $(SRC) $(wildcard tests/*.c tests/*/*.c tests/*/*/*.c) | awk \
		-v dir='$(CURDIR)' -v command='$(release_CC) $(release_FLAGS) $(TEST_CFLAGS)' \
		'BEGIN { print "[" } \
		{ printf "%s{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s -c %s\"}", \
			(NR > 1 ? ",\n" : ""), dir, $$0, command, $$0 } \
		END { print "\n]" }' >$@

.PHONY: FORCE
FORCE:

# The rules of one variant, $(1); its server is $(2).
define variant
$(1)_dir     := $(BUILD)/$(1)
$(1)_lib     := $(BUILD)/$(1)/libcorsac.a
$(1)_objs    := $$(LIB_SRC:%.c=$(BUILD)/$(1)/%.o)
$(1)_helpers := $$(HELPERS:%.c=$(BUILD)/$(1)/%.o)
$(1)_tests   := $$(patsubst %.c,$(BUILD)/$(1)/%,$$(if $$(filter tsan,$(1)),$$(tsan_src),$$(TEST_SRC)))

$$($(1)_dir)/flags: FORCE
	$$(call stamp,$$($(1)_CC) $$($(1)_FLAGS) $$($(1)_LTO) | $$($(1)_LDFLAGS) $$($(1)_LIBS))
$$($(1)_dir)/version: FORCE
	$$(call stamp,$(VERSION) $(GIT_SHA))
$$($(1)_dir)/objects: FORCE
	$$(call stamp,$$(LIB_SRC))
$$($(1)_dir)/helpers: FORCE
	$$(call stamp,$$(HELPERS))

$$($(1)_dir)/src/%.o: src/%.c $$($(1)_dir)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$($(1)_CC) $$($(1)_FLAGS) $$($(1)_LTO) $$(EXTRA_FLAGS) -MMD -MP -c -o $$@ $$<
$$(VERSION_SRC:%.c=$$($(1)_dir)/%.o): EXTRA_FLAGS = $$(VERSION_FLAGS)
$$(VERSION_SRC:%.c=$$($(1)_dir)/%.o): $$($(1)_dir)/version
# It has the console's files in it, by the assembler, which link-time optimisation does not look into.
$$($(1)_dir)/src/http/console.o: EXTRA_FLAGS = -fno-lto
$$($(1)_dir)/src/http/console.o: $$(wildcard src/http/console/*)

$$($(1)_dir)/tests/%.o: tests/%.c $$($(1)_dir)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$($(1)_CC) $$($(1)_FLAGS) $$(TEST_CFLAGS) -MMD -MP -c -o $$@ $$<

$$($(1)_lib): $$($(1)_objs) $$($(1)_dir)/objects
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$($(1)_objs)
$$($(1)_dir)/libhelpers.a: $$($(1)_helpers) $$($(1)_dir)/helpers
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$($(1)_helpers)

$(2): $$(MAIN:%.c=$$($(1)_dir)/%.o) $$($(1)_objs) $$($(1)_dir)/objects
	$$(call say,LD,$$@)
	$$(Q)$$($(1)_CC) $$($(1)_FLAGS) $$($(1)_LTO) $$($(1)_LDFLAGS) -o $$@ $$(filter %.o,$$^) \
		$$($(1)_LIBS)

$$($(1)_dir)/tests/shim/%.so: tests/shim/%.c $$(wildcard tests/shim/*.h)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$($(1)_CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARNINGS) -shared -fPIC -o $$@ $$<

$$($(1)_tests): %: %.o $$($(1)_dir)/tests/only.o $$($(1)_dir)/libhelpers.a $$($(1)_lib)
	$$(call say,LD,$$@)
	$$(Q)$$($(1)_CC) $$($(1)_LDFLAGS) -fno-lto -o $$@ $$^ $$(TEST_LIBS) $$($(1)_LIBS)

.PHONY: $(1)-tests
$(1)-tests: $$($(1)_tests) $$(SHIM_SRC:%.c=$$($(1)_dir)/%.so) $$(if $$(E2E_SRC)$$(SCRIPTS),$$(if $$(wildcard $$(MAIN)),$(2)))
	@:

-include $$(wildcard $$($(1)_dir)/*/*/*.d $$($(1)_dir)/*/*/*/*.d)
endef

$(eval $(call variant,release,$(BUILD)/corsac))
$(eval $(call variant,debug,$(BUILD)/debug/corsac))
$(eval $(call variant,asan,$(BUILD)/asan/corsac))
$(eval $(call variant,tsan,$(BUILD)/tsan/corsac))
$(eval $(call variant,coverage,$(BUILD)/coverage/corsac))
$(eval $(call variant,fuzz,$(BUILD)/fuzz/corsac))
.SECONDARY: # keep every intermediate object

# ---- running and testing --------------------------------------------------------------------

.PHONY: run
run: ## install what building needs, build, and run the server, with conf/corsac.conf: make run ARGS="--port 7000"
	@utils/deps
	$(SUBMAKE) $(BUILD)/corsac
	@exec $(BUILD)/corsac $(if $(filter-out -%,$(firstword $(ARGS))),,conf/corsac.conf) $(ARGS)

RUN_TESTS = tests/run --build '$(BUILD)' --jobs $(JOBS) --timeout $(TEST_TIMEOUT) --match '$(T)' \
            $(if $(NAME),--name '$(NAME)') $(if $(KEEP),--keep)

RUN_LONG  = tests/run --build '$(BUILD)' --jobs $(JOBS) --verbose

.PHONY: test
test: ## run all tests, in release and under sanitizers, and fuzz a little: make test T=unit/ds
	@utils/deps --test
	$(SUBMAKE) release-tests asan-tests tsan-tests TSAN_TESTS='$(TSAN_SHORT)'
	+@if utils/deps --has-fuzzer '$(FUZZ_CC)'; then \
		$(MAKE) --no-print-directory $(PARALLEL) fuzz-build && fuzz=fuzz; \
	else \
		echo 'No libFuzzer in $(FUZZ_CC): the fuzz targets are left out.'; \
	fi && $(RUN_TESTS) --tsan '$(TSAN_SHORT)' --fuzz-seconds 5 release asan tsan $$fuzz

.PHONY: check
check: ## run the tests in release only, installing nothing: make check T=unit/ds [NAME=...] [KEEP=1]
	$(SUBMAKE) $(VARIANT)-tests
	@$(RUN_TESTS) $(VARIANT)

.PHONY: tsan
tsan: ## run what uses threads under ThreadSanitizer: make tsan T=unit/log
	@utils/deps --test
	$(SUBMAKE) tsan-tests
	@$(RUN_TESTS) --tsan '$(TSAN_TESTS)' tsan

.PHONY: durability
durability: ## kill the server with -9, and cut its power, ROUNDS (300) times in each test that does
	$(SUBMAKE) release-tests T=clients/test_crash_
	@DURABILITY_ROUNDS=$(or $(ROUNDS),300) $(RUN_LONG) --timeout $$((600 + $(or $(ROUNDS),300) * 30)) \
		--match 'clients/test_crash_$(T)' release

.PHONY: soak
soak: ## traffic, rewrites, resharding, kills and power cuts against a model for SECONDS (300)
	$(SUBMAKE) release-tests T=clients/test_soak
	@SOAK_SECONDS=$(SECONDS) $(RUN_LONG) --timeout $$((60 + $(SECONDS) * 2)) \
		--match clients/test_soak release

# SEEDS=5000: so many; SEED=42: this one, and all that happens in it.
SEEDS ?= 5000
SEED  ?=
.PHONY: sim
sim: ## simulate a server, its disk and clients, crashes too, for SEEDS (5000), or one SEED=n
	$(SUBMAKE) $(BUILD)/release/tests/sim/test_sim
	@SIM_SEEDS='$(SEEDS)' SIM_SEED='$(SEED)' $(BUILD)/release/tests/sim/test_sim

.PHONY: sim-raft
sim-raft: ## simulate groups of Raft cores, for SEEDS (5000), or one SEED=n
	$(SUBMAKE) $(BUILD)/release/tests/sim/test_raft_core
	@SIM_SEEDS='$(SEEDS)' SIM_SEED='$(SEED)' $(BUILD)/release/tests/sim/test_raft_core

.PHONY: fuzz-build
fuzz-build: $(FUZZ_SRC:%.c=$(BUILD)/fuzz/%) ## build the fuzz targets
	@:

$(FUZZ_SRC:%.c=$(BUILD)/fuzz/%): %: %.o $(FUZZ_HELPERS:%.c=$(BUILD)/fuzz/%.o) $(fuzz_lib)
	$(call say,LD,$@)
	$(Q)$(fuzz_CC) $(fuzz_LDFLAGS) -o $@ $^ $(fuzz_LIBS)

.PHONY: fuzz
fuzz: ## fuzz each target for FUZZ_SECONDS (60): make fuzz T=resp FUZZ_SECONDS=600
	@utils/deps --test
	$(SUBMAKE) fuzz-build
	@$(RUN_TESTS) --fuzz-seconds $(FUZZ_SECONDS) fuzz

# make bench BENCH="pipelines memory" QUICK=1 PEERS='name=command ...' ROUNDS=5
BENCH  ?=
QUICK  ?=
PEERS  ?=
BENCH_ARGS = --build '$(BUILD)' --peers '$(PEERS)' $(if $(QUICK),--quick) \
             $(if $(ROUNDS),--rounds $(ROUNDS)) \
             --command '$(strip make $@ $(foreach v,BENCH QUICK PEERS ROUNDS,$(if $($v),$v="$($v)")))' \
             $(BENCH)

.PHONY: bench bench-latency
bench: ## compare with other servers, all of it or parts: make bench BENCH="pipelines memory" QUICK=1
	@utils/deps --test
	$(SUBMAKE) $(BUILD)/corsac $(BENCH_TOOLS) $(BENCH_DIR)/bench_store
	@tests/bench/bench.py $(BENCH_ARGS)
bench-latency: ## the same for latency, alone and while something large goes on: BENCH="flush rewrite"
	@utils/deps --test
	$(SUBMAKE) $(BUILD)/corsac $(BENCH_TOOLS)
	@tests/bench/latency.py $(BENCH_ARGS)

.PHONY: bench-store bench-table
bench-store bench-table: bench-%: ## measure the store, or only its tables, without network and protocol
	$(SUBMAKE) $(BENCH_DIR)/bench_$*
	@$(BENCH_DIR)/bench_$*

release-tests: $(BENCH_TESTS)

.PHONY: guard guard-record
guard: ## count the instructions of each request and compare with tests/bench/guard.txt
	$(SUBMAKE) $(BENCH_DIR)/guard
	@CORSAC_BIN='$(BUILD)/corsac' tests/bench/test_guard.py
guard-record: ## write them into tests/bench/guard.txt
	$(SUBMAKE) $(BENCH_DIR)/guard
	@CORSAC_BIN='$(BUILD)/corsac' tests/bench/test_guard.py --record

$(BENCH_DIR)/%: $(BENCH_DIR)/%.o $(release_lib)
	$(call say,LD,$@)
	$(Q)$(release_CC) $(release_FLAGS) $(release_LTO) $(release_LDFLAGS) -o $@ $^ $(release_LIBS)

.PHONY: coverage
coverage: ## run the tests; the lines they reach by room, and as HTML in build/coverage/html
	@utils/deps --test --coverage
	$(SUBMAKE) coverage-tests
	@find $(BUILD)/coverage -name '*.gcda' -exec rm -f {} +
	@$(RUN_TESTS) coverage; status=$$?; utils/coverage $(BUILD)/coverage; exit $$status

# ---- linting --------------------------------------------------------------------------------

# make lint FILES="src/ds/*.c", make format FILES=...: only these; what is not C stays as it is.
FILES    ?= $(wildcard src/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
C_FILES   = $(filter %.c,$(wildcard $(FILES)))
H_FILES   = $(filter %.h,$(wildcard $(FILES)))
CH_FILES  = $(C_FILES) $(H_FILES)
NOT_C     = $(filter-out %.c %.h,$(wildcard $(FILES)))
LINT_FLAGS = $(BASE_FLAGS) $(filter-out -Werror,$(WARNINGS)) $(TEST_CFLAGS) $(VERSION_FLAGS)

.PHONY: format
format: ## format the sources in place: make format FILES="src/ds/*.[ch]"
	@utils/deps --lint
	@$(if $(NOT_C),echo 'Left as it is (not C): $(NOT_C)')
	@$(if $(strip $(CH_FILES)),$(CLANG_FORMAT) -i $(CH_FILES))

.PHONY: lint
lint: ## check format, includes and circles of calls, sizes, headers; run clang-tidy
	@utils/deps --test --lint
	+@$(MAKE) --no-print-directory -k lint-format lint-lines lint-names lint-includes lint-sizes \
		lint-circles lint-headers lint-tidy

.PHONY: lint-format lint-lines lint-names lint-includes lint-sizes lint-circles lint-headers lint-tidy
lint-format:
	@$(if $(strip $(CH_FILES)),$(CLANG_FORMAT) --dry-run -Werror $(CH_FILES))
lint-lines:
	@utils/check-lines $(CH_FILES)
# Of all sources, as a circle goes through several.
lint-circles:
	$(SUBMAKE) $(release_objs)
	@utils/check-circles $(BUILD)/release
lint-names:
	@utils/check-names
lint-includes:
	@utils/check-includes
lint-sizes:
	@utils/check-sizes
# Each header is compiled alone, so that no file depends on the order of its includes.
lint-headers:
	@printf '%s\n' $(H_FILES) | xargs -P$(JOBS) -I{} sh -c 'echo "#include \"{}\"" | \
		"$$@" -I. -fsyntax-only -x c - || { echo "{}: does not compile alone"; exit 1; }' \
		header $(CC) $(BASE_FLAGS) $(WARNINGS) $(TEST_CFLAGS)
lint-tidy:
	@printf '%s\n' $(C_FILES) | xargs -P$(JOBS) -I{} sh -c \
		'out=$$($(CLANG_TIDY) --quiet {} -- "$$@" 2>/dev/null) || \
		{ printf "%s\n" "$$out"; exit 1; }' tidy $(LINT_FLAGS)

# ---- installing -----------------------------------------------------------------------------

.PHONY: install
install: all ## install under PREFIX (/usr/local), with DESTDIR in front
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(SYSCONFDIR)/corsac' '$(DESTDIR)$(UNITDIR)'
	install -m 755 $(BUILD)/corsac '$(DESTDIR)$(PREFIX)/bin/corsac'
	@conf='$(DESTDIR)$(SYSCONFDIR)/corsac/corsac.conf'; \
	if [ -e "$$conf" ] && ! cmp -s conf/corsac.conf "$$conf"; then \
		echo "$$conf is kept as it is"; \
	else \
		echo "install -m 644 conf/corsac.conf $$conf"; install -m 644 conf/corsac.conf "$$conf"; \
	fi
	sed -e 's|@BINDIR@|$(PREFIX)/bin|g' -e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' conf/corsac.service \
		>'$(DESTDIR)$(UNITDIR)/corsac.service'
	chmod 644 '$(DESTDIR)$(UNITDIR)/corsac.service'

.PHONY: uninstall
uninstall: ## remove what install put there; a changed corsac.conf stays
	rm -f '$(DESTDIR)$(PREFIX)/bin/corsac' '$(DESTDIR)$(UNITDIR)/corsac.service'
	@conf='$(DESTDIR)$(SYSCONFDIR)/corsac/corsac.conf'; \
	if cmp -s conf/corsac.conf "$$conf"; then rm -f "$$conf"; fi; \
	if [ -e "$$conf" ]; then echo "$$conf is kept: it was changed"; \
	else rmdir '$(DESTDIR)$(SYSCONFDIR)/corsac' 2>/dev/null || true; fi

.PHONY: deb
deb: all ## make a Debian package, build/corsac.deb
	utils/debian/build $(BUILD)/corsac $(BUILD)/corsac.deb

.PHONY: clean
clean: ## remove the build directory
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@echo 'make [target] [BUILD=build] [CC=gcc] [CFLAGS="-O2 -g"] [PREFIX=/usr/local] [V=1]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' Makefile
