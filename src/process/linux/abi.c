/* abi.c - the instruction sets that there are. */
#include "process/linux/abi.h"
#include <string.h>

#define ABI(name) extern const struct abi abi_##name;
#include "process/linux/abi.def"
static const struct abi *const abis[] = {
#define ABI(name) &abi_##name,
#include "process/linux/abi.def"
};

const struct abi *abi_for(uint16_t elf_machine) {
    for (unsigned i = 0; i < sizeof abis / sizeof *abis; i++)
        if (abis[i]->machine->elf_machine == elf_machine) return abis[i];
    return NULL;
}

const char *abi_names(char text[ABI_NAMES]) {
    char *at = text;
    *at = 0;
    for (unsigned i = 0; i < sizeof abis / sizeof *abis; i++) {
        if (strlen(abis[i]->machine->name) + 3 > (size_t)(text + ABI_NAMES - at)) break;
        at = stpcpy(stpcpy(at, i ? ", " : ""), abis[i]->machine->name);
    }
    return text;
}
