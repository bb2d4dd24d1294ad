/* host.c - host functions for programs without WASI. `env` and `vee` print numbers, each on a line of its own, and
 * strings of memory as they are; `spectest` is what the specification's test suite imports.
 */
#include "language/wasm/machine.h"

static uint64_t print_nothing(struct host_call *c) {
    return host_print(c->args, "");
}
static uint64_t print_i32(struct host_call *c) {
    return host_print(c->args, "i");
}
static uint64_t print_i64(struct host_call *c) {
    return host_print(c->args, "I");
}
static uint64_t print_f32(struct host_call *c) {
    return host_print(c->args, "f");
}
static uint64_t print_f64(struct host_call *c) {
    return host_print(c->args, "F");
}
static uint64_t print_i32_f32(struct host_call *c) {
    return host_print(c->args, "if");
}
static uint64_t print_f64_f64(struct host_call *c) {
    return host_print(c->args, "FF");
}

static uint64_t print_str(struct host_call *c) {
    uint32_t address = (uint32_t)c->args[0], size = (uint32_t)c->args[1];
    const uint8_t *text = host_memory(c, address, size);
    if (!text) return host_trap(c, EXIT_memory_bounds, address);
    host_write(1, text, size);
    return 0;
}

const struct host_function wasm_functions[] = {
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
