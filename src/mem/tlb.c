/* tlb.c - the software TLB: direct-mapped, one line a page; and the set of them that a cpu has (mem.h).
 *
 * Memory that is all zero is lines that are empty, but for line 0: so emptying is one memset, and lines that nobody has
 * used yet take no memory. An empty tag never is in the line that has it, whatever the size of the TLB.
 *
 * Everything but lookups takes time that goes with what is there, not with what there could be: a TLB that is emptied
 * shrinks to what it was used for, banks that are dropped are only marked, and rights to write are found by an index
 * that says in which banks to look. The caller sees to it that a cpu's TLBs are used by one thread at a time.
 */
#include "mem/mem.h"
#include "base/os.h"
#include <string.h>

enum { PAGE = 1 << TLB_PAGE_SHIFT, KEPT = 1024 /* lines whose memory stays with a bank that is not in use */ };

/* ---- lines */

static struct tlb_line line_empty(uint32_t i) {
    const uint64_t tag = i ? 0 : PAGE;
    return (struct tlb_line){.read = tag, .write = tag};
}

static uint64_t page_of(uint64_t address) {
    return address & -(uint64_t)PAGE;
}

static uint32_t index_of(const struct tlb *t, uint64_t address) {
    return (uint32_t)(address >> TLB_PAGE_SHIFT) & (t->lines - 1);
}

/* Does line i have this tag in earnest? */
static bool tag_is_there(const struct tlb *t, uint32_t i, uint64_t tag) {
    return index_of(t, tag) == i;
}

/* The page that a line is of; false: of none. */
static bool line_page(const struct tlb *t, uint32_t i, uint64_t *page) {
    const struct tlb_line *l = &t->line[i];
    *page = tag_is_there(t, i, l->read) ? l->read : l->write;
    return tag_is_there(t, i, *page);
}

/* Victims are in no place of their own: an unused tag is no page's address. */
enum { NO_TAG = 1 };
static const struct tlb_line no_victim = {.read = NO_TAG, .write = NO_TAG};

static void line_clear(struct tlb *t, uint32_t i) {
    uint64_t page;
    if (!line_page(t, i, &page)) return;
    t->line[i] = line_empty(i);
    t->used--;
}

static void victim_add(struct tlb *t, uint32_t i) {
    const struct tlb_line *l = &t->line[i];
    struct tlb_line *v = &t->victim[t->next_victim++ % TLB_VICTIMS];
    *v = *l;
    if (!tag_is_there(t, i, l->read)) v->read = NO_TAG;
    if (!tag_is_there(t, i, l->write)) v->write = NO_TAG;
}

/* Puts a line in its place; what was there becomes a victim. */
static void line_put(struct tlb *t, uint64_t page, const struct tlb_line *l) {
    const uint32_t i = index_of(t, page);
    const struct tlb_line empty = line_empty(i);
    uint64_t old;
    if (line_page(t, i, &old)) {
        if (old != page) {
            victim_add(t, i);
            t->pushed++;
        }
    } else {
        t->used++;
    }
    t->line[i] = *l;
    if (l->read != page) t->line[i].read = empty.read;
    if (l->write != page) t->line[i].write = empty.write;
}

const struct tlb_line *tlb_find(struct tlb *t, uint64_t address, bool write) {
    const uint64_t page = page_of(address);
    const struct tlb_line *l = &t->line[index_of(t, address)];
    if ((write ? l->write : l->read) == page) return l;
    for (unsigned n = 0; n < TLB_VICTIMS; n++) {
        const struct tlb_line v = t->victim[n];
        if ((write ? v.write : v.read) != page) continue;
        t->victim[n] = no_victim;
        t->revived++;
        line_put(t, page, &v);
        return l;
    }
    return NULL;
}

/* ---- sizes */

static void lines_clear(struct tlb *t, uint32_t from, uint32_t to) {
    memset(t->line + from, 0, (to - from) * sizeof *t->line);
    if (from == 0) t->line[0] = line_empty(0);
}

/* Twice as many lines: each either stays or goes as far behind as there were. */
static void grow(struct tlb *t) {
    const uint32_t old = t->lines;
    lines_clear(t, old, 2 * old);
    for (uint32_t i = 0; i < old; i++) {
        uint64_t page;
        if (!line_page(t, i, &page) || !(page >> TLB_PAGE_SHIFT & old)) continue;
        struct tlb_line moved = t->line[i];
        if (moved.read != page) moved.read = line_empty(i + old).read;
        if (moved.write != page) moved.write = line_empty(i + old).write;
        t->line[i + old] = moved;
        t->line[i] = line_empty(i);
    }
    t->lines = 2 * old;
    t->pushed = 0;
}

/* Lines push each other out, and not because they are the same few all the time. */
static bool should_grow(const struct tlb *t) {
    return t->pushed > t->lines / 8 && t->used > t->lines / 4 && t->lines < t->most;
}

