/* module.c - reading a module, section by section (core 2.0, chapter 5), and checking all of it but function bodies,
 * which check.c does as the code section comes by.
 */
#include "guest/wasm/module.h"
#include "guest/wasm/check.h"
#include "guest/wasm/frame.h"
#include <stdlib.h>

enum section {
    SECTION_CUSTOM,
    SECTION_TYPE,
    SECTION_IMPORT,
    SECTION_FUNCTION,
    SECTION_TABLE,
    SECTION_MEMORY,
    SECTION_GLOBAL,
    SECTION_EXPORT,
    SECTION_START,
    SECTION_ELEM,
    SECTION_CODE,
    SECTION_DATA,
    SECTION_DATA_COUNT,
    SECTION_COUNT
};

/* What reading needs besides the module itself. */
struct reading {
    struct wasm_reader r;
    struct wasm_module *m;
    struct arena scratch;
    struct checker checker;
    uint32_t ndefined; /* functions that the function section declares */
    bool code_seen;
};

/* An array in the module's arena; a failure is a fault. */
static void *make(struct reading *g, size_t count, size_t size) {
    void *p = arena_alloc(&g->m->arena, count * size + 1);
    if (!p && !g->r.failed) {
        error_set(g->r.error, ERROR_RESOURCES, "%s: no memory for the module", g->r.file);
        g->r.failed = true;
    }
    return p;
}

static uint32_t count_items(struct reading *g, unsigned item, const char *what, uint32_t already, uint32_t max) {
    size_t at = g->r.at;
    uint32_t n = read_count(&g->r, item, what);
    if (n > max || already > max - n) {
        wasm_fault(&g->r, at, "more than %u %s are not supported", max, what);
        return 0;
    }
    return n;
}

/* Makes room for n more items of an index space that starts with imports. */
static void *extend(struct reading *g, void *old, uint32_t count, uint32_t n, size_t size) {
    uint8_t *p = make(g, (size_t)count + n, size);
    if (p && old) memcpy(p, old, count * size);
    return p;
}

/* ---- parts that several sections share */

static uint8_t read_value_type(struct reading *g) {
    size_t at = g->r.at;
    uint8_t type = read_byte(&g->r);
    if (type == 0x7b && !g->r.failed) wasm_fault(&g->r, at, "SIMD (v128) is not supported");
    if (!wasm_is_value_type(type)) wasm_fault(&g->r, at, "0x%02x is not a value type", type);
    return type;
}

static uint8_t read_reference_type(struct reading *g) {
    size_t at = g->r.at;
    uint8_t type = read_byte(&g->r);
    if (type != WASM_FUNCREF && type != WASM_EXTERNREF) wasm_fault(&g->r, at, "malformed reference type 0x%02x", type);
    return type;
}

static struct wasm_limits read_limits(struct reading *g, uint32_t max, const char *what) {
    struct wasm_limits l = {0};
    size_t at = g->r.at;
    uint8_t flags = read_byte(&g->r);
    if (flags > 1) {
        wasm_fault(&g->r, at, "malformed limits flags 0x%02x (shared and 64-bit ones are not supported)", flags);
        return l;
    }
    l.has_max = flags & 1;
    l.min = read_u32(&g->r);
    l.max = l.has_max ? read_u32(&g->r) : max;
    if (l.has_max && l.min > l.max) wasm_fault(&g->r, at, "size minimum must not be greater than maximum");
    if (l.min > max || (l.has_max && l.max > max && max == WASM_MAX_PAGES))
        wasm_fault(&g->r, at, "%s size must be at most %u", what, max);
    if (l.max > max) l.max = max;
    return l;
}

static struct wasm_table_type read_table_type(struct reading *g) {
    uint8_t type = read_reference_type(g);
    return (struct wasm_table_type){.type = type, .limits = read_limits(g, WASM_MAX_ELEMENTS, "table")};
}

static struct wasm_global_type read_global_type(struct reading *g) {
    uint8_t type = read_value_type(g);
    size_t at = g->r.at;
    uint8_t flag = read_byte(&g->r);
    if (flag > 1) wasm_fault(&g->r, at, "malformed mutability");
    return (struct wasm_global_type){.type = type, .is_mutable = flag == 1};
}

