/* rows.h - the system calls of riscv64 with the letters of their arguments, from vee's own tables (syscall.def,
 * riscv64.def); those that are refused are left out. For programs of this machine only: elsewhere numbers differ. */
#ifndef ROWS_H
#define ROWS_H

enum row_index {
#define PASS(name, args)            ROW_##name,
#define CALL(name, args)            ROW_##name,
#define SAME(number, name, args)    ROW_##name,
#define ABSENT(name, error, reason) ROW_##name,
#include "process/linux/syscall.def"
    ALL_ROWS
};
static const char *const row_args[ALL_ROWS] = {
#define PASS(name, args)         [ROW_##name] = args,
#define CALL(name, args)         [ROW_##name] = args,
#define SAME(number, name, args) [ROW_##name] = args,
#define ABSENT(name, error, reason)
#include "process/linux/syscall.def"
};
static struct {
    const char *name;
    long number;
    unsigned row;
    const char *args;
} rows[] = {
#define NUMBER(number, name)    {#name, number, ROW_##name, 0},
#define OWN(number, name, args) NUMBER(number, name)
#include "process/linux/riscv64.def"
};
static unsigned row_count;

__attribute__((constructor)) static void rows_make(void) {
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        rows[row_count] = rows[i];
        rows[row_count].args = row_args[rows[i].row];
        if (rows[row_count].args) row_count++;
    }
}

#endif
