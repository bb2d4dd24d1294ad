/* request.c - what others ask of a cpu: to drop what it knows of its mapping, of code, of pages that it may write.
 *
 * Caches of a cpu belong to its own thread alone. Whoever has changed what they hold notes it with the cpu: kinds as
 * bits of an atomic word, which any thread may set, and what they are about in short lists, for which one needs the
 * engine's lock; a list that is full stands for everything. The cpu serves its requests in the loop, with the lock,
 * before it runs guest code. So a request has been done, as far as anybody can tell, once the cpu is out of guest code:
 * one that sleeps, waits for the lock or is in an answer is not waited for. As only one thread at a time has the lock,
 * and it is not in guest code itself, nobody waits for one who waits.
 */
#include "engine/internal.h"
#include "base/os.h"

enum { FLUSHED_ONE_BY_ONE = 16 /* pages */, SLEEP_MOST = 1000000000 /* nanoseconds, until it looks again */ };

/* The word first, then the poll: the cpu looks in the other order. */
void cpu_request(struct cpu *cpu, unsigned kinds) {
    if (kinds & ~(unsigned)REQUEST_LOOK)
        __atomic_or_fetch(&cpu->runner->requests.kinds, kinds & ~(unsigned)REQUEST_LOOK, __ATOMIC_SEQ_CST);
    __atomic_or_fetch(&cpu->poll, kinds & REQUEST_LOOK ? POLL_LOOK | POLL_REQUEST : POLL_REQUEST, __ATOMIC_SEQ_CST);
    if (kinds & REQUEST_LOOK) runner_wake(cpu); /* all else can wait until it wakes */
}

void cpu_request_range(struct cpu *cpu, const struct cpu_range *range) {
    struct requests *q = &cpu->runner->requests;
    const bool all = (range->size == UINT64_MAX && range->any_tag) || q->nranges == REQUEST_RANGES;
    if (!all) q->ranges[q->nranges++] = *range;
    cpu_request(cpu, all ? REQUEST_MAPPING : REQUEST_RANGES_BIT);
}

void cpu_request_revoke(struct cpu *cpu, const uint8_t *page) {
    struct requests *q = &cpu->runner->requests;
    const bool all = q->npages == REQUEST_PAGES;
    if (!all) q->pages[q->npages++] = page;
    cpu_request(cpu, all ? REQUEST_MAPPING : REQUEST_PAGES_BIT);
}

void cpu_flush_range(struct cpu *cpu, const struct cpu_range *range) {
    const uint64_t page = 1u << TLB_PAGE_SHIFT, first = range->start & -page;
    const uint64_t last = range->start + (range->size ? range->size - 1 : 0);
    const bool many = last < first || (last - first) / page >= FLUSHED_ONE_BY_ONE;
    const bool spaces = cpu->soft.views && cpu->guest->forget;
    const uint64_t *space = range->any_tag ? NULL : &range->tag;
    if (many && spaces) {
        cpu->guest->forget(cpu, NULL, space);
        cpu_drop_shortcuts(cpu);
    } else if (many) {
        cpu_flush_mapping(cpu);
    }
    for (uint64_t at = first, left = many ? 0 : (last - first) / page + 1; left > 0; left--, at += page) {
        if (spaces)
            cpu->guest->forget(cpu, &at, space);
        else
            tlbs_flush_page(cpu, at);
        cpu_drop_shortcuts_at(cpu, at);
    }
}

void requests_serve(struct engine *e, struct cpu *cpu) {
    struct requests *q = &cpu->runner->requests;
    const uint32_t kinds = __atomic_exchange_n(&q->kinds, 0, __ATOMIC_SEQ_CST);
    if (kinds & REQUEST_MAPPING) {
        cpu_flush_mapping(cpu);
    } else {
        if (kinds & REQUEST_SHORTCUTS) cpu_drop_shortcuts(cpu);
        for (unsigned n = 0; n < q->nranges; n++) cpu_flush_range(cpu, &q->ranges[n]);
        for (unsigned n = 0; n < q->npages; n++) cpu_revoke_write(cpu, q->pages[n]);
    }
    if (kinds & (REQUEST_MAPPING | REQUEST_SHORTCUTS | REQUEST_RANGES_BIT)) cpu->runner->site = 0;
    q->nranges = q->npages = 0;
    e->stats.requests++;
}

/* ---- sleeping */

IN_HANDLER void runner_wake(struct cpu *cpu) {
    if (__atomic_load_n(&cpu->runner->asleep, __ATOMIC_SEQ_CST)) os_wake(&cpu->poll, 1);
}

IN_HANDLER void cpu_poke(struct cpu *cpu) {
    __atomic_or_fetch(&cpu->poll, POLL_LOOK, __ATOMIC_SEQ_CST);
    runner_wake(cpu);
}

bool engine_sleep(struct engine *e, struct cpu *cpu, uint64_t nanoseconds) {
    engine_unlock(e);
    __atomic_store_n(&cpu->runner->asleep, 1, __ATOMIC_SEQ_CST);
    os_wait(&cpu->poll, 0, nanoseconds < SLEEP_MOST ? nanoseconds : SLEEP_MOST);
    __atomic_store_n(&cpu->runner->asleep, 0, __ATOMIC_SEQ_CST);
    engine_lock(e, cpu);
    const uint32_t poll = __atomic_exchange_n(&cpu->poll, 0, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&cpu->runner->requests.kinds, __ATOMIC_RELAXED)) requests_serve(e, cpu);
    return poll & POLL_LOOK;
}
