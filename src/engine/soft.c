/* soft.c - MEM_SOFT: who writes to pages that code came from.
 *
 * A page's flag (mem/phys.h) says that there may be translations of it. The translator sets the flag, has every other
 * cpu give up its right to write there and waits until it has left guest code; only then are bytes read. From then on
 * stores of cpus come by the slow way, which looks at the flag, and at which bytes there is code from, without the
 * lock: records of pages stay as long as anybody is in guest code. Where there is code, the store is left to the
 * interpreter, which has the lock and drops it. Other threads (devices) write first and look at the flag afterwards, as
 * the translator looks at the bytes behind it: one of the two sees the other. What they have written is noted in a
 * short list, and the loop drops what came from there, before it runs guest code.
 *
 * A flag that is set for nothing is cleared with the lock alone, when a store has come the slow way because of it.
 */
#include "engine/internal.h"
#include "base/os.h"

enum { PAGE = 1 << TLB_PAGE_SHIFT, PART = PAGE / 64 /* bytes that a bit of code_page.parts stands for */ };

uint8_t *page_flags(const struct engine *e, uint64_t page) {
    return e->phys ? phys_page(e->phys, page) : NULL;
}

/* Where there are no flags, the record of the page says it. */
bool code_in(const struct engine *e, uint64_t page) {
    const uint8_t *flags = page_flags(e, page);
    if (flags) return phys_page_has(flags, PHYS_PAGE_CODE);
    return page_find(e, page) || __atomic_load_n(&e->lifting, __ATOMIC_SEQ_CST) == page;
}

static uint64_t parts(uint64_t offset, uint64_t size) {
    const uint64_t first = offset / PART, last = (offset + size - 1) / PART;
    return (UINT64_MAX >> (63 - (last < 63 ? last : 63))) & (UINT64_MAX << first);
}

bool code_overlaps(const struct engine *e, uint64_t page, uint64_t offset, uint64_t size) {
    const struct code_page *p = page_find(e, page);
    return p && (__atomic_load_n(&p->parts, __ATOMIC_SEQ_CST) & parts(offset, size));
}

bool code_near(const struct engine *e, uint64_t page, uint64_t offset, uint64_t size) {
    const struct code_page *p = page_find(e, page);
    const uint64_t now = p ? __atomic_load_n(&p->parts, __ATOMIC_SEQ_CST) : 0;
    return !now || (now & parts(offset, size));
}

/* Does the unit come from these bytes of its page? A unit of a MEM_SOFT space lies in one page. */
static bool comes_from(const struct unit *u, uint64_t offset, uint64_t size) {
    uint64_t start = u->pc & (PAGE - 1);
    return start < offset + size && offset < start + u->bytes;
}

void page_parts(struct code_page *p) {
    uint64_t all = 0;
    for (const struct unit *u = p->units; u; u = u->page_next) all |= parts(u->pc & (PAGE - 1), u->bytes);
    __atomic_store_n(&p->parts, all, __ATOMIC_SEQ_CST);
}

void page_part_added(struct code_page *p, const struct unit *u) {
    __atomic_fetch_or(&p->parts, parts(u->pc & (PAGE - 1), u->bytes), __ATOMIC_SEQ_CST);
}

bool code_written(struct engine *e, uint64_t page, uint64_t offset, uint64_t size) {
    struct code_page *p = page_find(e, page);
    bool any = false;
    for (struct unit **at = p ? &p->units : NULL, *u; at && (u = *at) != NULL;) {
        if (!comes_from(u, offset, size)) {
            at = &u->page_next;
            continue;
        }
        page_remove(e, p, at);
        any = true;
    }
    if (any) page_parts(p);
    return any;
}

/* ---- flags */

void code_seen(struct engine *e, struct cpu *cpu, const struct code_page *p) {
    uint8_t *flags = page_flags(e, p->page);
    if (flags) {
        if (phys_page_has(flags, PHYS_PAGE_CODE)) return;
        phys_page_set(flags, PHYS_PAGE_CODE);
    } else if (p->units) {
        return;
    }
    for (const struct runner *r = e->runners; r; r = r->next) {
        if (r->cpu == cpu || !e->shared)
            cpu_revoke_write(r->cpu, p->bytes);
        else
            cpu_request_revoke(r->cpu, p->bytes);
    }
    engine_await_requests(e);
}

void code_forgotten(struct engine *e, uint64_t page) {
    uint8_t *flags = page_flags(e, page);
    if (!flags || !phys_page_has(flags, PHYS_PAGE_CODE)) return;
    const struct code_page *p = page_find(e, page);
    if (!p || !p->units) phys_page_clear(flags, PHYS_PAGE_CODE);
}

/* ---- what others write */

static void note(struct engine *e, uint64_t page, uint64_t offset, uint64_t size) {
    struct written *w = &e->written;
    while (__atomic_exchange_n(&w->busy, 1, __ATOMIC_ACQUIRE)) os_pause();
    const uint32_t n = w->n;
    if (n < WRITTEN) w->list[n] = (struct written_part){page, (uint32_t)offset, (uint32_t)size};
    __atomic_store_n(&w->n, n < WRITTEN ? n + 1 : WRITTEN + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&w->busy, 0, __ATOMIC_RELEASE);
}

void engine_written(struct engine *e, uint64_t physical, uint64_t size) {
    bool any = false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the bytes before the flag */
    while (size) {
        const uint64_t offset = physical & (PAGE - 1), part = PAGE - offset < size ? PAGE - offset : size;
        const uint8_t *flags = page_flags(e, physical);
        if (!flags || phys_page_has(flags, PHYS_PAGE_CODE)) {
            note(e, physical - offset, offset, part);
            any = true;
        }
        physical += part;
        size -= part;
    }
    for (const struct runner *r = any && e->shared ? e->runners : NULL; r; r = r->next)
        cpu_request(r->cpu, REQUEST_CODE);
}

void written_settle(struct engine *e) {
    struct written *w = &e->written;
    struct written_part list[WRITTEN];
    while (__atomic_exchange_n(&w->busy, 1, __ATOMIC_ACQUIRE)) os_pause();
    const uint32_t n = w->n;
    for (uint32_t i = 0; i < n && n <= WRITTEN; i++) list[i] = w->list[i];
    __atomic_store_n(&w->n, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&w->busy, 0, __ATOMIC_RELEASE);
    if (n > WRITTEN) engine_flush(e); /* more than there is room for: anything */
    for (uint32_t i = 0; i < n && n <= WRITTEN; i++) code_written(e, list[i].page, list[i].offset, list[i].size);
}
