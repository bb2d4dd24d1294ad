/* proc_status.c - what procfs tells about a process besides its memory map: names, status, sizes, limits, processors.
 *
 * Numbers that vee knows better take the place of the host's; everything else is what the host says, pages in memory
 * included, which count vee's own.
 */
#include "process/linux/proc.h"
#include <signal.h>
#include <string.h>

/* ---- bytes of the guest's memory */

static void put_guest(const struct proc_view *v, struct text *t, uint64_t start, uint64_t end) {
    char part[512];
    while (start < end) {
        size_t n = end - start < sizeof part ? end - start : sizeof part;
        if (!view_read(v, start, part, n)) return;
        put_bytes(t, part, n);
        start += n;
    }
}

void show_cmdline(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    (void)n;
    (void)host;
    put_guest(v, t, v->peek.process.arg_start, v->peek.process.arg_end);
}

void show_environ(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    (void)n;
    (void)host;
    put_guest(v, t, v->peek.process.arg_end, v->peek.process.env_end);
}

void show_auxv(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    (void)n;
    (void)host;
    put_bytes(t, v->peek.process.auxv, v->peek.process.auxv_words * sizeof *v->peek.process.auxv);
}

/* ---- numbers */

struct sizes {
    uint64_t code, library, stack; /* bytes; code: of the program, library: other code */
};

static struct sizes sizes_of(struct proc_view *v) {
    const struct published_process *p = &v->peek.process;
    struct sizes r = {.code = ((p->code_end + SPACE_PAGE - 1) & -(uint64_t)SPACE_PAGE) -
                              (p->code_start & -(uint64_t)SPACE_PAGE)};
    uint64_t code = 0;
    if (!p->code_end) r.code = 0; /* no code in the file */
    view_mappings(v);
    for (uint32_t i = 0; i < v->mappings.count; i++) {
        const struct published_mapping *m = &v->mappings.first[i];
        if (m->flags & MAPPING_GROWS_DOWN)
            r.stack += m->end - m->start;
        else if ((m->rights & (SPACE_X | SPACE_W)) == SPACE_X)
            code += m->end - m->start;
    }
    r.library = code > r.code ? code - r.code : 0;
    return r;
}

struct signal_sets {
    uint64_t pending, blocked, ignored, caught;
};

static struct signal_sets sets_of(const struct proc_view *v) {
    struct signal_sets s = {.pending = signal_queued(v->thread.queued), .blocked = v->thread.mask};
    struct published_action actions[PUBLISHED_ACTIONS];
    if (v->thread.caught >= 1 && v->thread.caught <= SIGNALS) s.pending |= signal_bit(v->thread.caught);
    if (!peek_actions(&v->peek, actions)) return s;
    for (int i = 1; i <= SIGNALS; i++) {
        uint64_t handler = actions[i].handler;
        if (handler == ACTION_IGNORE)
            s.ignored |= signal_bit(i);
        else if (handler != ACTION_DEFAULT)
            s.caught |= signal_bit(i);
    }
    return s;
}

void show_stat(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    enum { FIELDS_LEAST = 3, FIELDS = 53 };
    const struct published_process *p = &v->peek.process;
    const struct published_space *space = &v->peek.space;
    const struct signal_sets sets = sets_of(v);
    const uint64_t legacy = 0x7fffffff; /* as many signals as these fields have room for */
    const struct {
        unsigned field;
        uint64_t value;
    } known[] = {
        {23, space->total},
        {26, p->code_start},
        {27, p->code_end},
        {28, p->stack_start},
        {29, 0} /* sp */,
        {30, 0} /* pc */,
        {32, sets.blocked & legacy},
        {33, sets.ignored & legacy},
        {34, sets.caught & legacy},
        {45, p->data_start},
        {46, p->data_end},
        {47, space->brk_start},
        {48, p->arg_start},
        {49, p->arg_end},
        {50, p->arg_end},
        {51, p->env_end},
    };
    (void)n;
    const char *s = host->bytes ? strrchr(host->bytes, ')') : NULL;
    if (!s) return;
    put_bytes(t, host->bytes, (size_t)(s + 1 - host->bytes));
    for (unsigned field = FIELDS_LEAST; *(s += strcspn(s, " \n")) == ' ' && field < FIELDS; field++) {
        size_t length = strcspn(++s, " \n"), i = 0;
        const char *digits = s;
        while (i < sizeof known / sizeof *known && known[i].field != field) i++;
        put(t, " ");
        if (field == 31)
            put_number(t, (take_number(&digits, 10) | sets.pending) & legacy, 10, 1);
        else if (i < sizeof known / sizeof *known)
            put_number(t, known[i].value, 10, 1);
        else
            put_bytes(t, s, length);
    }
    put(t, "\n");
}

void show_statm(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    const struct published_space *space = &v->peek.space;
    const struct sizes sizes = sizes_of(v);
    const char *s = host->bytes ? host->bytes : "";
    uint64_t words[7];
    (void)n;
    for (unsigned i = 0; i < 7; i++) {
        words[i] = take_number(&s, 10);
        if (*s) s++;
    }
    words[0] = space->total / SPACE_PAGE;
    words[3] = sizes.code / SPACE_PAGE;
    words[5] = (space->data + sizes.stack) / SPACE_PAGE;
    for (unsigned i = 0; i < 7; i++) {
        put(t, i ? " " : "");
        put_number(t, words[i], 10, 1);
    }
    put(t, "\n");
}

