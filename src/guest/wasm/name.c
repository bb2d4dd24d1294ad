/* name.c - names of functions from the module's custom section "name", looked for when a message wants one. The section
 * has not been checked: what is malformed yields no name.
 */
#include "guest/wasm/module.h"

/* Subsection 1: a map from function to name, in ascending order. */
static struct wasm_name find(struct wasm_reader *r, uint32_t function) {
    uint32_t n = read_count(r, 2, "names");
    for (uint32_t k = 0; k < n && !r->failed; k++) {
        uint32_t index = read_u32(r);
        struct wasm_name name = read_name(r);
        if (index == function && !r->failed) return name;
    }
    return (struct wasm_name){"", 0};
}

static struct wasm_name find_in_section(struct wasm_reader *r, uint32_t function) {
    while (r->at < r->end && !r->failed) {
        uint8_t id = read_byte(r);
        uint32_t size = read_u32(r);
        if (r->failed || size > r->end - r->at) break;
        if (id == 1) {
            r->end = r->at + size;
            return find(r, function);
        }
        r->at += size;
    }
    return (struct wasm_name){"", 0};
}

struct wasm_name wasm_function_name(const struct wasm_module *m, uint32_t function) {
    struct wasm_reader r = {.bytes = m->bytes, .at = 8, .end = m->size};
    while (r.at < m->size && !r.failed) {
        uint8_t id = read_byte(&r);
        uint32_t size = read_u32(&r);
        if (r.failed || size > m->size - r.at) break;
        size_t next = r.at + size;
        if (id == 0) {
            r.end = next;
            if (wasm_name_is(read_name(&r), "name") && !r.failed) return find_in_section(&r, function);
            r.failed = false;
            r.end = m->size;
        }
        r.at = next;
    }
    return (struct wasm_name){"", 0};
}
