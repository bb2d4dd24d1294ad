/* internal.h - what the files of vm/ share. */
#ifndef VM_INTERNAL_H
#define VM_INTERNAL_H

#include "base/arena.h"
#include "vee/vee.h"
#include "vm/vm.h"

enum { OPTION_MAX = 64 };

/** Options as they are being collected. Strings live in the arena until the config is freed. */
struct vee_config {
    struct vm_options options; /* without path, argv and envp */
    const char *argv0;
    const char **edits;       /* of the guest's environment, in order: VAR=VALUE sets, VAR removes; NULL-terminated */
    const char **environment; /* NULL-terminated */
    const char *text[OPTION_MAX]; /* by option: the value last set; NULL: not set */
    bool chosen[OPTION_MAX];      /* by option: set by vee_config_set */
    struct arena arena;
};

/** The guest's environment after the edits, in `arena`; NULL: out of memory. */
const char **config_environment(const struct vee_config *config, struct arena *arena);

/** The options that executed programs are run with as well, as words of a command line: NULL-terminated, in `arena`;
   NULL: out of memory. */
const char **config_carried(const struct vee_config *config, struct arena *arena);

/** Starts the clock of a vm that is being opened at 0. */
void clock_init(struct vm *vm);

/** Sets the public error unless it holds one already. Returns false. */
bool public_error(struct vee_error *error, enum vee_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
