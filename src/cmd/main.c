/* main.c - the program: options from the command line and the environment, then the public interface, nothing else.
 *
 * Standard output belongs to the guest; whatever vee itself has to say goes to standard error, one line each, except
 * the results of an invoked function.
 */
#include "cmd/cmd.h"
#include "vee/vee.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern char **environ;

struct command {
    struct vee_config *config;
    struct vee_error error;
    struct disassembler *log;
    const char *path; /* NULL: options say what is booted */
    char **arguments; /* of the guest, argv[0] included; NULL: the path alone */
    bool boots;       /* the verb is boot: options may follow the file, which need not be */
    bool verbs;       /* may the first word be a verb? */
    bool emulator;    /* started under the name of an emulator */
    bool ended;       /* the guest has, by itself */
};

static int complain(const char *text) {
    fprintf(stderr, "vee: %s\n", text);
    return STATUS_USAGE;
}

static int status_of(const struct vee_error *error) {
    complain(error->text);
    switch (error->code) {
    case VEE_NOT_FOUND: return STATUS_NOT_FOUND;
    case VEE_NOT_RUNNABLE: return STATUS_NOT_RUNNABLE;
    default: return STATUS_USAGE;
    }
}

/* ---- the command line */

static const struct vee_option *option_named(const char *name, size_t size) {
    const struct vee_option *o;
    for (unsigned i = 0; (o = vee_option(i)); i++)
        if (strlen(o->name) == size && !memcmp(o->name, name, size)) break;
    return o;
}

static const struct vee_option *option_lettered(char letter) {
    const struct vee_option *o;
    for (unsigned i = 0; (o = vee_option(i)); i++)
        if (o->letter == letter) break;
    return o;
}

/* QEMU takes several variables at once, with commas between them. */
static bool take_list(struct command *c, const char *name, const char *value) {
    char item[4096];
    for (size_t n; *value; value += n + (value[n] == ',')) {
        n = strcspn(value, ",");
        if (n && snprintf(item, sizeof item, "%.*s", (int)n, value) >= (int)sizeof item) {
            c->error.code = VEE_USAGE;
            snprintf(c->error.text, sizeof c->error.text, "--%s: a variable is too long", name);
            return false;
        }
        if (n && !vee_config_set(c->config, name, item, &c->error)) return false;
    }
    return true;
}

/* Takes the option at *at and its value, if that is an argument of its own. */
static bool take_option(struct command *c, char ***at) {
    const char *word = **at, *value = NULL;
    const struct vee_option *o;
    if (word[1] == '-') {
        size_t n = strcspn(word + 2, "=");
        o = option_named(word + 2, n);
        if (word[2 + n]) value = word + 2 + n + 1;
    } else {
        o = word[2] ? option_named(word + 1, strlen(word + 1)) : NULL; /* -strace */
        if (!o && (o = option_lettered(word[1])) != NULL && word[2]) value = word + 2;
        if (o && !o->argument && value) o = NULL;
    }
    if (!o) {
        c->error.code = VEE_USAGE;
        snprintf(c->error.text, sizeof c->error.text, "unknown option '%.300s': try vee --help", word);
        return false;
    }
    if (o->argument && !value && (*at)[1]) value = *++*at;
    ++*at;
    bool list = c->emulator && value && (o->letter == 'E' || o->letter == 'U');
    return list ? take_list(c, o->name, value) : vee_config_set(c->config, o->name, value, &c->error);
}