/* The index, read at `at`, if there is such a thing; else a fault and 0. */
static uint32_t index_below(struct reading *g, size_t at, uint32_t index, uint32_t count, const char *what) {
    if (!g->r.failed && index >= count) wasm_fault(&g->r, at, "unknown %s %u", what, index);
    return g->r.failed ? 0 : index;
}

static uint32_t read_index(struct reading *g, uint32_t count, const char *what) {
    const size_t at = g->r.at;
    return index_below(g, at, read_u32(&g->r), count, what);
}

/* One that is written only if it need not be 0. */
static uint32_t read_index_if(struct reading *g, bool written, uint32_t count, const char *what) {
    const size_t at = g->r.at;
    return index_below(g, at, written ? read_u32(&g->r) : 0, count, what);
}

/* A function that is named outside of code, which references may be made of. */
static void note_reference(struct reading *g, uint32_t function) {
    if (!g->r.failed) g->m->referenced[function] = 1;
}

static void require(struct reading *g, size_t at, uint8_t got, uint8_t wanted) {
    if (!g->r.failed && got != wanted)
        wasm_fault(&g->r, at, "type mismatch: expected %s but got %s", wasm_type_name(wanted), wasm_type_name(got));
}

/* One constant instruction and `end` (core 2.0, 3.3.8.2); yields a value of the wanted type. */
static struct wasm_init read_init(struct reading *g, uint8_t wanted) {
    struct wasm_module *m = g->m;
    struct wasm_init init = {0};
    struct wasm_insn i, end;
    size_t at = g->r.at;
    if (!wasm_decode(&g->r, &i)) return init;
    init.value = i.value;
    switch (i.row) {
    case ROW_i32_const:
    case ROW_i64_const:
    case ROW_f32_const:
    case ROW_f64_const: require(g, at, wasm_rows[i.row].results[0], wanted); break;
    case ROW_ref_null: require(g, at, (uint8_t)i.index[0], wanted); break;
    case ROW_ref_func:
        require(g, at, WASM_FUNCREF, wanted);
        init = (struct wasm_init){INIT_FUNCTION, index_below(g, at, i.index[0], m->nfunctions, "function")};
        note_reference(g, (uint32_t)init.value);
        break;
    case ROW_global_get:
        init = (struct wasm_init){INIT_GLOBAL, i.index[0]};
        if (i.index[0] >= m->nimported[WASM_GLOBAL])
            wasm_fault(&g->r, at, "unknown global %u (constants may use imported ones)", i.index[0]);
        else if (m->globals[i.index[0]].is_mutable)
            wasm_fault(&g->r, at, "constant expression required, global %u is mutable", i.index[0]);
        else
            require(g, at, m->globals[i.index[0]].type, wanted);
        break;
    case ROW_end: wasm_fault(&g->r, at, "type mismatch: constant expression is empty"); break;
    default: wasm_fault(&g->r, at, "constant expression required, found %s", wasm_rows[i.row].name); break;
    }
    at = g->r.at;
    if (!g->r.failed && wasm_decode(&g->r, &end) && end.row != ROW_end)
        wasm_fault(&g->r, at, "constant expression required: one instruction and end");
    return init;
}

/* ---- sections */

static void read_value_types(struct reading *g, const uint8_t **types, uint32_t *count) {
    size_t at = g->r.at;
    *count = read_count(&g->r, 1, "value types");
    *types = g->r.bytes + g->r.at;
    if (*count > WASM_MAX_VALUES) wasm_fault(&g->r, at, "more than %d parameters or results", WASM_MAX_VALUES);
    for (uint32_t n = 0; n < *count && !g->r.failed; n++) read_value_type(g);
}

static void read_types(struct reading *g) {
    struct wasm_module *m = g->m;
    uint32_t n = count_items(g, 3, "types", 0, WASM_MAX_TYPES);
    m->types = make(g, n, sizeof *m->types);
    for (m->ntypes = 0; m->ntypes < n && !g->r.failed; m->ntypes++) {
        struct wasm_type_info *t = &m->types[m->ntypes];
        size_t at = g->r.at;
        uint8_t form = read_byte(&g->r);
        if (form != 0x60) wasm_fault(&g->r, at, "0x%02x is not a function type", form);
        read_value_types(g, &t->params, &t->nparams);
        read_value_types(g, &t->results, &t->nresults);
    }
}

