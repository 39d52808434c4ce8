# SPDX-License-Identifier: GPL-2.0-or-later
# One Makefile, no recursion into folders, no configure.  `make help` lists the targets.

B      ?= build
PREFIX ?= /usr/local
V      ?= 0
SAN    ?= 0
ifeq ($(origin CC),default)
  CC   := gcc
endif
CFLAGS ?= -O2 -g

WARN   := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wno-unused-parameter
STD     = -std=gnu11 -D_GNU_SOURCE -I. -Ilib -I$(B) $(WARN)
# Position independent, because the fio engine is a shared object; hidden, because nothing else of it is anybody's business.
CF      = $(STD) $(PKG_CF) -fPIC -fvisibility=hidden -MMD -MP
ifeq ($(SAN),1)
  B    := $(B)/san
  CF   += -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
  LDSAN := -fsanitize=address,undefined
endif
ifeq ($(WERROR),1)
  CF   += -Werror
endif
Q := $(if $(filter 1,$(V)),,@)
SAY = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %-7s %s\n')

# Use every processor unless the caller said how many.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
  MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

# Asked once and only when first needed: pkg-config itself may be one of the packages that set-up installs.
PKGS     := libnvme libpci cunit libcyaml jansson libvirt libvirt-qemu
ask       = $(shell pkg-config $1 $(PKGS))$(if $(filter 0,$(.SHELLSTATUS)),,$(error pkg-config $1 $(PKGS) failed))
PKG_CF    = $(eval PKG_CF := $(call ask,--cflags))$(PKG_CF)
PKG_LIBS  = $(eval PKG_LIBS := $(call ask,--libs) -lm)$(PKG_LIBS)

