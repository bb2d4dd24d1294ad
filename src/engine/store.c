/* store.c - translations of an image as bytes that are kept outside, and taken in by another run page by page.
 *
 * An image is a range of guest addresses whose code came from a file and does not change. For each of its pages there
 * is a piece: the units of that page, with the bytes that they came from, their links, relocations and host code;
 * offsets count from the piece's first byte of code. Within a page units lead straight to each other; whatever leads
 * elsewhere leads to its stub, and inline caches are empty. An index of the pages stands in front.
 *
 * Bytes that are offered stay where they are. When a page's code is first looked for and there is a piece for it, the
 * piece goes to the end of the cache, is relocated there, and its units are units like any other. It is taken in whole
 * or not at all, and only where the page holds the bytes that all of it came from. Nobody here asks whether it may be
 * trusted: it is executed, so whoever keeps it has to see to that. Sums over index and pieces find damage.
 */
#include "engine/internal.h"
#include "base/os.h"
#include "base/sort.h"
#include <string.h>
#include <xxhash.h>

static const char store_magic[8] = "veecode3";
enum { PAGE = 1 << TLB_PAGE_SHIFT, NONE = UINT32_MAX };
static const uint64_t store_most = 256 << 20; /* bytes of one image */

struct stored {
    char magic[8];
    uint64_t sum; /* of what follows, the index included */
    uint64_t start, end;
    uint32_t npages, nunits;
    uint64_t padding; /* to 16 bytes */
};
struct stored_page {
    uint64_t number; /* address / PAGE; ascending */
    uint64_t sum;    /* XXH3 of the piece */
    uint64_t at;     /* of the piece, from the start; aligned to 16 */
    uint32_t nunits, units_size, nlinks, nrelocs, code_size, padding;
    /* the piece: units, each padded to 16 bytes; links; relocations, padded to 16; code */
};

/** What is offered for an image. */
struct code_source {
    struct code_source *next;
    const struct stored *data;
    size_t size;
};

static size_t padded(size_t size) {
    return (size + 15) & ~(size_t)15;
}

/** A piece's parts. */
struct piece {
    uint8_t *units;
    struct code_link *links;
    uint32_t *relocs;
    uint8_t *code;
};
static uint64_t piece_size(const struct stored_page *p) {
    return (uint64_t)p->units_size + (uint64_t)p->nlinks * sizeof(struct code_link) +
           padded(p->nrelocs * sizeof(uint32_t)) + p->code_size;
}
static struct piece piece_at(uint8_t *at, const struct stored_page *p) {
    struct piece s = {.units = at};
    s.links = (struct code_link *)(at + p->units_size);
    s.relocs = (uint32_t *)(s.links + p->nlinks);
    s.code = (uint8_t *)s.relocs + padded(p->nrelocs * sizeof(uint32_t));
    return s;
}
static const struct stored_page *pages_of(const struct stored *s) {
    return (const struct stored_page *)(s + 1);
}
static uint64_t head_size(const struct stored *s) {
    return sizeof *s + s->npages * sizeof(struct stored_page);
}
static uint64_t sum_of(const struct stored *s) {
    return XXH3_64bits(&s->start, head_size(s) - offsetof(struct stored, start));
}
static bool well_formed(const struct stored *s, size_t size) {
    return size >= sizeof *s && !memcmp(s->magic, store_magic, sizeof store_magic) && head_size(s) <= size &&
           s->sum == sum_of(s);
}