static void read_import(struct reading *g, struct wasm_import *import) {
    struct wasm_module *m = g->m;
    import->module = read_name(&g->r);
    import->name = read_name(&g->r);
    size_t at = g->r.at;
    uint8_t kind = read_byte(&g->r);
    if (kind > WASM_GLOBAL) {
        wasm_fault(&g->r, at, "malformed import kind 0x%02x", kind);
        return;
    }
    import->kind = kind;
    import->index = m->nimported[kind]++;
    switch (import->kind) {
    case WASM_FUNCTION:
        m->functions[m->nfunctions++] = (struct wasm_function){.type = read_index(g, m->ntypes, "type")};
        break;
    case WASM_TABLE: m->tables[m->ntables++] = read_table_type(g); break;
    case WASM_MEMORY: m->memories[m->nmemories++] = read_limits(g, WASM_MAX_PAGES, "memory"); break;
    case WASM_GLOBAL: m->globals[m->nglobals++] = read_global_type(g); break;
    }
}

static void read_imports(struct reading *g) {
    struct wasm_module *m = g->m;
    uint32_t n = count_items(g, 4, "imports", 0, WASM_MAX_ITEMS);
    m->imports = make(g, n, sizeof *m->imports);
    m->functions = make(g, n, sizeof *m->functions);
    m->tables = make(g, n, sizeof *m->tables);
    m->memories = make(g, n, sizeof *m->memories);
    m->globals = make(g, n, sizeof *m->globals);
    for (m->nimports = 0; m->nimports < n && !g->r.failed; m->nimports++) read_import(g, &m->imports[m->nimports]);
}

static void read_functions(struct reading *g) {
    struct wasm_module *m = g->m;
    uint32_t n = count_items(g, 1, "functions", m->nfunctions, WASM_MAX_ITEMS);
    m->functions = extend(g, m->functions, m->nfunctions, n, sizeof *m->functions);
    for (g->ndefined = 0; g->ndefined < n && !g->r.failed; g->ndefined++)
        m->functions[m->nfunctions++] = (struct wasm_function){.type = read_index(g, m->ntypes, "type")};
}

static void read_tables(struct reading *g) {
    struct wasm_module *m = g->m;
    uint32_t n = count_items(g, 3, "tables", m->ntables, WASM_MAX_TABLES);
    m->tables = extend(g, m->tables, m->ntables, n, sizeof *m->tables);
    for (uint32_t k = 0; k < n && !g->r.failed; k++) m->tables[m->ntables++] = read_table_type(g);
}

static void read_memories(struct reading *g) {
    struct wasm_module *m = g->m;
    uint32_t n = count_items(g, 2, "memories", m->nmemories, WASM_MAX_ITEMS);
    m->memories = extend(g, m->memories, m->nmemories, n, sizeof *m->memories);
    for (uint32_t k = 0; k < n && !g->r.failed; k++)
        m->memories[m->nmemories++] = read_limits(g, WASM_MAX_PAGES, "memory");
}

static void read_globals(struct reading *g) {
    struct wasm_module *m = g->m;
    uint32_t n = count_items(g, 4, "globals", m->nglobals, WASM_MAX_ITEMS);
    m->globals = extend(g, m->globals, m->nglobals, n, sizeof *m->globals);
    m->global_inits = make(g, n, sizeof *m->global_inits);
    for (uint32_t k = 0; k < n && !g->r.failed; k++) {
        struct wasm_global_type type = read_global_type(g);
        m->global_inits[k] = read_init(g, type.type);
        m->globals[m->nglobals++] = type;
    }
}

static int compare_names(const void *a, const void *b) {
    const struct wasm_export *x = *(const struct wasm_export *const *)a, *y = *(const struct wasm_export *const *)b;
    uint32_t n = x->name.length < y->name.length ? x->name.length : y->name.length;
    int c = memcmp(x->name.text, y->name.text, n);
    return c ? c : (x->name.length > y->name.length) - (x->name.length < y->name.length);
}

