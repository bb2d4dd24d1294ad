/* layout_make.h - from layout.def and the types TYPE_name: a static table `layouts` with the functions that copy each
 * struct from and to the guest's. Not needed where the guest's type is the host's own. Included once by each
 * instruction set; again, with another LAYOUT_SET(name), for another table.
 */
#ifndef LAYOUT_SET
#define LAYOUT_SET(name) name
#endif
// clang-format off
#define LAYOUT(letter, name, host)                                                                                     \
    __attribute__((unused)) static void LAYOUT_SET(name##_in)(void *to, const void *from) {                            \
        host copy = {0}, *h = &copy, *target = to;                                                                     \
        const TYPE_##name *g = from;
#define FIELD(guest, as) h->as = (__typeof__(h->as))LAYOUT_GET(g->guest);
#define MOST(guest, as) FIELD(guest, as)
#define END *target = copy; }
#include "process/linux/layout.def"

#define LAYOUT(letter, name, host)                                                                                     \
    __attribute__((unused)) static bool LAYOUT_SET(name##_out)(void *to, const void *from) {                           \
        bool fits = true;                                                                                              \
        const host *h = from;                                                                                          \
        TYPE_##name copy = {0}, *g = &copy, *target = to;
#define COPY(guest, as)                                                                                                \
        uint64_t v = (uint64_t)h->as;                                                                                  \
        memcpy(&g->guest, &v, sizeof g->guest);
#define FIELD(guest, as) {                                                                                             \
        COPY(guest, as)                                                                                                \
        fits &= LAYOUT_FITS(g->guest, v);                                                                              \
    }
#define MOST(guest, as) {                                                                                              \
        COPY(guest, as)                                                                                                \
        if (!LAYOUT_FITS(g->guest, v)) memset(&g->guest, 0xff, sizeof g->guest);                                       \
    }
#define END *target = copy; return fits; }
#include "process/linux/layout.def"
#undef COPY

#define LAYOUT(letter, name, host)                                                                                     \
    [letter - 'A'] = {sizeof(TYPE_##name), sizeof(host),                                                           \
                          __builtin_types_compatible_p(TYPE_##name, host) ? NULL : LAYOUT_SET(name##_in),              \
                          __builtin_types_compatible_p(TYPE_##name, host) ? NULL : LAYOUT_SET(name##_out)},
#define FIELD(guest, as)
#define MOST(guest, as)
#define END
static const struct layout LAYOUT_SET(layouts)[LAYOUTS] = {
#include "process/linux/layout.def"
};
// clang-format on
#undef LAYOUT_SET