SRC_ALL := $(sort $(wildcard lib/*/*.c suites/*.c suites/*/*.c reports/*.c runners/conform/*.c runners/perf/*.c runners/vm/*.c))
HDR_ALL := $(sort $(wildcard lib/*.h lib/*/*.h suites/*.h suites/*/*.h reports/*.h runners/conform/*.h runners/perf/*.h runners/vm/*.h))
SCRIPTS := $(sort $(shell grep -lsE '^\#!/bin/(ba)?sh' .ci/* runners/build/* runners/lab/* runners/vm/*/*))
SRC     := $(filter-out %_test.c %_fuzz.c,$(SRC_ALL))
TESTSRC := $(filter %_test.c,$(SRC_ALL) $(wildcard runners/fio-engine/*_test.c runners/vm/guest/*_test.c))
FUZZSRC := $(filter %_fuzz.c,$(SRC_ALL))
OBJ     := $(SRC:%.c=$(B)/obj/%.o)
MAINOBJ := $(B)/obj/runners/conform/main.o
LIBRARY := $(B)/libnvsr.a
TESTBIN := $(TESTSRC:%.c=$(B)/test/%)
CORPUSBIN := $(FUZZSRC:%.c=$(B)/test/%)
FUZZBIN := $(FUZZSRC:%.c=$(B)/fuzz/%)
BIN     := $(if $(filter 1,$(SAN)),$(B)/nvsr-conform,nvsr-conform)

# The fio engine, see runners/fio-engine/fetch.  Not with sanitizers: fio has none.
ENGINE    := $(if $(filter 1,$(SAN)),,$(B)/nvsr-fio.so)
ENGINESRC := $(filter-out %_test.c,$(wildcard runners/fio-engine/*.c))
ENGINEHDR := $(wildcard runners/fio-engine/*.h)

all: $(BIN) $(ENGINE)

help:
	@echo 'make            build ./nvsr-conform'
	@echo 'make run        install what is missing, build, run every suite on the model, say where the report is'
	@echo 'make check      the same set-up, then lint, unit tests, every suite on the model, the defect proof, the lab'
	@echo 'make unit       unit tests'
	@echo 'make lint       layers, headers, both compilers, clang-tidy, cppcheck, shellcheck'
	@echo 'make prove      every seeded defect of the model against the suites, and a model that lies'
	@echo 'make lab        every suite on QEMU'"'"'s SR-IOV device, through the Linux driver of an emulated host'
	@echo 'make lab-pair   the same with VFs driven by VFIO;  make lab-vfio: PF and VFs'
	@echo 'make lab-taking a PF is taken from its driver and given back;  make lab-removal: the device goes away in mid-run'
	@echo 'make lab-guests a guest by libvirt on QEMU'"'"'s device, with nothing of the program'
	@echo 'make lab-capability   nvsr-conform capability on QEMU'"'"'s device: what each way can do (KIND=wrong: what goes wrong)'
	@echo 'make lab-perf   nvsr-conform perf with guests on QEMU'"'"'s device: every path (KIND=smoke: three; KIND=virtio-ns,iscsi: these; KIND=db: RocksDB; KIND=bad: what goes wrong; KIND=crash)'
	@echo 'make prove-kill COUNT=1000 SEED=N: runs on the model killed at random moments, and restored'
	@echo 'make lab-kill   COUNT=50 SEED=N: the same on QEMU'"'"'s device'
	@echo 'make guest      the appliance that virtual machines boot: build/guest/{vmlinuz,fio.initrd}'
	@echo 'make guest-db   the bigger one, with RocksDB'"'"'s db_bench: build/guest/db.initrd'
	@echo 'make lab-safety what protects a drive, on QEMU'"'"'s device: refusals, runs that change nothing, full disks, restore'
	@echo 'make fuzz       every fuzz target for FUZZ_S=60 seconds under ASan and UBSan; what it finds is kept in build/fuzz'
	@echo 'make bench      speed targets of the model, the fio engine and the harness, into build/bench.tsv;  make bench-lab: the lab'
	@echo 'make install    PREFIX=/usr/local DESTDIR=: program, fio engine, man page, completion, profiles, matrices'
	@echo 'make clean      remove what was built'
	@echo
	@echo 'V=1 show commands   SAN=1 ASan and UBSan   WERROR=1 warnings are errors   CC=clang another compiler'

# --- set-up ------------------------------------------------------------------------------------------------------------
# Only the targets that promise it install; the others say what is missing.
SETUP := runners/build/setup $(if $(filter run check lint prove guest guest-db lab lab-% bench fuzz,$(MAKECMDGOALS)),--install)

$(B)/setup.%: runners/build/packages.debian runners/build/setup
	@mkdir -p $(@D)
	@$(SETUP) $*
	@touch $@
# One after the other: apt works alone.
$(B)/setup.check: | $(B)/setup.build
$(B)/setup.lab: | $(B)/setup.check
$(B)/setup.vm: | $(B)/setup.lab
$(B)/setup.db: | $(B)/setup.vm
$(B)/setup.fuzz: | $(B)/setup.build

# --- build ---------------------------------------------------------------------------------------------------------------
# Files that hold the answer to a question; they change only when the answer does.
ANSWER = mkdir -p $(@D); cat > $@.new; if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(B)/config.h: FORCE
	@{ echo '/* Written by make. */'; \
	   echo "#define NVSR_VERSION \"$$(git describe --always --dirty --tags 2>/dev/null || echo unknown)\""; \
	   echo '#define NVSR_DATADIR "$(PREFIX)/share/nvsr-conform"'; } | { $(ANSWER); }

$(B)/flags: FORCE | $(B)/setup.build
	@echo '$(CC) $(CF) $(CFLAGS) $(LDSAN) $(LDFLAGS)' | { $(ANSWER); }

$(BIN): $(MAINOBJ) $(LIBRARY)
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS) $(LDSAN) -o $@ $^ $(PKG_LIBS) $(LDFLAGS)

$(LIBRARY): $(filter-out $(MAINOBJ),$(OBJ))
	$(SAY) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^

# The model is a performance device too: many small functions are run for each command.
$(B)/obj/lib/model/%.o: FAST = $(if $(filter -O2,$(CFLAGS)),-O3)
$(B)/obj/%.o: %.c $(B)/flags | $(B)/config.h
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(CF) $(CFLAGS) $(FAST) -c -o $@ $<

# Without fio, or without the source of exactly this fio, everything else is built all the same.
FIO_FLAGS = -isystem $(B)/fio/$$(cat $(B)/fio/version) -DCONFIG_PWRITEV2 -DCONFIG_SYNC_FILE_RANGE -DCONFIG_HAVE_GETTID
$(B)/nvsr-fio.so: $(ENGINESRC) $(ENGINEHDR) $(LIBRARY) $(B)/flags $(B)/fio/version
	$(SAY) ENGINE $@
	$(Q)if [ -s $(B)/fio/version ]; then \
		$(CC) $(filter-out -MMD -MP,$(CF)) $(FIO_FLAGS) $(CFLAGS) -shared -Wl,--exclude-libs,ALL -Wl,--as-needed -o $@.new $(ENGINESRC) $(LIBRARY) $(PKG_LIBS) $(LDFLAGS) && \
		cp $(B)/fio/version $(B)/nvsr-fio.version && mv $@.new $@; \
	else rm -f $@ $(B)/nvsr-fio.version; fi

$(B)/fio/version: FORCE | $(B)/setup.build
	@mkdir -p $(@D)
	@FIO_SRC="$(FIO_SRC)" runners/fio-engine/fetch $(B)/fio || { echo '  the fio engine is not built: nvsr-conform perf will not run'; : > $@; }

# A unit test is a program of its own: lib/x/y_test.c with main(), linked with everything but the command line's main().
$(B)/test/%: %.c $(LIBRARY) $(B)/flags | $(B)/config.h
	@mkdir -p $(@D)
	$(SAY) TEST $<
	$(Q)$(CC) $(CF) $(CFLAGS) $(LDSAN) -o $@ $< $(LIBRARY) $(PKG_LIBS) $(LDFLAGS)

# A fuzz target (lib/x/y_fuzz.c) twice: with a main() that runs its corpus (lib/x/y_fuzz.corpus/), as a test; and, by clang,
# with libFuzzer and everything that it may reach instrumented.
$(CORPUSBIN): $(B)/test/%: %.c runners/fuzz/corpus.c $(LIBRARY) $(B)/flags | $(B)/config.h
	@mkdir -p $(@D)
	$(SAY) TEST $<
	$(Q)$(CC) $(CF) $(CFLAGS) $(LDSAN) -DNVSR_CORPUS='"$*.corpus"' -o $@ $< runners/fuzz/corpus.c $(LIBRARY) $(PKG_LIBS) $(LDFLAGS)

FUZZ_CF  = $(STD) $(PKG_CF) -MMD -MP -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZOBJ := $(patsubst %.c,$(B)/fuzz/obj/%.o,$(filter lib/% reports/%,$(SRC)))

$(B)/fuzz/obj/%.o: %.c | $(B)/config.h $(B)/setup.build $(B)/setup.fuzz
	@mkdir -p $(@D)
	$(SAY) CLANG $<
	$(Q)clang $(FUZZ_CF) -fsanitize=fuzzer-no-link -c -o $@ $<
$(B)/fuzz/libnvsr.a: $(FUZZOBJ)
	$(SAY) AR $@
	$(Q)rm -f $@ && ar rcs $@ $^
$(FUZZBIN): $(B)/fuzz/%: %.c $(B)/fuzz/libnvsr.a
	@mkdir -p $(@D)
	$(SAY) FUZZ $<
	$(Q)clang $(FUZZ_CF) -fsanitize=fuzzer -o $@ $< $(B)/fuzz/libnvsr.a $(PKG_LIBS)

-include $(OBJ:.o=.d) $(TESTBIN:=.d) $(CORPUSBIN:=.d) $(FUZZOBJ:.o=.d) $(FUZZBIN:=.d)

# --- the guest appliance, see runners/vm/guest/build ----------------------------------------------------------------------------
# Static: a guest has no libraries of its own.  Nothing is static with sanitizers, but then it only runs in its test.
AGENT := $(B)/guest/init
$(AGENT): runners/vm/guest/init.c runners/vm/guest/agent.c runners/vm/guest/agent.h $(B)/flags
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) $(STD) $(CFLAGS) $(or $(LDSAN),-static) -o $@ $(filter %.c,$^) $(LDFLAGS)
$(B)/test/runners/vm/guest/agent_test: | $(AGENT)