static void check_export_names(struct reading *g, size_t at) {
    struct wasm_module *m = g->m;
    const struct wasm_export **sorted = arena_alloc(&g->scratch, m->nexports * sizeof(struct wasm_export *) + 1);
    if (!sorted) {
        error_set(g->r.error, ERROR_RESOURCES, "%s: no memory", g->r.file);
        g->r.failed = true;
        return;
    }
    for (uint32_t k = 0; k < m->nexports; k++) sorted[k] = &m->exports[k];
    qsort(sorted, m->nexports, sizeof(struct wasm_export *), compare_names);
    for (uint32_t k = 1; k < m->nexports; k++)
        if (!compare_names(&sorted[k - 1], &sorted[k]))
            wasm_fault(&g->r, at, "duplicate export name '%.*s'",
                       (int)(sorted[k]->name.length < 64 ? sorted[k]->name.length : 64), sorted[k]->name.text);
}

static void read_exports(struct reading *g) {
    struct wasm_module *m = g->m;
    size_t start = g->r.at;
    const uint32_t counts[] = {m->nfunctions, m->ntables, m->nmemories, m->nglobals};
    static const char *const names[] = {"function", "table", "memory", "global"};
    uint32_t n = count_items(g, 3, "exports", 0, WASM_MAX_ITEMS);
    m->exports = make(g, n, sizeof *m->exports);
    for (m->nexports = 0; m->nexports < n && !g->r.failed; m->nexports++) {
        struct wasm_export *e = &m->exports[m->nexports];
        e->name = read_name(&g->r);
        size_t at = g->r.at;
        uint8_t kind = read_byte(&g->r);
        if (kind > WASM_GLOBAL) {
            wasm_fault(&g->r, at, "malformed export kind 0x%02x", kind);
            return;
        }
        e->kind = kind;
        e->index = read_index(g, counts[kind], names[kind]);
        if (kind == WASM_FUNCTION) note_reference(g, e->index);
    }
    if (!g->r.failed) check_export_names(g, start);
}

static void read_start(struct reading *g) {
    struct wasm_module *m = g->m;
    size_t at = g->r.at;
    m->start = read_index(g, m->nfunctions, "function");
    if (g->r.failed) return;
    const struct wasm_type_info *t = &m->types[m->functions[m->start].type];
    if (t->nparams || t->nresults) wasm_fault(&g->r, at, "start function: type mismatch: [] -> [] expected");
}

/* Flags: bit 0 passive or declared, bit 1 explicit table or declared, bit 2 expressions instead of indices. */
static void read_elem(struct reading *g, struct wasm_elem *e) {
    struct wasm_module *m = g->m;
    size_t at = g->r.at;
    uint32_t flags = read_u32(&g->r);
    if (flags > 7) {
        wasm_fault(&g->r, at, "malformed element segment flags %u", flags);
        return;
    }
    e->mode = !(flags & 1) ? SEGMENT_ACTIVE : flags & 2 ? SEGMENT_DECLARED : SEGMENT_PASSIVE;
    e->type = WASM_FUNCREF;
    if (e->mode == SEGMENT_ACTIVE) {
        at = g->r.at;
        e->table = read_index_if(g, flags & 2, m->ntables, "table");
        e->offset = read_init(g, WASM_I32);
    }
    if (flags & 3) {
        at = g->r.at;
        if (flags & 4)
            e->type = read_reference_type(g);
        else if (read_byte(&g->r) != 0)
            wasm_fault(&g->r, at, "malformed element kind");
    }
    if (g->r.failed) return;
    if (e->mode == SEGMENT_ACTIVE) require(g, at, e->type, m->tables[e->table].type);
    uint32_t n = count_items(g, 1, "elements", 0, WASM_MAX_ELEMENTS);
    e->items = make(g, n, sizeof *e->items);
    for (e->count = 0; e->count < n && !g->r.failed; e->count++) {
        if (flags & 4) {
            e->items[e->count] = read_init(g, e->type);
            continue;
        }
        const uint32_t index = read_index(g, m->nfunctions, "function");
        e->items[e->count] = (struct wasm_init){INIT_FUNCTION, index};
        note_reference(g, index);
    }
}

