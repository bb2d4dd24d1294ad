/* rows.h - the system calls of riscv64 with the letters of their arguments, from vee's own table (syscall.def); those
 * that are refused are left out. For programs of this machine only: elsewhere numbers differ. */
#ifndef ROWS_H
#define ROWS_H

static const struct {
    const char *name;
    long number;
    const char *args;
} rows[] = {
#define PASS(number, name, args) {#name, number, args},
#define CALL(number, name, args) {#name, number, args},
#define SAME(number, name, args) {#name, number, args},
#define ABSENT(number, name, error, reason)
#include "../../../src/process/linux/syscall.def"
};
enum { ROWS = sizeof rows / sizeof *rows };

#endif