GUEST := $(B)/guest/fio.initrd
$(GUEST): runners/vm/guest/build runners/build/kernel $(AGENT) $(ENGINE) $(wildcard /usr/bin/fio /bin/busybox) | $(B)/setup.vm
	$(SAY) GUEST $@
	@runners/vm/guest/build $(@D) $(B)/lab $(AGENT) $(ENGINE)
guest: $(GUEST)
# Bigger, with RocksDB's db_bench: a package that nothing else needs, so only who asks for it has it.  One build after the other.
GUEST_DB := $(B)/guest/db.initrd
$(GUEST_DB): runners/vm/guest/build runners/build/kernel $(AGENT) $(ENGINE) $(wildcard /usr/bin/db_bench) | $(GUEST) $(B)/setup.db
	$(SAY) GUEST $@
	@runners/vm/guest/build --db $(@D) $(B)/lab $(AGENT) $(ENGINE)
guest-db: $(GUEST_DB)

# --- run and check -----------------------------------------------------------------------------------------------------------
run: $(BIN)
	@./$(BIN) run model: --format text

# Programs, and scripts that test scripts.
UNIT := $(TESTBIN) runners/lab/nvsr-lab_test
unit: $(UNIT) | $(ENGINE)
	@runners/build/tap $(UNIT)