static const struct stored_page *page_in(const struct stored *s, uint64_t number) {
    const struct stored_page *pages = pages_of(s);
    uint32_t low = 0, high = s->npages;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (pages[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return low < s->npages && pages[low].number == number ? &pages[low] : NULL;
}

static bool may_store(const struct engine *e, const struct cpu *cpu) {
    const struct engine_config *c = &e->config;
    for (unsigned k = 0; k < MEM_SPACES; k++)
        if (cpu->mem[k].kind == MEM_SOFT) return false;
    return e->host && e->host->relocate && !c->counted && !c->one_block && !c->random_flush && !c->poll_always &&
           !c->log && !c->one_insn && !e->perf && e->guest->explicit_coherence && c->interface->read_code;
}

uint64_t engine_code_variant(const struct engine *e, const struct cpu *cpu) {
    uint64_t words[2 + 2 * MEM_SPACES] = {0};
    if (!may_store(e, cpu)) return 0;
    words[0] = e->host->variant();
    words[1] = sizeof(struct unit) << 32 | e->guest->cpu_size;
    for (unsigned k = 0; k < MEM_SPACES; k++) {
        words[2 + 2 * k] = cpu->mem[k].kind;
        words[3 + 2 * k] = cpu->mem[k].limit;
    }
    return XXH3_64bits(words, sizeof words) | 1;
}

/* ---- taking in */

uint32_t engine_code_offer(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t end, const void *data,
                           size_t size) {
    const struct stored *s = data;
    if (!may_store(e, cpu) || !well_formed(s, size) || s->start != start || s->end != end) return 0;
    struct code_source *source = arena_alloc(&e->lasting, sizeof *source);
    if (!source) return 0;
    *source = (struct code_source){e->sources, s, size};
    e->sources = source;
    return s->nunits;
}

static bool piece_is_sound(const struct code_source *s, const struct stored_page *p, const uint8_t *piece) {
    return p->at <= s->size && piece_size(p) <= s->size - p->at && p->sum == XXH3_64bits(piece, piece_size(p));
}

/* In a piece `page` is the size of what a unit has behind it. */
static size_t unit_size(const struct unit *u) {
    return padded(sizeof *u + u->page);
}

/* Does the page hold the bytes that every unit came from? */
static bool piece_fits(struct engine *e, const struct stored_page *p, const uint8_t *units,
                       const struct code_page *page) {
    struct code_now now;
    code_read(e, page, &now);
    for (uint32_t i = 0; i < p->nunits; i++) {
        const struct unit *u = (const struct unit *)units;
        if (unit_differs(u, page, &now)) return false;
        units += unit_size(u);
    }
    return true;
}

static bool piece_take(struct engine *e, const struct code_source *s, const struct stored_page *p,
                       struct code_page *page) {
    const struct piece from = piece_at((uint8_t *)(uintptr_t)s->data + p->at, p);
    if (!piece_is_sound(s, p, from.units) || !piece_fits(e, p, from.units, page)) return false;
    if (e->cache_at > e->cache_size || p->code_size > e->cache_size - e->cache_at) return false;
    if (!links_room(e, p->nlinks) || !relocs_room(e, p->nrelocs) || !by_address_room(e, p->nunits)) return false;
    uint8_t *units = arena_alloc_raw(&e->arena, p->units_size);
    if (!units) return false;
    /* From here on nothing fails. */
    const uint32_t at = e->cache_at;
    memcpy(e->write + at, from.code, p->code_size);
    e->host->relocate(e->write + at, from.relocs, p->nrelocs, at, e->nlinks);
    for (uint32_t i = 0; i < p->nrelocs; i++) e->relocs[e->nrelocs + i] = from.relocs[i] + at;
    for (uint32_t i = 0; i < p->nlinks; i++) {
        struct code_link *l = &e->links[e->nlinks + i];
        *l = from.links[i];
        l->patch += at;
        l->stub += at;
        if (l->cell) e->host->empty_cell(e->write, l->patch, (uint64_t)(uintptr_t)e->execute);
    }
    e->nrelocs += p->nrelocs;
    e->nlinks += p->nlinks;
    memcpy(units, from.units, p->units_size);
    for (uint32_t i = 0; i < p->nunits; i++) {
        struct unit *u = (struct unit *)units;
        units += unit_size(u);
        u->page = page->page;
        u->poll_entry += at;
        u->entry += at;
        u->lookup += at;
        u->end += at;
        u->ready = true;
        unit_insert(e, u, page);
        unit_publish(e, u);
        unit_replaces(e, u);
    }
    e->cache_at = (at + p->code_size + 15) & ~15u;
    e->stats.loaded += p->nunits;
    return true;
}

bool sources_take(struct engine *e, uint64_t pc, const struct fetch *f) {
    struct code_page *page = page_ready(e, pc, f);
    bool any = false;
    if (!page || page->looked) return false;
    page->looked = true; /* whatever comes of it; another time it would be the same */
    for (const struct code_source *s = e->sources; s && !any; s = s->next) {
        if (pc < s->data->start || pc >= s->data->end) continue;
        const struct stored_page *p = page_in(s->data, pc / PAGE);
        any = p && piece_take(e, s, p, page);
    }
    return any;
}

/* ---- giving out */

/* Of a unit's bytes and marks. */
static uint32_t data_size(const struct unit *u) {
    const uint8_t *p = unit_marks(u);
    for (unsigned i = 0; i < 2u * u->ninsns; i++) mark_take(&p);
    return (uint32_t)(p - u->data);
}

/** A unit that is kept: its page, and which of by_address it is. */
struct chosen {
    uint64_t number;
    uint32_t index;
};

struct saving {
    struct engine *e;
    uint64_t start, end;
    const struct code_page *page; /* that `now` is of */
    struct code_now now;
    struct chosen *chosen; /* by page */
    uint32_t nchosen;
    uint32_t *to; /* for each unit of by_address its new offset in its piece, or NONE */
    uint8_t *out;
    uint64_t size, room;
};

/* Is what the unit came from still there, unchanged, within the image? */
static bool keeps(struct saving *s, const struct unit *u) {
    if (u->stale || u->held || u->checks || u->crosses || u->ctx & (CTX_COUNTED | CTX_TRACED)) return false;
    if (u->pc < s->start || u->pc + u->bytes > s->end) return false;
    const struct code_page *page = page_find(s->e, u->page);
    if (page && page != s->page) code_read(s->e, page, &s->now);
    s->page = page;
    return page && !unit_differs(u, page, &s->now);
}

static int by_page(const void *a, const void *b) {
    const struct chosen *p = a, *q = b;
    if (p->number != q->number) return p->number < q->number ? -1 : 1;
    return p->index < q->index ? -1 : p->index > q->index;
}

static void choose(struct saving *s) {
    struct engine *e = s->e;
    uint32_t at = 0;
    for (uint32_t i = 0; i < e->nby; i++) {
        s->to[i] = NONE;
        if (keeps(s, e->by_address[i])) s->chosen[s->nchosen++] = (struct chosen){e->by_address[i]->pc / PAGE, i};
    }
    sort(s->chosen, s->nchosen, sizeof *s->chosen, by_page);
    for (uint32_t n = 0; n < s->nchosen; n++) {
        const struct unit *u = e->by_address[s->chosen[n].index];
        if (n && s->chosen[n].number != s->chosen[n - 1].number) at = 0;
        s->to[s->chosen[n].index] = at;
        at += (u->end - u->poll_entry + 15) & ~15u;
    }
}

uint32_t engine_code_new(const struct engine *e, uint64_t start, uint64_t end) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->nby; i++) {
        const struct unit *u = e->by_address[i];
        n += !u->stale && !u->kept && !u->crosses && u->pc >= start && u->pc < end;
    }
    return n;
}

