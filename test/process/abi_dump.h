/* abi_dump.h - a function DUMP that prints the structs of layout.def by the types TYPE_name. For abi_dump.c. */
// clang-format off
static void DUMP(const char *form) {
#define LAYOUT(letter, name_, host) {                                                                                  \
        TYPE_##name_ *g = NULL;                                                                                        \
        const char *name = #name_;                                                                                     \
        printf("struct %s %zu %s\n", name, sizeof *g, form);
#define FIELD(guest, as)                                                                                               \
    if (sizeof g->guest)                                                                                               \
        printf("field %s %s %zu %zu\n", name, #guest, offsetof(__typeof__(*g), guest), sizeof g->guest);
#define MOST(guest, as) FIELD(guest, as)
#define END }
#include "process/linux/layout.def"
}
// clang-format on
#undef DUMP
