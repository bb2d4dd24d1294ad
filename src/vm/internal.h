/* internal.h - what the files of vm/ share. */
#ifndef VM_INTERNAL_H
#define VM_INTERNAL_H

#include "base/arena.h"
#include "vee/vee.h"
#include "vm/vm.h"

enum { OPTION_MOST = 96, KINDS_MOST = 8 };

/** Options as they are being collected. Strings live in the arena until the config is freed. */
struct vee_config {
    struct vm_options options; /* without path, argv and envp */
    void *own[KINDS_MOST];     /* options of kinds, as vm_options.own */
    const char *argv0;
    const char *const *edits; /* of the guest's environment, in order: VAR=VALUE sets, VAR removes; NULL-terminated */
    const char **environment; /* NULL-terminated */
    const char *text[OPTION_MOST]; /* by option: the value last set; NULL: not set */
    bool chosen[OPTION_MOST];      /* by option: set by vee_config_set */
    struct arena arena;
};

/** The guest's environment after the edits, in `arena`; NULL: out of memory. */
const char **config_environment(const struct vee_config *config, struct arena *arena);

/** The options that executed programs are run with as well, as words of a command line: NULL-terminated, in `arena`;
   NULL: out of memory. */
const char **config_carried(const struct vee_config *config, struct arena *arena);

/* option.c */
/** The option with this number: first those of everybody, then kind by kind. NULL: no more. */
const struct option *option_at(unsigned index);
/** Sets it to a value that has been checked completely; `who` names it in errors. */
bool option_set(struct vee_config *config, unsigned index, const char *who, const char *value, struct vee_error *error);
unsigned list_length(const char *const *list);
/** A copy of `size` bytes and a zero; NULL: out of memory. */
const char *config_keep(struct arena *arena, const char *text, size_t size);
bool config_no_memory(struct vee_error *error);

/** Starts the clock of a vm that is being opened at 0. */
void clock_init(struct vm *vm);

/** From now on what comes from outside is disturbed (--disturb). */
void disturb(struct vm *vm);

/** Sets the public error unless it holds one already. Returns false. */
bool public_error(struct vee_error *error, enum vee_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
