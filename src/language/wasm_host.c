/* wasm_host.c - host functions for programs without WASI, and the list of all host functions.
 *
 * `env` and `vee` print numbers, each on a line of its own, and strings of memory as they are; `spectest` is what the
 * specification's test suite imports.
 */
#include "language/wasm_machine.h"
#include <errno.h>
#include <unistd.h>

bool host_write(int fd, const void *bytes, size_t size) {
    const char *p = bytes;
    while (size) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

static uint64_t print_line(const uint64_t *args, const char *types) {
    char line[200];
    size_t at = 0;
    for (; *types; types++, args++) {
        static const char letters[] = "iIfF";
        static const uint8_t codes[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64};
        if (at) line[at++] = ' ';
        value_print(line + at, 60, codes[strchr(letters, *types) - letters], *args);
        at += strlen(line + at);
    }
    line[at++] = '\n';
    host_write(1, line, at);
    return 0;
}

static uint64_t print_nothing(struct host_call *c) {
    return print_line(c->args, "");
}
static uint64_t print_i32(struct host_call *c) {
    return print_line(c->args, "i");
}
static uint64_t print_i64(struct host_call *c) {
    return print_line(c->args, "I");
}
static uint64_t print_f32(struct host_call *c) {
    return print_line(c->args, "f");
}
static uint64_t print_f64(struct host_call *c) {
    return print_line(c->args, "F");
}
static uint64_t print_i32_f32(struct host_call *c) {
    return print_line(c->args, "if");
}
static uint64_t print_f64_f64(struct host_call *c) {
    return print_line(c->args, "FF");
}

static uint64_t print_str(struct host_call *c) {
    uint32_t address = (uint32_t)c->args[0], size = (uint32_t)c->args[1];
    const uint8_t *text = host_memory(c, address, size);
    if (!text) return host_trap(c, EXIT_memory_bounds, address);
    host_write(1, text, size);
    return 0;
}

static const struct host_function functions[] = {
    {"env", "print_i32", "i:", print_i32},
    {"env", "print_i64", "I:", print_i64},
    {"env", "print_f32", "f:", print_f32},
    {"env", "print_f64", "F:", print_f64},
    {"env", "print_str", "ii:", print_str},
    {"vee", "print_i32", "i:", print_i32},
    {"vee", "print_i64", "I:", print_i64},
    {"vee", "print_f32", "f:", print_f32},
    {"vee", "print_f64", "F:", print_f64},
    {"vee", "print_str", "ii:", print_str},
    {"spectest", "print", ":", print_nothing},
    {"spectest", "print_i32", "i:", print_i32},
    {"spectest", "print_i64", "I:", print_i64},
    {"spectest", "print_f32", "f:", print_f32},
    {"spectest", "print_f64", "F:", print_f64},
    {"spectest", "print_i32_f32", "if:", print_i32_f32},
    {"spectest", "print_f64_f64", "FF:", print_f64_f64},
    {0},
};

const struct host_function *host_find(struct wasm_name module, struct wasm_name name) {
    const struct host_function *const tables[] = {functions, wasi_functions};
    for (unsigned k = 0; k < sizeof tables / sizeof *tables; k++)
        for (const struct host_function *f = tables[k]; f->name; f++)
            if (wasm_name_is(module, f->module) && wasm_name_is(name, f->name)) return f;
    return NULL;
}