/* Relocations, links and units are in order of address, but for the order within one unit: of n, the first that is at
   or above a position where a unit begins or ends. */
typedef uint32_t position_of(const struct engine *e, uint32_t index);
static uint32_t first_from(const struct engine *e, uint32_t n, position_of *position_at, uint32_t position) {
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (position_at(e, mid) < position)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}
static uint32_t reloc_at(const struct engine *e, uint32_t i) {
    return e->relocs[i] & ~RELOC_LINK;
}
static uint32_t link_at(const struct engine *e, uint32_t i) {
    return e->links[i].stub;
}
static uint32_t entry_at(const struct engine *e, uint32_t i) {
    return e->by_address[i]->poll_entry;
}
static uint32_t reloc_from(const struct engine *e, uint32_t position) {
    return first_from(e, e->nrelocs, reloc_at, position);
}
static uint32_t link_from(const struct engine *e, uint32_t position) {
    return first_from(e, e->nlinks, link_at, position);
}
static uint32_t index_of(const struct engine *e, const struct unit *u) {
    return first_from(e, e->nby, entry_at, u->poll_entry);
}

/* Where a link leads in the piece: to another unit of it, or to its own stub. */
static uint32_t link_target(const struct saving *s, const struct unit *from, const struct code_link *l, uint32_t stub) {
    if ((l->target_pc ^ from->pc) / PAGE) return stub;
    const struct unit *u = unit_find(s->e, l->target_pc, from->page, from->ctx);
    uint32_t to = u ? s->to[index_of(s->e, u)] : NONE;
    return to == NONE ? stub : to + (l->back ? u->poll_entry : u->entry) - u->poll_entry;
}

