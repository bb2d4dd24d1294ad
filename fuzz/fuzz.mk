# fuzz.mk - included by the Makefile: the differential fuzzers, which are programs of their own (no libFuzzer).
#
#   make fuzz_riscv && build/fuzz_riscv --seconds 60

# What they need of vee: everything below vm/.
FUZZ_PARTS := $(filter $(foreach part,base core mem guest engine host gen,$(B)/obj/src/$(part)/% $(B)/obj/$(part)/%),$(OBJECTS))
FUZZ_RISCV := $(patsubst %.c,$(B)/obj/%.o,$(wildcard fuzz/riscv/*.c))

.PHONY: fuzz_riscv
fuzz_riscv: $(B)/fuzz_riscv

$(B)/fuzz_riscv: $(FUZZ_RISCV) $(FUZZ_PARTS)
	$(call say,LD )
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# The guest side of --against, a riscv64 Linux program. It is linked where no case's addresses are.
RISCV_CC ?= riscv64-linux-gnu-gcc
RUNNER := fuzz/riscv/runner/runner.c fuzz/riscv/values.c

.PHONY: fuzz_runner
fuzz_runner: $(B)/fuzz_runner

$(B)/fuzz_runner: $(RUNNER) fuzz/riscv/protocol.h
	$(call say,RV )
	$(Q)$(RISCV_CC) -std=gnu17 -O2 -static -Wall -Wextra -Werror -Wl,-Ttext-segment=0x70000000 -o $@ $(RUNNER)

# The fuzzer of system calls: a program of the host, and the riscv64 program that it runs under vee.
FUZZ_CALLS := $(patsubst %.c,$(B)/obj/%.o,fuzz/calls/main.c fuzz/calls/sandbox.c)

.PHONY: fuzz_calls
fuzz_calls: $(B)/fuzz_calls $(B)/fuzz_calls_guest

$(B)/fuzz_calls: $(FUZZ_CALLS)
	$(call say,LD )
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^

$(B)/fuzz_calls_guest: fuzz/calls/guest.c test/process/guest/rows.h $(wildcard src/process/linux/*.def)
	$(call say,RV )
	$(Q)$(RISCV_CC) -std=gnu17 -O2 -static -Wall -Wextra -Werror -I src -o $@ $<