prove: $(BIN)
	@./$(BIN) prove

prove-kill: $(B)/test/runners/conform/kill_test
	@$< $(or $(COUNT),1000) $(SEED)

# What the lab's tests compare with: by ioctls and sysfs, nothing of the library.
READING := $(B)/reading
$(READING): runners/lab/reading.c $(B)/flags
	$(SAY) CC $<
	$(Q)$(CC) $(STD) $(CFLAGS) -o $@ $<

lab-kill: $(BIN) $(READING) | $(B)/setup.lab
	@runners/lab/kill $(BIN) $(READING) $(or $(COUNT),50) $(SEED)

lab-safety: $(BIN) $(READING) | $(B)/setup.lab
	@runners/lab/safety $(BIN) $(READING)

# lab-KIND: how the device is reached, see runners/lab/conformance.
lab: lab-kernel
lab-kernel lab-pair lab-vfio: lab-%: $(BIN) | $(B)/setup.lab
	@runners/lab/conformance $(BIN) $(B)/lab/$* $*
lab-taking: $(BIN) $(READING) | $(B)/setup.lab
	@runners/lab/taking $(BIN) $(READING)
lab-removal: $(BIN) | $(B)/setup.lab
	@runners/lab/removal $(BIN) $(B)/lab/removal

# FUZZ_S: seconds for each target.
FUZZ_S ?= 60
fuzz: $(FUZZBIN)
	@B=$(B) FUZZ_S=$(FUZZ_S) runners/build/fuzz $(FUZZSRC)

# A guest by libvirt alone, with nothing of the program.
CHANNEL := $(B)/channel
$(CHANNEL): runners/lab/channel.c $(B)/flags
	$(SAY) CC $<
	$(Q)$(CC) $(STD) $(CFLAGS) -o $@ $<
lab-guests: $(GUEST) $(CHANNEL) | $(B)/setup.vm
	@runners/lab/guests $(B)/guest $(CHANNEL)

# KIND: cells, wrong.
lab-capability: $(BIN) $(READING) $(GUEST) | $(B)/setup.vm
	@runners/lab/capability $(BIN) $(READING) $(or $(KIND),cells) $(B)/lab/capability

# KIND: smoke, all, bad, crash, db, or paths.  Guests find their image beside the program.
lab-perf: $(BIN) $(READING) $(GUEST) $(if $(filter db,$(KIND)),$(GUEST_DB)) | $(B)/setup.vm
	@runners/lab/perf $(BIN) $(READING) $(or $(KIND),all) $(B)/lab/perf

check: $(BIN) $(ENGINE) $(UNIT) $(CORPUSBIN) $(READING) $(if $(filter 1,$(SAN)),,$(GUEST)) | $(B)/setup.build $(B)/setup.check $(B)/setup.vm
	@B=$(B) BIN=./$(BIN) SAN=$(SAN) MAKE='$(MAKE)' CORPUS='$(CORPUSBIN)' runners/build/check $(UNIT)