void tlb_flush(struct tlb *t) {
    while (t->lines > TLB_LINES && t->used < t->lines / 4) t->lines /= 2;
    lines_clear(t, 0, t->lines);
    t->used = t->pushed = 0;
    for (unsigned n = 0; n < TLB_VICTIMS; n++) t->victim[n] = no_victim;
    if (t->sizes) memset(t->large, 0, sizeof t->large);
    t->sizes = 0;
}

struct tlb *tlb_make(void) {
    struct tlb *t = os_alloc(sizeof *t + TLB_LINES * sizeof *t->line);
    if (!t) return NULL;
    t->line = (struct tlb_line *)(void *)(t + 1);
    t->lines = t->most = TLB_LINES;
    tlb_flush(t);
    return t;
}

/* ---- pages and mappings */

/* The bit of a mapping: of a word of `large`. */
static uint64_t *large_bit(struct tlb *t, uint64_t start, uint64_t size, uint64_t *bit) {
    const uint64_t h = ((start | size >> 1) * 0x9e3779b97f4a7c15u) >> 54;
    *bit = 1ull << (h & 63);
    return &t->large[h >> 6 & (sizeof t->large / sizeof *t->large - 1)];
}

void tlb_fill(struct tlb *t, uint64_t address, const struct tlb_page *p) {
    const uint64_t page = page_of(address), host = (uint64_t)(uintptr_t)p->host;
    if (should_grow(t)) grow(t);
    for (unsigned n = 0; n < TLB_VICTIMS; n++) /* with fewer rights */
        if (t->victim[n].read == page || t->victim[n].write == page) t->victim[n] = no_victim;
    line_put(t, page,
             &(struct tlb_line){
                 .read = p->read ? page : ~page, .write = p->write ? page : ~page, .host = host, .add = host - page});
    if (p->mapping > PAGE) {
        uint64_t bit, *word = large_bit(t, address & -p->mapping, p->mapping, &bit);
        t->sizes |= p->mapping;
        *word |= bit;
    }
}

/* Pages from `start` on. */
static void range_flush(struct tlb *t, uint64_t start, uint64_t size) {
    uint64_t page;
    if (size >> TLB_PAGE_SHIFT < t->lines) {
        for (uint64_t at = start; at - start < size; at += PAGE)
            if (line_page(t, index_of(t, at), &page) && page == at) line_clear(t, index_of(t, at));
    } else {
        for (uint32_t i = 0; i < t->lines; i++)
            if (line_page(t, i, &page) && page - start < size) line_clear(t, i);
    }
    for (unsigned n = 0; n < TLB_VICTIMS; n++) {
        const struct tlb_line *v = &t->victim[n];
        page = v->read != NO_TAG ? v->read : v->write;
        if (page != NO_TAG && page - start < size) t->victim[n] = no_victim;
    }
}

void tlb_flush_page(struct tlb *t, uint64_t address) {
    range_flush(t, page_of(address), PAGE);
    for (uint64_t sizes = t->sizes; sizes; sizes &= sizes - 1) {
        const uint64_t size = sizes & -sizes, start = address & -size;
        uint64_t bit;
        if (*large_bit(t, start, size, &bit) & bit) range_flush(t, start, size);
    }
}

static uint32_t written_hash(uint64_t host) {
    return (uint32_t)((host >> TLB_PAGE_SHIFT) * 0x9e3779b97f4a7c15u >> 40) & (LIMIT_TLB_WRITTEN - 1);
}

/* True: there are still lines that write to pages of the same place in the index. */
static bool revoke(struct tlb *t, uint64_t host) {
    const uint32_t place = written_hash(host);
    bool others = false;
    for (uint32_t i = 0; i < t->lines; i++) {
        struct tlb_line *l = &t->line[i];
        if (!tag_is_there(t, i, l->write)) continue;
        if (l->host == host) {
            if (!tag_is_there(t, i, l->read)) t->used--;
            l->write = line_empty(i).write;
        } else {
            others |= written_hash(l->host) == place;
        }
    }
    for (unsigned n = 0; n < TLB_VICTIMS; n++) {
        struct tlb_line *v = &t->victim[n];
        if (v->write == NO_TAG) continue;
        if (v->host == host)
            v->write = NO_TAG;
        else
            others |= written_hash(v->host) == place;
    }
    return others;
}

void tlb_revoke_write(struct tlb *t, const uint8_t *host) {
    revoke(t, (uint64_t)(uintptr_t)host);
}

/* ---- sets */

enum { BANK_BYTES = TLB_LINES_MOST * sizeof(struct tlb_line) };

bool tlb_views_make(struct tlb_views *v) {
    *v = (struct tlb_views){.memory = os_reserve((size_t)TLB_BANKS * BANK_BYTES)};
    if (v->memory && os_commit(v->memory, (size_t)TLB_BANKS * BANK_BYTES)) return true;
    tlb_views_free(v);
    return false;
}

