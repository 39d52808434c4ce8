# SPDX-License-Identifier: GPL-2.0-or-later
# One Makefile, no recursion, no configure.  `make help` lists the targets.

B      ?= build
CC     ?= gcc
PREFIX ?= /usr/local
V      ?= 0
SAN    ?= 0

PKGS     := libnvme libpci cunit libcyaml jansson
PKG_CF   := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN   := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wundef -Wno-unused-parameter
CFLAGS ?= -O2 -g
CF     := -std=gnu11 -D_GNU_SOURCE -Ilib -I$(B) $(WARN) $(PKG_CF) -MMD -MP
ifeq ($(SAN),1)
  B    := $(B)/san
  CF   += -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
  LDSAN := -fsanitize=address,undefined
endif
ifeq ($(WERROR),1)
  CF   += -Werror
endif
Q := $(if $(filter 1,$(V)),,@)

SRC_ALL := $(wildcard lib/*/*.c suites/*.c suites/*/*.c reports/*.c runners/conform/*.c)
SRC     := $(filter-out %_test.c,$(SRC_ALL))
TESTSRC := $(filter %_test.c,$(SRC_ALL))
OBJ     := $(SRC:%.c=$(B)/obj/%.o)
LIBOBJ  := $(filter-out $(B)/obj/runners/conform/main.o,$(OBJ))
TESTBIN := $(TESTSRC:%.c=$(B)/test/%)
BIN     := $(if $(filter 1,$(SAN)),$(B)/nvsr-conform,nvsr-conform)

all: $(BIN)

$(BIN): $(OBJ)
	@echo "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(LDSAN) -o $@ $^ $(PKG_LIBS) $(LDFLAGS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CF) $(CFLAGS) -c -o $@ $<

# A unit test is a program of its own: lib/x/y_test.c with main(), linked with everything but main.o.
$(B)/test/%: %.c $(LIBOBJ)
	@mkdir -p $(@D)
	@echo "  TEST  $<"
	$(Q)$(CC) $(CF) $(CFLAGS) $(LDSAN) -o $@ $< $(LIBOBJ) $(PKG_LIBS)

unit: $(TESTBIN)
	@set -e; for t in $(TESTBIN); do echo "  RUN   $$t"; $$t; done

clean:
	rm -rf build nvsr-conform

-include $(OBJ:.o=.d)
.PHONY: all unit clean