# Programs that only the benchmarks run.
BENCHSRC := $(wildcard runners/bench/*.c)
BENCHBIN := $(BENCHSRC:runners/bench/%.c=$(B)/bench-%)
$(BENCHBIN): $(B)/bench-%: runners/bench/%.c $(LIBRARY) $(B)/flags | $(B)/config.h
	$(SAY) BENCH $<
	$(Q)$(CC) $(filter-out -MMD -MP,$(CF)) $(CFLAGS) $(LDSAN) -o $@ $< $(LIBRARY) $(PKG_LIBS) $(LDFLAGS)

bench: $(BIN) $(ENGINE) $(BENCHBIN)
	@B=$(B) BIN=./$(BIN) runners/build/bench model
bench-lab: $(BIN) | $(B)/setup.lab
	@B=$(B) BIN=./$(BIN) runners/build/bench lab

# --- lint: one stamp per file, so that only what changed is looked at again -------------------------------------------------------
LINT := $(B)/lint
LINT_SRC := $(SRC_ALL) runners/fuzz/corpus.c $(wildcard runners/bench/*.c runners/vm/guest/*.c)
LINT_STAMPS := $(LINT_SRC:%=$(LINT)/gcc/%.ok) $(LINT_SRC:%=$(LINT)/clang/%.ok) $(HDR_ALL:%=$(LINT)/header/%.ok)
LINT_CC = $(STD) $(PKG_CF) -Werror -fsyntax-only -MMD -MP -MF $(@:.ok=.d) -MT $@

# The engine needs fio's headers: where they are, both compilers look at it.
$(LINT)/engine.ok: $(ENGINESRC) $(ENGINEHDR) $(HDR_ALL) $(B)/fio/version | $(B)/config.h $(B)/setup.check
	@mkdir -p $(@D)
	$(SAY) LINT engine
	$(Q)if [ -s $(B)/fio/version ]; then for cc in gcc clang; do \
		$$cc $(STD) $(PKG_CF) $(FIO_FLAGS) -Werror -fsyntax-only $(ENGINESRC) || exit 1; done; fi && touch $@

lint: $(LINT_STAMPS) $(LINT)/engine.ok $(LINT)/cppcheck.ok $(LINT)/shellcheck.ok | $(B)/setup.check
	$(SAY) LINT text
	@runners/build/lint

$(LINT)/gcc/%.ok: % | $(B)/config.h $(B)/setup.check
	@mkdir -p $(@D)
	$(SAY) LINT $<
	$(Q)gcc $(LINT_CC) $< && touch $@
$(LINT)/clang/%.ok: % .clang-tidy | $(B)/config.h $(B)/setup.check
	@mkdir -p $(@D)
	$(Q)clang $(LINT_CC) $<
	$(Q)clang-tidy --quiet $< -- $(STD) $(PKG_CF) 2>/dev/null && touch $@
# Each header stands alone, in C and in C++.
$(LINT)/header/%.ok: % | $(B)/config.h $(B)/setup.check
	@mkdir -p $(@D)
	$(Q)gcc $(LINT_CC) -Wno-unused-function -x c $<
	$(Q)clang $(filter-out -std=% -Wmissing-prototypes -Wstrict-prototypes,$(LINT_CC)) -Wno-unused-function \
		-x c++ -std=gnu++17 $< && touch $@
$(LINT)/cppcheck.ok: $(LINT_SRC) $(HDR_ALL) runners/build/cppcheck.suppress | $(B)/setup.check
	@mkdir -p $(LINT)/cppcheck
	$(SAY) LINT cppcheck
	$(Q)cppcheck -q -j$$(nproc) --cppcheck-build-dir=$(LINT)/cppcheck --std=c11 --platform=unix64 --error-exitcode=1 \
		--inline-suppr --suppressions-list=runners/build/cppcheck.suppress --enable=warning,performance,portability \
		-I. -Ilib -I$(B) $(LINT_SRC) && touch $@
$(LINT)/shellcheck.ok: $(SCRIPTS) | $(B)/setup.check
	@mkdir -p $(@D)
	$(SAY) LINT shellcheck
	$(Q)shellcheck -S warning $(SCRIPTS) && touch $@

-include $(LINT_STAMPS:.ok=.d)

# --- install --------------------------------------------------------------------------------------------------------------------
install: $(BIN) $(ENGINE)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/nvsr-conform/device-profiles \
		$(DESTDIR)$(PREFIX)/share/nvsr-conform/matrices $(DESTDIR)$(PREFIX)/lib/nvsr-conform \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/nvsr-conform
	install -m 644 device-profiles/*.yaml $(DESTDIR)$(PREFIX)/share/nvsr-conform/device-profiles/
	install -m 644 runners/perf/*.yaml $(DESTDIR)$(PREFIX)/share/nvsr-conform/matrices/
	[ ! -s $(B)/nvsr-fio.version ] || install -m 644 $(B)/nvsr-fio.so $(B)/nvsr-fio.version $(DESTDIR)$(PREFIX)/lib/nvsr-conform/
	[ ! -s $(B)/guest/fio.initrd ] || { install -d $(DESTDIR)$(PREFIX)/lib/nvsr-conform/guest && \
		install -m 644 $(B)/guest/vmlinuz $(wildcard $(B)/guest/*.initrd) $(DESTDIR)$(PREFIX)/lib/nvsr-conform/guest/; }
	./$(BIN) --man > $(DESTDIR)$(PREFIX)/share/man/man1/nvsr-conform.1
	./$(BIN) --bash-completion > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nvsr-conform

clean:
	rm -rf build nvsr-conform

.PHONY: all help run unit guest guest-db prove prove-kill lab lab-kernel lab-pair lab-vfio lab-kill lab-safety lab-taking lab-removal lab-perf lab-guests lab-capability check bench bench-lab fuzz lint install clean FORCE
