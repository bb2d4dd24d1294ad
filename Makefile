# Makefile - builds vee: the program build/vee, the library build/libvee.a, their tests, benchmarks and fuzzers.
#
#   make [-j2]            the program and the library
#   make check            unit tests, command-line tests, guest programs, layers: ends with "N passed, N failed"
#   make units            builds and runs the unit tests only (U="core/test_text ..." for some of them)
#   make bench            benchmarks (see bench/)
#   make real             Debian's kernel in a machine, its programs in roots of their own (see real/; needs root and mmdebstrap)
#   make conformance      docs/conformance.md from the kept results of public suites (real/suites.py runs them)
#   make fuzz             each fuzzer for FUZZ_SECONDS (clang)
#   make install          program, library, header, pkg-config file and man page below PREFIX (in DESTDIR, if given)
#   make manual | format | clean
#
# Variants, each in its own folder below build/ unless B= names one:
#   CC=clang   SAN=address,undefined   POISON=1 (failing allocations)   TINY=1 (the least limits)   DEBUG=1 (checks of every block; -O1)
#
# Sources are found by folder; headers are tracked by the compiler; code that tool/isagen.py makes from
# src/guest/GUEST/*.isa is in $(B)/gen/GUEST_isa.{c,h}. Objects are built for any host program: no -march.

ifeq ($(origin CC),default)
CC = gcc
endif
PYTHON ?= python3
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20

empty :=
space := $(empty) $(empty)
VARIANT := $(subst $(space),-,$(strip $(filter-out gcc ccache,$(notdir $(CC))) $(if $(SAN),san) $(if $(POISON),poison) $(if $(TINY),tiny) $(if $(DEBUG),debug)))
B ?= build$(addprefix /,$(VARIANT))
GEN := $(B)/gen

CPPFLAGS += -D_GNU_SOURCE= -I src -I include -I $(GEN) -MMD -MP $(if $(POISON),-DVEE_POISON) $(if $(TINY),-DVEE_TINY) $(if $(DEBUG),-DVEE_CHECK)
CFLAGS ?= $(if $(DEBUG),-O1,-O2) -g
ALL_CFLAGS := -std=gnu17 $(CFLAGS) -Wall -Wextra -Werror -fPIC -fvisibility=hidden -ftls-model=initial-exec
ALL_LDFLAGS := $(LDFLAGS)
ifdef SAN
# Recovery is off so that a finding is a failure; sanitizers need the dynamic loader.
SAN_FLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
ALL_CFLAGS += $(SAN_FLAGS)
ALL_LDFLAGS += $(SAN_FLAGS)
else
# Packed relocations are read faster at each start; C libraries before 2.36 do not know them.
PACK := $(shell printf '\#include <features.h>\n\#if __GLIBC_PREREQ(2, 36)\nyes\n\#endif\n' | $(CC) -E -P - 2>/dev/null)
PROGRAM_LDFLAGS := -static-pie $(if $(PACK),-z pack-relative-relocs)
endif
LIBS := -l:libxxhash.a -l:libfdt.a -l:libz.a -l:libzstd.a -lpthread