/* Adds a unit to a piece that has room for it; *p says how much of each part there is already. */
static void unit_put(const struct saving *s, uint32_t index, struct piece *o, struct stored_page *p) {
    struct engine *e = s->e;
    const struct unit *u = e->by_address[index];
    const uint32_t to = s->to[index], moved = to - u->poll_entry, data = data_size(u), first = p->nrelocs;
    const uint32_t first_link = link_from(e, u->poll_entry), links = p->nlinks - first_link;
    struct unit *copy = (struct unit *)(o->units + p->units_size);
    memcpy(copy, u, sizeof *u + data);
    copy->next = copy->page_next = NULL;
    copy->page = data;
    copy->kept = true;
    copy->poll_entry += moved;
    copy->entry += moved;
    copy->lookup += moved;
    copy->end += moved;
    p->units_size += (uint32_t)unit_size(copy);
    p->nunits++;
    memcpy(o->code + to, e->write + u->poll_entry, u->end - u->poll_entry);
    for (uint32_t k = reloc_from(e, u->poll_entry); k < e->nrelocs && reloc_at(e, k) < u->end; k++)
        o->relocs[p->nrelocs++] = e->relocs[k] + moved;
    e->host->relocate(o->code, o->relocs + first, p->nrelocs - first, moved, links);
    for (uint32_t k = first_link; k < e->nlinks && e->links[k].stub < u->end; k++) {
        struct code_link *l = &o->links[p->nlinks++];
        *l = e->links[k];
        l->patch += moved;
        l->stub += moved;
        if (!l->cell)
            e->host->patch(o->code, l->patch, link_target(s, u, l, l->stub));
        else
            e->host->empty_cell(o->code, l->patch, 0);
    }
    p->code_size = to + ((u->end - u->poll_entry + 15) & ~15u);
}

/* Room at the end of what is written, zeroed. */
static uint8_t *room_take(struct saving *s, uint64_t size) {
    if (s->size + size > store_most) return NULL;
    if (s->size + size > s->room) {
        uint64_t room = (s->size + size) * 2;
        uint8_t *more = os_alloc(room);
        if (!more) return NULL;
        if (s->size) memcpy(more, s->out, s->size);
        os_free(s->out);
        s->out = more;
        s->room = room;
    }
    memset(s->out + s->size, 0, size);
    s->size += size;
    return s->out + s->size - size;
}

/* Writes the piece of the chosen units [from, to), which are of one page. */
static bool piece_put(struct saving *s, uint32_t from, uint32_t to, struct stored_page *p) {
    const struct engine *e = s->e;
    struct stored_page need = {.number = s->chosen[from].number, .at = s->size};
    for (uint32_t n = from; n < to; n++) {
        const struct unit *u = e->by_address[s->chosen[n].index];
        need.units_size += (uint32_t)padded(sizeof *u + data_size(u));
        need.nlinks += link_from(e, u->end) - link_from(e, u->poll_entry);
        need.nrelocs += reloc_from(e, u->end) - reloc_from(e, u->poll_entry);
        need.code_size = s->to[s->chosen[n].index] + ((u->end - u->poll_entry + 15) & ~15u);
    }
    uint8_t *at = room_take(s, piece_size(&need));
    if (!at) return false;
    struct piece o = piece_at(at, &need);
    *p = (struct stored_page){.number = need.number, .at = need.at};
    for (uint32_t n = from; n < to; n++) unit_put(s, s->chosen[n].index, &o, p);
    p->sum = XXH3_64bits(at, piece_size(p));
    return true;
}