void show_status(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    const struct published_space *space = &v->peek.space;
    const struct sizes sizes = sizes_of(v);
    const struct signal_sets sets = sets_of(v);
    const struct {
        const char *name;
        enum { NUMBER, KIBIBYTES, SET, ADDED_SET /* to the host's */ } form;
        uint64_t value;
    } rows[] = {
        {"VmPeak:", KIBIBYTES, space->peak},     {"VmSize:", KIBIBYTES, space->total},
        {"VmData:", KIBIBYTES, space->data},     {"VmStk:", KIBIBYTES, sizes.stack},
        {"VmExe:", KIBIBYTES, sizes.code},       {"VmLib:", KIBIBYTES, sizes.library},
        {"SigPnd:", ADDED_SET, sets.pending},    {"SigBlk:", SET, sets.blocked},
        {"SigIgn:", SET, sets.ignored},          {"SigCgt:", SET, sets.caught},
        {"Seccomp:", NUMBER, v->thread.seccomp}, {"Seccomp_filters:", NUMBER, v->thread.nfilters},
    };
    (void)n;
    for (char *rest = host->bytes, *line; text_line(&rest, &line);) {
        size_t name = strcspn(line, ":") + 1, i = 0;
        const char *digits = line + name + 1;
        /* Of lines in small letters all but these are about the host's processor. */
        if (*line >= 'a' && *line <= 'z' && !strstr(line, "ctxt_switches:")) continue;
        while (i < sizeof rows / sizeof *rows && strncmp(line, rows[i].name, name)) i++;
        bool known = i < sizeof rows / sizeof *rows;
        put_bytes(t, line, known ? name : strlen(line));
        put(t, known ? "\t" : "\n");
        if (!known) continue;
        switch (rows[i].form) {
        case NUMBER: put_number(t, rows[i].value, 10, 1); break;
        case KIBIBYTES:
            for (uint64_t room = 10000000; room > 1 && rows[i].value >> 10 < room; room /= 10) put(t, " ");
            put_number(t, rows[i].value >> 10, 10, 1);
            put(t, " kB");
            break;
        case SET: put_number(t, rows[i].value, 16, 16); break;
        case ADDED_SET: put_number(t, rows[i].value | take_number(&digits, 16), 16, 16); break;
        }
        put(t, "\n");
    }
}

static void put_column(struct text *t, uint64_t value, unsigned width) {
    size_t before = t->used;
    if (value == UINT64_MAX)
        put(t, "unlimited");
    else
        put_number(t, value, 10, 1);
    while (!t->failed && t->used - before < width) put(t, " ");
    put(t, " ");
}

/* A line is a name of 25 columns, two limits of 20, a unit. */
void show_limits(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    enum { NAME = 26, LIMIT = 20, UNITS = NAME + 2 * (LIMIT + 1) };
    const struct published_process *p = &v->peek.process;
    const struct {
        const char *name;
        const uint64_t *limit;
    } rows[] = {{"Max data size ", p->data_limit},
                {"Max stack size ", p->stack_limit},
                {"Max core file size ", p->core_limit},
                {"Max address space ", p->space_limit}};
    (void)n;
    for (char *rest = host->bytes, *line; text_line(&rest, &line);) {
        size_t i = 0;
        const char *hard = line + NAME + LIMIT + 1;
        if (!strncmp(line, "Max open files ", 15) && strlen(line) >= UNITS && take_number(&hard, 10) > p->files_most) {
            put_bytes(t, line, NAME + LIMIT + 1);
            put_column(t, p->files_most, LIMIT);
            line += UNITS;
        }
        while (i < sizeof rows / sizeof *rows && strncmp(line, rows[i].name, strlen(rows[i].name))) i++;
        if (i < sizeof rows / sizeof *rows && strlen(line) >= UNITS) {
            put_bytes(t, line, NAME);
            put_column(t, rows[i].limit[0], LIMIT);
            put_column(t, rows[i].limit[1], LIMIT);
            line += UNITS;
        }
        put(t, line);
        put(t, "\n");
    }
}

void show_personality(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    (void)n;
    (void)host;
    put_number(t, v->peek.process.persona, 16, 8);
    put(t, "\n");
}

/* ---- the whole system */

void show_cpuinfo(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    uint64_t set[16] = {0};
    (void)n;
    (void)host;
    int64_t size = host_wait(SYS_sched_getaffinity, 0, sizeof set, set);
    unsigned cpus = 0;
    for (int64_t i = 0; i < size / 8; i++) cpus += (unsigned)__builtin_popcountll(set[i]);
    for (unsigned i = 0; i < cpus; i++) v->self->abi->cpuinfo(t, i);
}

void show_arch(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t) {
    (void)n;
    (void)host;
    put(t, v->self->abi->machine->name);
    put(t, "\n");
}
