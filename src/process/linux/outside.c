/* outside.c - system calls and signals at the door (vm/input.h), for processes that have a tap; without one nothing
 * here runs.
 *
 * What a call brings is its result and the guest memory that was written meanwhile: what pointers were made for
 * (call_pointer) and what was copied (call_write) is noted while the call is made, and passes the door behind its
 * result. A tap that gives the answer gives these bytes, too. Calls that change what vee keeps are made again
 * (outside.def); what they wait for passes the door by itself, in front of the answer.
 *
 * A private mapping of a file is its bytes: they pass the door when it is made, and who is given them has memory
 * without a file. What does not pass: later changes of such a file, in pages that nobody has written yet; mappings that
 * are shared; what other processes write, children that share memory included; faults because a file was cut off; and
 * what PAST rows are about.
 */
#include "process/linux/outside.h"
#include "base/os.h"
#include <string.h>
#include <sys/mman.h>

enum how { ANSWER, ANEW, LATER };

static const uint8_t how[ROWS] = {
#define AGAIN(name, why) [ROW_##name] = ANEW,
#define PAST(name, why)  [ROW_##name] = LATER,
#define SHORT(name, argument, what)
#define INTERRUPTED(name, argument, form, late)
#include "process/linux/outside.def"
};

static unsigned row_of(const struct call *c) {
    return (unsigned)(c->row - linux_rows);
}

/* ---- what was written */

void outside_note(struct call *c, uint64_t at, uint64_t size) {
    struct written *w = c->written;
    struct written_part *last = w->n ? &w->part[w->n - 1] : NULL;
    if (!size) return;
    if (last && last->at + last->size == at)
        last->size += size;
    else if (w->n < WRITTEN_PARTS)
        w->part[w->n++] = (struct written_part){at, size};
    else
        input_past(c->process->vm, "a call that writes to more places than are noted");
}

/* Through scratch, which the call needs no more, and page by page: of a part some may not be there, or most of it. */
static void data_show(struct call *c, uint64_t at, uint64_t size) {
    uint8_t *bytes = c->thread->scratch->bytes;
    const uint64_t end = at + size;
    while (at < end) {
        const struct mapping *m = space_next(c->process->space, at);
        if (!m || m->start >= end) break;
        if (at < m->start) at = m->start;
        uint64_t part = SPACE_PAGE - (at & (SPACE_PAGE - 1));
        if (part > end - at) part = end - at;
        struct input in = {
            .kind = INPUT_data, .cpu = c->thread->cpu, .at = at, .bytes = bytes, .size = part, .value = (int64_t)part};
        if (await_read(c->process, at, bytes, part)) input_came(c->process->vm, &in);
        at += part;
    }
}

/* Writes what a tap gives behind an answer. */
static void data_take(struct call *c) {
    struct input in = {.kind = INPUT_data, .cpu = c->thread->cpu};
    while (input_given(c->process->vm, &in)) {
        await_write(c->process, in.at, in.bytes, (size_t)in.value);
        in = (struct input){.kind = INPUT_data, .cpu = c->thread->cpu};
    }
}

static void written_show(struct call *c) {
    const struct written *w = c->written;
    for (unsigned i = 0; i < w->n && input_listens(c->process->vm); i++) data_show(c, w->part[i].at, w->part[i].size);
}

/* ---- answers */

static struct input of_call(const struct call *c, enum input_kind kind) {
    return (struct input){.kind = kind, .which = c->number, .cpu = c->thread->cpu, .at = c->guest[0]};
}

/* Results that are none of the host's: not begun, or all in registers. */
static bool is_answer(int64_t result) {
    return result > CALL_AGAIN && result != CALL_STATE && result != CALL_STOP;
}

static int64_t answer_show(struct call *c, struct input *in, int64_t result) {
    if (!is_answer(result)) return result;
    in->value = result;
    input_came(c->process->vm, in);
    written_show(c);
    return result;
}

static int64_t answer(struct call *c) {
    struct vm *vm = c->process->vm;
    struct input in = of_call(c, INPUT_call);
    if (input_given(vm, &in)) {
        data_take(c);
        return in.value;
    }
    input_enclose(vm, true);
    int64_t result = call_answer(c);
    input_enclose(vm, false);
    return answer_show(c, &in, result);
}