GUESTS := $(sort $(patsubst src/guest/%/,%,$(dir $(wildcard src/guest/*/*.isa))))
GEN_C := $(GUESTS:%=$(GEN)/%_isa.c)
GEN_H := $(GUESTS:%=$(GEN)/%_isa.h) $(patsubst tool/vdso_%.py,$(GEN)/vdso_%.h,$(wildcard tool/vdso_*.py))
SOURCES := $(filter-out src/cmd/%,$(wildcard src/*/*.c src/*/*/*.c src/*/*/*/*.c))
ASSEMBLY := $(filter-out src/cmd/%,$(wildcard src/*/*.S src/*/*/*.S))
OBJECTS := $(SOURCES:%.c=$(B)/obj/%.o) $(ASSEMBLY:%.S=$(B)/obj/%.o) $(GEN_C:$(GEN)/%.c=$(B)/obj/gen/%.o)
PROGRAM_OBJECTS := $(patsubst %,$(B)/obj/%.o,$(basename $(wildcard src/cmd/*.c src/cmd/*.S)))
TESTS := $(patsubst test/%.c,$(B)/test/%,$(wildcard test/*/test_*.c test/*/*/test_*.c))
TEST_TOOLS := $(B)/test/language/run_wast $(B)/test/language/mangle $(B)/test/process/abi_dump $(B)/test/vm/run_inputs
FUZZERS := $(patsubst fuzz/%.c,$(B)/fuzz/%,$(wildcard fuzz/fuzz_*.c fuzz/*/fuzz_*.c))

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@echo '  $(1)' $(patsubst $(B)/%,%,$@))

.PHONY: all objects tests units check bench real real-disk conformance fuzz fuzzers install manual format clean
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.SECONDARY:

# The program needs an engine and a main.
all: $(B)/libvee.a $(if $(and $(wildcard src/engine/run.c),$(PROGRAM_OBJECTS)),$(B)/vee)

objects: $(OBJECTS) $(PROGRAM_OBJECTS)

# ---- generated code
$(GEN)/%_isa.c $(GEN)/%_isa.h: tool/isagen.py $$(wildcard tool/isa_*.py) $$(wildcard src/guest/$$*/*.isa src/guest/$$*/*.def)
	@mkdir -p $(GEN)
	$(call say,GEN)
	$(Q)$(PYTHON) tool/isagen.py $* src/guest/$* $(GEN)

$(GEN)/vdso_%.h: tool/vdso_%.py
	@mkdir -p $(GEN)
	$(call say,GEN)
	$(Q)$(PYTHON) $< $@

# ---- objects
$(B)/obj/gen/%.o: $(GEN)/%.c | $(GEN_H)
	@mkdir -p $(@D)
	$(call say,CC )
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(B)/obj/%.o: %.c | $(GEN_H)
	@mkdir -p $(@D)
	$(call say,CC )
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(B)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,CC )
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# ---- the library: inner.a is for tests, which look inside; libvee.a shows nothing but vee_*
$(B)/inner.a: $(OBJECTS)
	$(call say,AR )
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

ifdef SAN
$(B)/libvee.a: $(B)/inner.a
	$(Q)cp $< $@
else
$(B)/libvee.a: $(OBJECTS)
	$(call say,AR )
	@rm -f $@
	$(Q)$(CC) -r -nostdlib -o $(B)/libvee.o $^
	$(Q)objcopy -w --keep-global-symbol='vee_*' $(B)/libvee.o
	$(Q)$(AR) rcs $@ $(B)/libvee.o
endif

# ---- the program, and one within it (src/cmd/disassembler): plain static, as it is started from memory
$(B)/disassembler: src/cmd/disassembler/disassembler.c
	@mkdir -p $(@D)
	$(call say,LD )
	$(Q)$(CC) $(CPPFLAGS) -std=gnu17 $(CFLAGS) -Wall -Wextra -Werror -static -s -o $@ $< -l:libcapstone.a

$(B)/obj/src/cmd/blob.o: CPPFLAGS += -DDISASSEMBLER='"$(B)/disassembler"'
$(B)/obj/src/cmd/blob.o: $(B)/disassembler

$(B)/vee: $(PROGRAM_OBJECTS) $(B)/inner.a
	$(call say,LD )
	$(Q)$(CC) $(ALL_LDFLAGS) $(PROGRAM_LDFLAGS) -o $@ $^ $(LIBS)

# ---- tests
tests: $(TESTS) $(TEST_TOOLS)

$(B)/test/%: test/%.c $(B)/inner.a
	@mkdir -p $(@D)
	$(call say,TEST)
	$(Q)$(CC) $(CPPFLAGS) -I test $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(B)/inner.a $(LIBS) -lcmocka -lm

units: $(TESTS)
	test/run_units.sh $(if $(U),$(U:%=$(B)/test/%),$(TESTS))

check: all tests
	test/run_all.sh $(B)

bench: all
	bench/run.py --vee $(B)/vee
	bench/scaling.py --vee $(B)/vee
	bench/tables.py --vee $(B)/vee
	$(PYTHON) tool/readme_bench.py

# Debian's kernel in a machine: docs/boot.md. Programs of Debian, in roots of its own (needs root): docs/real.md
real: all
	real/boot.py --vee $(B)/vee
	real/run.py --vee $(B)/vee

# A whole Debian on a disk: makes it, boots it, works in it, beside QEMU where that is. Needs a network for guests.
real-disk: all
	real/disk.py --vee $(B)/vee $(addprefix --qemu ,$(shell command -v qemu-system-riscv64))

# Public suites: the page is made from docs/conformance/, which real/suites.py fills.
conformance:
	real/suites.py table

# ---- fuzzers: clang's, over a library built with coverage
fuzz:
	$(MAKE) CC=clang SAN=fuzzer-no-link,address,undefined B=build/fuzz fuzzers
	test/run_fuzz.sh $(FUZZ_SECONDS) $(FUZZERS:$(B)/%=build/fuzz/%)

fuzzers: $(FUZZERS)

$(B)/fuzz/%: fuzz/%.c $(B)/inner.a
	@mkdir -p $(@D)
	$(call say,FUZZ)
	$(Q)$(CC) $(CPPFLAGS) -I test $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(B)/inner.a $(LIBS)

include $(wildcard fuzz/*.mk)

# ---- the rest
install: all
	install -D -m 755 $(B)/vee $(DESTDIR)$(PREFIX)/bin/vee
	ln -sf vee $(DESTDIR)$(PREFIX)/bin/vee-riscv64
	install -D -m 644 $(B)/libvee.a $(DESTDIR)$(PREFIX)/lib/libvee.a
	install -D -m 644 include/vee/vee.h $(DESTDIR)$(PREFIX)/include/vee/vee.h
	install -D -m 644 docs/vee.1 $(DESTDIR)$(PREFIX)/share/man/man1/vee.1
	ln -sf vee.1 $(DESTDIR)$(PREFIX)/share/man/man1/vee-riscv64.1
	mkdir -p $(DESTDIR)$(PREFIX)/lib/pkgconfig
	printf 'Name: vee\nDescription: process, system and language virtual machines\nVersion: %s\nCflags: -I%s/include\nLibs: -L%s/lib -lvee -lxxhash -lfdt -lz -lzstd -lpthread\n' \
	    "$$($(B)/vee version | cut -d' ' -f2)" $(PREFIX) $(PREFIX) > $(DESTDIR)$(PREFIX)/lib/pkgconfig/vee.pc

# What the program says about itself, as a man page and as a page of the documentation.
manual: all
	$(B)/vee help --man > docs/vee.1
	$(B)/vee help --markdown > docs/usage.md
	cp $(GEN)/riscv_isa.md docs/riscv.md
	$(PYTHON) tool/syscalls.py > docs/syscalls.md
	tool/lines.py > docs/lines.md

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	rm -rf build

-include $(shell test -d $(B) && find $(B) -name '*.d')