static void read_elems(struct reading *g) {
    struct wasm_module *m = g->m;
    uint32_t n = count_items(g, 2, "element segments", 0, WASM_MAX_ITEMS);
    m->elems = make(g, n, sizeof *m->elems);
    for (m->nelems = 0; m->nelems < n && !g->r.failed; m->nelems++) read_elem(g, &m->elems[m->nelems]);
}

static void read_data(struct reading *g, struct wasm_data *d) {
    size_t at = g->r.at;
    uint32_t flags = read_u32(&g->r);
    if (flags > 2) {
        wasm_fault(&g->r, at, "malformed data segment flags %u", flags);
        return;
    }
    d->mode = flags == 1 ? SEGMENT_PASSIVE : SEGMENT_ACTIVE;
    if (d->mode == SEGMENT_ACTIVE) {
        read_index_if(g, flags == 2, g->m->nmemories, "memory");
        d->offset = read_init(g, WASM_I32);
    }
    d->size = read_u32(&g->r);
    d->bytes = read_bytes(&g->r, d->size);
}

static void read_datas(struct reading *g) {
    struct wasm_module *m = g->m;
    size_t at = g->r.at;
    uint32_t n = count_items(g, 2, "data segments", 0, WASM_MAX_ITEMS);
    if (!g->r.failed && m->data_count != UINT32_MAX && m->data_count != n)
        wasm_fault(&g->r, at, "data count and data section have inconsistent lengths");
    m->datas = make(g, n, sizeof *m->datas);
    for (m->ndatas = 0; m->ndatas < n && !g->r.failed; m->ndatas++) read_data(g, &m->datas[m->ndatas]);
}

/* Local declarations: runs of one type. */
static void read_locals(struct reading *g, struct wasm_function *f) {
    size_t start = g->r.at;
    uint32_t nparams = g->m->types[f->type].nparams;
    uint32_t n = read_count(&g->r, 2, "local declarations"), total = nparams;
    struct wasm_locals *runs = make(g, n, sizeof *runs);
    for (uint32_t k = 0; k < n && !g->r.failed; k++) {
        size_t at = g->r.at;
        uint32_t count = read_u32(&g->r);
        if (count > WASM_MAX_LOCALS - total) {
            wasm_fault(&g->r, at, "too many locals: more than %d", WASM_MAX_LOCALS);
            return;
        }
        total += count;
        runs[k] = (struct wasm_locals){.end = total, .type = read_value_type(g)};
    }
    if (!g->r.failed && g->r.at - start > WASM_MAX_LOCAL_BYTES)
        wasm_fault(&g->r, start, "local declarations of more than %d bytes are not supported", WASM_MAX_LOCAL_BYTES);
    f->locals = runs;
    f->nruns = n;
    f->nlocals = total;
}

static void read_code(struct reading *g) {
    struct wasm_module *m = g->m;
    size_t at = g->r.at, section_end = g->r.end;
    uint32_t n = read_count(&g->r, 1, "function bodies"), first = m->nimported[WASM_FUNCTION];
    g->code_seen = true;
    if (!g->r.failed && n != g->ndefined)
        wasm_fault(&g->r, at, "function and code section have inconsistent lengths: %u and %u", g->ndefined, n);
    for (uint32_t k = 0; k < n && !g->r.failed; k++) {
        struct wasm_function *f = &m->functions[first + k];
        uint32_t size = read_u32(&g->r);
        if (!g->r.failed && size > section_end - g->r.at) wasm_fault(&g->r, g->r.at, "unexpected end of function body");
        if (g->r.failed) return;
        f->entry = (uint32_t)g->r.at;
        f->end = f->entry + size;
        g->r.end = f->end;
        read_locals(g, f);
        f->code = (uint32_t)g->r.at;
        if (!g->r.failed) wasm_check_function(&g->checker, f);
        g->r.end = section_end;
    }
}

static void read_custom(struct reading *g) {
    read_name(&g->r);
    if (!g->r.failed) g->r.at = g->r.end;
}

static void read_data_count(struct reading *g) {
    g->m->data_count = read_u32(&g->r);
}