static int64_t again(struct call *c) {
    struct input in = of_call(c, INPUT_call);
    int64_t result = call_answer(c);
    if (!is_answer(result) || !input_given(c->process->vm, &in)) return answer_show(c, &in, result);
    data_take(c);
    return in.value;
}

/* ---- mappings */

/* The host may have no memory, which changes nothing. */
static int64_t memory(struct call *c) {
    struct input in = of_call(c, INPUT_memory);
    if (input_given(c->process->vm, &in) && in.value < 0) return in.value;
    in.value = call_answer(c);
    input_came(c->process->vm, &in);
    return in.value;
}

/* The bytes of a new mapping, as far as there are any; what holds no bytes has no rights to look at them. */
static void mapping_show(struct call *c, uint64_t at, uint64_t size) {
    uint8_t *bytes = c->thread->scratch->bytes;
    for (uint64_t end = at + size; at < end; at += SPACE_PAGE) {
        if (!space_read_code(c->process->space, at, bytes, SPACE_PAGE)) continue;
        struct input in = {.kind = INPUT_data,
                           .cpu = c->thread->cpu,
                           .at = at,
                           .bytes = bytes,
                           .size = SPACE_PAGE,
                           .value = SPACE_PAGE};
        input_came(c->process->vm, &in);
    }
}

/* Memory without a file, with the bytes that a tap gives. */
static int64_t mapping_make(struct call *c, uint64_t at) {
    struct space *s = c->process->space;
    const uint64_t *g = c->guest;
    const uint32_t fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    int64_t r = memory_map(s, at, g[1], PROT_READ | PROT_WRITE, fixed, -1, 0, MEMORY_ANONYMOUS);
    if (r < 0) return r;
    data_take(c);
    int64_t protected = memory_protect(s, at, g[1], process_rights(c->process, (uint32_t)g[2]));
    return protected < 0 ? protected : r;
}

static int64_t file_map(struct call *c) {
    struct vm *vm = c->process->vm;
    struct input in = of_call(c, INPUT_call);
    if (input_given(vm, &in)) return in.value < 0 ? in.value : mapping_make(c, (uint64_t)in.value);
    if ((c->guest[3] & MAP_TYPE) != MAP_PRIVATE) input_past(vm, "a shared mapping of a file");
    if (!(c->guest[2] & (PROT_READ | PROT_EXEC))) input_past(vm, "a mapping of a file that cannot be read");
    input_enclose(vm, true);
    in.value = call_answer(c);
    input_enclose(vm, false);
    input_came(vm, &in);
    if (in.value >= 0 && input_listens(vm)) mapping_show(c, (uint64_t)in.value, c->guest[1]);
    return in.value;
}

int64_t outside_answer(struct call *c) {
    c->written = &c->thread->scratch->written;
    c->written->n = 0;
    if (input_worsens(c->process->vm) && worse_call(c)) return -ENOMEM;
    if (call_is(c, ROW_mremap)) return memory(c);
    if (call_is(c, ROW_mmap)) return c->guest[3] & MAP_ANONYMOUS ? memory(c) : file_map(c);
    if (how[row_of(c)] == LATER) input_past(c->process->vm, c->row->name);
    return how[row_of(c)] == ANEW ? again(c) : answer(c);
}

int64_t outside_wait(struct call *c, long number, const uint64_t args[6]) {
    struct input in = {.kind = INPUT_call, .which = (uint32_t)number, .cpu = c->thread->cpu};
    if (input_given(c->process->vm, &in)) return in.value;
    in.value = c->brief ? worse_wait(c, number, args) : call_wait_on_host(c, number, args);
    if (in.value != CALL_AGAIN) input_came(c->process->vm, &in);
    return in.value;
}

/* ---- signals */

bool outside_signal(struct thread *t, int signal, struct signal_info *info) {
    struct input in = {.kind = INPUT_signal,
                       .which = INPUT_ARRIVED,
                       .cpu = t->cpu,
                       .value = signal,
                       .bytes = info,
                       .size = sizeof *info};
    if (input_given(t->process->vm, &in)) return false;
    input_came(t->process->vm, &in);
    return true;
}

void outside_signal_due(struct thread *t) {
    struct input in = {.kind = INPUT_signal,
                       .which = INPUT_DUE,
                       .cpu = t->cpu,
                       .bytes = &t->caught_info,
                       .size = sizeof t->caught_info};
    if (t->given || !input_given(t->process->vm, &in)) return;
    t->caught = (int)in.value;
    t->given = true;
    t->interrupted = 1;
}