/* The machine that a verb asks for; "" for any. NULL: not a verb that runs something. */
static const char *verb_kind(const char *word) {
    static const char *const kinds[][2] = {{"run", ""}, {"boot", "machine"}, {"wasm", "language"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(word, kinds[i][0])) return kinds[i][1];
    return NULL;
}

/* Words that print something and end. Returns an exit status, or -1. */
static int answer_word(char **at, bool verb) {
    const char *word = *at;
    if (!verb && word[0] == '-' && word[1] == '-' && word[2]) word++; /* -version, -help */
    if (!strcmp(word, verb ? "version" : "-version")) return printf("vee %s\n", vee_version()), 0;
    if (!strcmp(word, verb ? "help" : "-help") || (!verb && !strcmp(word, "-h"))) {
        const char *style = verb && at[1] ? at[1] : NULL;
        return help_print(style && !strncmp(style, "--", 2) ? style + 2 : style);
    }
    return -1;
}

/* Returns an exit status, or -1: run c->path. */
static int parse(struct command *c, char **at) {
    int status;
    for (; *at;) {
        const char *word = *at;
        if (word[0] == '-' && word[1]) {
            if (!strcmp(word, "--")) {
                at++;
                break;
            }
            if ((status = answer_word(at, false)) >= 0) return status;
            if (!take_option(c, &at)) return status_of(&c->error);
            continue;
        }
        if (!c->verbs && !c->boots) break;
        if (!c->verbs) {
            if (c->path) return complain("boot: more than one file: other disks are given by -drive");
            c->path = *at++;
            continue;
        }
        c->verbs = false;
        if ((status = answer_word(at, true)) >= 0) return status;
        if (!strcmp(word, "binfmt")) return binfmt_command(at + 1);
        const char *kind = verb_kind(word);
        if (!kind) break;
        if (*kind && !vee_config_set(c->config, "kind", kind, &c->error)) return status_of(&c->error);
        c->boots = !strcmp(word, "boot");
        at++;
    }
    if (!*at) return c->boots ? -1 : complain("no program given: try vee --help");
    c->path = *at;
    c->arguments = at;
    return -1;
}

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* What argv[0] and the kernel say; then the words. Returns an exit status, or -1. */
static int parse_all(struct command *c, char **argv) {
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    bool emulator = !strncmp(name, "vee-riscv64", 11) || !strncmp(name, "qemu-riscv64", 12);
    bool preserved = ends_with(name, "-binfmt-P") || (getauxval(AT_FLAGS) & 1); /* AT_FLAGS_PRESERVE_ARGV0 */
    if (emulator && !vee_config_set(c->config, "kind", "process", &c->error)) return status_of(&c->error);
    if (getauxval(AT_EXECFD)) vee_config_program(c->config, (int)getauxval(AT_EXECFD));
    if (preserved && argv[1] && argv[2]) {
        c->path = argv[1];
        c->arguments = argv + 2;
        return -1;
    }
    c->verbs = !emulator;
    c->emulator = emulator;
    return parse(c, argv + 1);
}

/* ---- running */

static void report(const struct command *c, struct vee_vm *vm) {
    const char *name;
    uint64_t value;
    fputs(vee_output(vm), stdout);
    fflush(stdout);
    if (vee_end(vm) == VEE_TRAPPED) complain(vee_message(vm));
    if (vee_config_get(c->config, "digest-at"))
        fprintf(stderr, "digest %" PRIu64 " 0x%016" PRIx64 "\n", vee_count(vm), vee_digest(vm));
    if (vee_config_get(c->config, "stats"))
        for (unsigned i = 0; vee_stat(vm, i, &name, &value); i++)
            if (value) fprintf(stderr, "%-29s %" PRIu64 "\n", name, value);
}

/* What the options on other roots mean besides. */
static bool roots_settle(struct command *c) {
    char here[PATH_MAX];
    if (vee_config_get(c->config, "root") && !vee_config_get(c->config, "kind") &&
        !vee_config_set(c->config, "kind", "process", &c->error))
        return false;
    return !vee_config_get(c->config, "sysroot") || vee_config_get(c->config, "here") || !getcwd(here, sizeof here) ||
           vee_config_set(c->config, "here", here, &c->error);
}

static int run(struct command *c) {
    const char *const *environment = (const char *const *)environ;
    /* Not where the program gives rights to whoever starts it: variables could make it load what they like. */
    if ((!getauxval(AT_SECURE) && !vee_config_read_environment(c->config, environment, &c->error)) ||
        !vee_config_guest_environment(c->config, environment, &c->error))
        return status_of(&c->error);
    if (!roots_settle(c)) return status_of(&c->error);
    const char *file = vee_config_get(c->config, "log-file");
    FILE *out = file ? log_file_open(file) : stderr;
    if (!out) return fprintf(stderr, "vee: %s: %s\n", file, strerror(errno)), STATUS_USAGE;
    if (!(c->log = disassembler_make(out))) return complain("out of memory");
    vee_config_log(c->config, disassembler_line, c->log);
    struct vee_vm *vm = vee_open(c->config, c->path, (const char *const *)c->arguments, &c->error);
    if (!vm) return status_of(&c->error);
    enum vee_end end = vee_run(vm);
    report(c, vm);
    int status = vee_status(vm);
    const bool core = vee_core(vm);
    c->ended = end == VEE_EXITED;
    if (!c->ended) vee_close(vm);
    switch (end) {
    case VEE_EXITED:
    case VEE_POWERED_OFF: return status;
    case VEE_SIGNALED:
        fflush(NULL);
        vee_die(status, core);
        return status;
    case VEE_TRAPPED: return STATUS_TRAP;
    default: return 0;
    }
}

int main(int argc, char **argv) {
    struct command c = {.config = vee_config_make()};
    if (argc < 1) return STATUS_USAGE;
    if (!c.config) return complain("out of memory");
    int status = parse_all(&c, argv);
    if (status < 0) status = run(&c);
    if (c.ended) {
        /* The guest's threads, signals and timers go on: nothing goes that they use, or that keeps them off. */
        fflush(NULL);
        _exit(status);
    }
    vee_config_free(c.config);
    disassembler_free(c.log);
    return status;
}