/* Copies a piece of what was kept before. */
static bool piece_copy(struct saving *s, const struct code_source *before, const struct stored_page *old,
                       struct stored_page *p) {
    const uint8_t *from = (const uint8_t *)before->data + old->at;
    if (!piece_is_sound(before, old, from)) return true; /* it is left out */
    uint64_t at = s->size;
    uint8_t *to = room_take(s, piece_size(old));
    if (!to) return false;
    memcpy(to, from, piece_size(old));
    *p = *old;
    p->at = at;
    return true;
}

/* Goes over both lists of pages in order. Of a page that is in both, the piece with more units stays. */
static uint32_t pages_put(struct saving *s, const struct code_source *before, struct stored_page *pages) {
    const struct stored_page *old = before->data ? pages_of(before->data) : NULL,
                             *old_end = old ? old + before->data->npages : NULL;
    uint32_t npages = 0;
    for (uint32_t n = 0, end; n < s->nchosen || old < old_end; n = end) {
        const uint64_t mine = n < s->nchosen ? s->chosen[n].number : UINT64_MAX;
        const uint64_t theirs = old < old_end ? old->number : UINT64_MAX;
        for (end = n; end < s->nchosen && s->chosen[end].number == mine && mine <= theirs; end++) continue;
        struct stored_page *p = &pages[npages];
        p->nunits = 0;
        bool keep_old = theirs < mine || (theirs == mine && old->nunits > end - n);
        if (!(keep_old ? piece_copy(s, before, old, p) : piece_put(s, n, end, p))) return 0;
        if (theirs <= mine) old++;
        npages += p->nunits != 0;
    }
    return npages;
}

/* How many pages there are in both lists together, each counted once. */
static uint32_t pages_count(const struct saving *s, const struct stored *before) {
    uint32_t n = before ? before->npages : 0;
    for (uint32_t i = 0; i < s->nchosen; i++) {
        const uint64_t number = s->chosen[i].number;
        n += (!i || number != s->chosen[i - 1].number) && !(before && page_in(before, number));
    }
    return n;
}

void *engine_code_save(struct engine *e, struct cpu *cpu, uint64_t start, uint64_t end, const void *before,
                       size_t before_size, size_t *size) {
    struct saving s = {.e = e, .start = start, .end = end};
    struct code_source old = {.data = before, .size = before_size};
    if (!may_store(e, cpu) || !e->nby) return NULL;
    if (before && (!well_formed(before, before_size) || old.data->start != start || old.data->end != end))
        old.data = NULL;
    s.to = os_alloc(e->nby * sizeof *s.to);
    s.chosen = os_alloc(e->nby * sizeof *s.chosen);
    struct stored_page *pages = NULL;
    bool ok = s.to && s.chosen;
    if (ok) {
        choose(&s);
        const uint32_t most = pages_count(&s, old.data);
        struct stored head = {.start = start, .end = end, .npages = most};
        pages = os_alloc((most + 1) * sizeof *pages);
        ok = s.nchosen && pages && room_take(&s, head_size(&head)) && (head.npages = pages_put(&s, &old, pages)) != 0;
        for (uint32_t i = 0; ok && i < head.npages; i++) head.nunits += pages[i].nunits;
        if (ok) { /* the index is shorter than the room for it if something was damaged */
            struct stored *to = (struct stored *)s.out;
            memcpy(head.magic, store_magic, sizeof store_magic);
            *to = head;
            memcpy(to + 1, pages, head.npages * sizeof *pages);
            to->sum = sum_of(to);
        }
    }
    os_free(pages);
    os_free(s.to);
    os_free(s.chosen);
    if (!ok) os_free(s.out);
    *size = s.size;
    return ok ? s.out : NULL;
}

uint32_t engine_code_stored(const void *data, size_t size) {
    const struct stored *s = data;
    return well_formed(s, size) ? s->nunits : 0;
}