static void (*const readers[SECTION_COUNT])(struct reading *) = {
    [SECTION_CUSTOM] = read_custom,
    [SECTION_TYPE] = read_types,
    [SECTION_IMPORT] = read_imports,
    [SECTION_FUNCTION] = read_functions,
    [SECTION_TABLE] = read_tables,
    [SECTION_MEMORY] = read_memories,
    [SECTION_GLOBAL] = read_globals,
    [SECTION_EXPORT] = read_exports,
    [SECTION_START] = read_start,
    [SECTION_ELEM] = read_elems,
    [SECTION_CODE] = read_code,
    [SECTION_DATA] = read_datas,
    [SECTION_DATA_COUNT] = read_data_count,
};

/* The place of a section in the order that they must have; the data count comes before the code. */
static unsigned section_order(enum section id) {
    return id == SECTION_DATA_COUNT ? 2 * SECTION_ELEM + 1 : 2 * (unsigned)id;
}

static void read_sections(struct reading *g) {
    size_t file_end = g->r.end;
    unsigned last = 0;
    while (g->r.at < file_end && !g->r.failed) {
        size_t at = g->r.at;
        uint8_t id = read_byte(&g->r);
        uint32_t size = read_u32(&g->r);
        if (g->r.failed) return;
        if (id >= SECTION_COUNT) {
            wasm_fault(&g->r, at, "malformed section id %u", id);
            return;
        }
        if (size > file_end - g->r.at) {
            wasm_fault(&g->r, at, "unexpected end: section %u of %u bytes", id, size);
            return;
        }
        if (id != SECTION_CUSTOM && section_order(id) <= last) {
            wasm_fault(&g->r, at, "section %u is out of order", id);
            return;
        }
        if (id != SECTION_CUSTOM) last = section_order(id);
        if (id > SECTION_FUNCTION && !g->m->referenced) g->m->referenced = make(g, g->m->nfunctions, 1);
        if (g->r.failed) return;
        g->r.end = g->r.at + size;
        readers[id](g);
        if (!g->r.failed && g->r.at != g->r.end) wasm_fault(&g->r, g->r.at, "section size mismatch in section %u", id);
        g->r.end = file_end;
    }
}

static void check_whole(struct reading *g) {
    struct wasm_module *m = g->m;
    if (g->r.failed) return;
    if (g->ndefined && !g->code_seen)
        wasm_fault(&g->r, g->r.end, "function and code section have inconsistent lengths: %u and 0", g->ndefined);
    if (m->nmemories > 1) wasm_fault(&g->r, g->r.end, "multiple memories are not supported");
    if (m->data_count != UINT32_MAX && m->data_count != m->ndatas)
        wasm_fault(&g->r, g->r.end, "data count and data section have inconsistent lengths");
}

struct wasm_module *wasm_module_read(const uint8_t *bytes, size_t size, const char *file, struct error *error) {
    struct wasm_module *m = calloc(1, sizeof *m);
    if (!m) {
        error_set(error, ERROR_RESOURCES, "%s: no memory for the module", file);
        return NULL;
    }
    *m =
        (struct wasm_module){.file = file, .bytes = bytes, .size = size, .start = UINT32_MAX, .data_count = UINT32_MAX};
    arena_init(&m->arena, 64 << 10);
    struct reading g = {.r = {.bytes = bytes, .end = size, .file = file, .error = error}, .m = m};
    arena_init(&g.scratch, 64 << 10);
    g.checker = (struct checker){.module = m, .reader = &g.r, .scratch = &g.scratch};
    if (size > WASM_MAX_FILE)
        wasm_fault(&g.r, 0, "files of more than %d bytes are not supported", WASM_MAX_FILE);
    else if (read_fixed(&g.r, 4) != 0x6d736100 && !g.r.failed)
        wasm_fault(&g.r, 0, "magic header not detected");
    else if (read_fixed(&g.r, 4) != 1 && !g.r.failed)
        wasm_fault(&g.r, 4, "unknown binary version");
    read_sections(&g);
    check_whole(&g);
    arena_done(&g.scratch);
    if (!g.r.failed) return m;
    wasm_module_free(m);
    return NULL;
}

void wasm_module_free(struct wasm_module *m) {
    if (!m) return;
    arena_done(&m->arena);
    free(m);
}
