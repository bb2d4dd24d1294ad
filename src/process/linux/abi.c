/* abi.c - the instruction sets that there are. */
#include "process/linux/abi.h"

#define ABI(name) extern const struct abi abi_##name;
#include "process/linux/abi.def"
static const struct abi *const abis[] = {
#define ABI(name) &abi_##name,
#include "process/linux/abi.def"
};

const struct abi *abi_for(uint16_t elf_machine) {
    for (unsigned i = 0; i < sizeof abis / sizeof *abis; i++)
        if (abis[i]->elf_machine == elf_machine) return abis[i];
    return NULL;
}