void tlb_views_free(struct tlb_views *v) {
    if (v->memory) os_release(v->memory, (size_t)TLB_BANKS * BANK_BYTES);
    v->memory = NULL;
}

/* Empties a bank before it is used again; memory that it once needed goes back. */
static void bank_flush(struct tlb_views *v, struct tlb *t) {
    const uint32_t old = t->lines;
    tlb_flush(t);
    v->lines -= old - t->lines;
    if (old > KEPT && t->lines < old) os_discard(t->line + t->lines, (old - t->lines) * sizeof *t->line);
    t->live = true;
}

/* A bank that is not in use, or has not been for longest. */
static struct tlb *bank_take(struct tlb_views *v) {
    struct tlb *t = NULL;
    if (v->banks < TLB_BANKS) {
        t = &v->bank[v->banks];
        t->line = v->memory + (size_t)v->banks++ * TLB_LINES_MOST;
        t->lines = TLB_LINES;
        t->most = TLB_LINES_MOST;
        v->lines += TLB_LINES;
        return t;
    }
    for (struct tlb *b = v->bank; b < v->bank + v->banks; b++)
        if (b != v->current && (!t || b->live < t->live || (b->live == t->live && b->last < t->last))) t = b;
    t->used = 0; /* whatever it was used for is over */
    return t;
}

static struct tlb *bank_find(struct tlb_views *v, unsigned view, uint64_t space, bool common) {
    for (struct tlb *b = v->bank; b < v->bank + v->banks; b++)
        if (b->view == view && b->space == space && b->common == common) return b;
    struct tlb *t = bank_take(v);
    t->view = (uint8_t)view;
    t->space = space;
    t->common = common;
    t->live = false;
    return t;
}

struct tlb *tlb_views_select(struct tlb_views *v, unsigned view, uint64_t space, uint64_t common) {
    const bool is_common = common && !(v->apart >> view & 1);
    const uint64_t wanted = is_common ? common : space;
    struct tlb *t = v->now[view];
    if (!t || t->view != view || t->space != wanted || t->common != is_common)
        t = bank_find(v, view, wanted, is_common);
    if (!t->live) bank_flush(v, t);
    t->last = ++v->clock;
    v->space = space;
    return v->now[view] = v->current = t;
}

void tlb_views_fill(struct tlb_views *v, uint64_t address, const struct tlb_page *page) {
    struct tlb *t = v->current;
    if (page->local && t->common) { /* so far everything in it was valid here, and stays so */
        v->apart |= 1u << t->view;
        for (struct tlb *b = v->bank; b < v->bank + v->banks; b++) /* there may be one from before */
            if (b != t && b->view == t->view && b->space == v->space && !b->common) {
                b->live = false;
                b->space = UINT64_MAX;
            }
        t->common = false;
        t->space = v->space;
    }
    t->most = v->lines + t->lines <= LIMIT_TLB_LINES_ALL ? TLB_LINES_MOST : t->lines;
    v->lines -= t->lines;
    tlb_fill(t, address, page);
    v->lines += t->lines;
    if (page->write) v->written[written_hash((uint64_t)(uintptr_t)page->host)] |= 1u << (t - v->bank);
}

static struct tlb *current_again(struct tlb_views *v) {
    if (v->current && !v->current->live) bank_flush(v, v->current);
    return v->current;
}

struct tlb *tlb_views_flush(struct tlb_views *v) {
    for (struct tlb *b = v->bank; b < v->bank + v->banks; b++) b->live = false;
    v->apart = 0;
    return current_again(v);
}

static bool concerns(const struct tlb *b, uint64_t mask, uint64_t bits, bool common) {
    return b->live && (b->common ? common : (b->space & mask) == bits);
}

struct tlb *tlb_views_drop(struct tlb_views *v, uint64_t mask, uint64_t bits, bool common) {
    for (struct tlb *b = v->bank; b < v->bank + v->banks; b++)
        if (concerns(b, mask, bits, common)) b->live = false;
    if (common) v->apart = 0;
    return current_again(v);
}

void tlb_views_drop_page(struct tlb_views *v, uint64_t mask, uint64_t bits, bool common, uint64_t address) {
    for (struct tlb *b = v->bank; b < v->bank + v->banks; b++)
        if (concerns(b, mask, bits, common)) tlb_flush_page(b, address);
}

void tlb_views_revoke_write(struct tlb_views *v, const uint8_t *host) {
    uint32_t *written = &v->written[written_hash((uint64_t)(uintptr_t)host)];
    for (uint32_t left = *written; left; left &= left - 1) {
        struct tlb *t = &v->bank[__builtin_ctz(left)];
        if (!t->live || !revoke(t, (uint64_t)(uintptr_t)host)) *written &= ~(left & -left);
    }
}
