/* module_find.c - looking things up in a module that has been read: functions by where they are, locals, exports. */
#include "guest/wasm/module.h"
#include <string.h>

const struct wasm_function *wasm_function_at(const struct wasm_module *m, uint32_t pc) {
    uint32_t low = m->nimported[WASM_FUNCTION], high = m->nfunctions;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (m->functions[middle].end <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    return low < m->nfunctions && pc >= m->functions[low].entry ? &m->functions[low] : NULL;
}

uint8_t wasm_local_type(const struct wasm_module *m, const struct wasm_function *f, uint32_t local) {
    const struct wasm_type_info *t = &m->types[f->type];
    if (local < t->nparams) return t->params[local];
    uint32_t low = 0, high = f->nruns - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (f->locals[middle].end <= local)
            low = middle + 1;
        else
            high = middle;
    }
    return f->locals[low].type;
}

const struct wasm_export *wasm_export_find(const struct wasm_module *m, const char *name, size_t length) {
    for (uint32_t k = 0; k < m->nexports; k++)
        if (m->exports[k].name.length == length && !memcmp(m->exports[k].name.text, name, length))
            return &m->exports[k];
    return NULL;
}

bool wasm_type_equal(const struct wasm_type_info *a, const struct wasm_type_info *b) {
    return a->nparams == b->nparams && a->nresults == b->nresults && !memcmp(a->params, b->params, a->nparams) &&
           !memcmp(a->results, b->results, a->nresults);
}
