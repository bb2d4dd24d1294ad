/* tree.c - see tree.h. Everything in the format is big-endian and padded to 4 bytes. */
#include "machine/tree.h"
#include <stdio.h>
#include <string.h>

enum { BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, END = 9 };
enum { MAGIC = 0xd00dfeed, HEADER_SIZE = 40, RESERVATIONS_SIZE = 16, VERSION = 17, COMPATIBLE_VERSION = 16 };

static void put_word(uint8_t *to, uint32_t v) {
    for (unsigned i = 0; i < 4; i++) to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void add(struct tree *t, const void *bytes, size_t size) {
    size_t padded = (size + 3) & ~(size_t)3;
    if (padded > TREE_BLOCK - t->structure_size) {
        t->full = true;
        return;
    }
    if (size) memcpy(t->structure + t->structure_size, bytes, size);
    memset(t->structure + t->structure_size + size, 0, padded - size);
    t->structure_size += (uint32_t)padded;
}

static void add_word(struct tree *t, uint32_t v) {
    uint8_t bytes[4];
    put_word(bytes, v);
    add(t, bytes, sizeof bytes);
}

/** The offset of a property's name among the names. */
static uint32_t name_offset(struct tree *t, const char *name) {
    size_t size = strlen(name) + 1;
    for (uint32_t at = 0; at < t->names_size; at += (uint32_t)strlen(t->names + at) + 1)
        if (!strcmp(t->names + at, name)) return at;
    if (size > TREE_NAMES - t->names_size) {
        t->full = true;
        return 0;
    }
    memcpy(t->names + t->names_size, name, size);
    t->names_size += (uint32_t)size;
    return t->names_size - (uint32_t)size;
}

void tree_open(struct tree *t, const char *name) {
    add_word(t, BEGIN_NODE);
    add(t, name, strlen(name) + 1);
}

void tree_open_at(struct tree *t, const char *name, uint64_t address) {
    char text[64];
    snprintf(text, sizeof text, "%s@%llx", name, (unsigned long long)address);
    tree_open(t, text);
}

void tree_close(struct tree *t) {
    add_word(t, END_NODE);
}

void tree_bytes(struct tree *t, const char *name, const void *bytes, size_t size) {
    add_word(t, PROPERTY);
    add_word(t, (uint32_t)size);
    add_word(t, name_offset(t, name));
    add(t, bytes, size);
}

void tree_flag(struct tree *t, const char *name) {
    tree_bytes(t, name, "", 0);
}

void tree_text(struct tree *t, const char *name, const char *text) {
    tree_bytes(t, name, text, strlen(text) + 1);
}

void tree_texts(struct tree *t, const char *name, const char *texts) {
    char list[128];
    size_t size = strlen(texts) + 1;
    if (size > sizeof list) {
        t->full = true;
        return;
    }
    for (size_t i = 0; i < size; i++) list[i] = texts[i] == ' ' ? 0 : texts[i];
    tree_bytes(t, name, list, size);
}

void tree_cells(struct tree *t, const char *name, const uint32_t *cells, unsigned count) {
    add_word(t, PROPERTY);
    add_word(t, count * 4);
    add_word(t, name_offset(t, name));
    for (unsigned i = 0; i < count; i++) add_word(t, cells[i]);
}

void tree_cell(struct tree *t, const char *name, uint32_t cell) {
    tree_cells(t, name, &cell, 1);
}

void tree_address(struct tree *t, const char *name, uint64_t address) {
    const uint32_t cells[] = {(uint32_t)(address >> 32), (uint32_t)address};
    tree_cells(t, name, cells, 2);
}

void tree_range(struct tree *t, const char *name, uint64_t address, uint64_t size) {
    const uint32_t cells[] = {(uint32_t)(address >> 32), (uint32_t)address, (uint32_t)(size >> 32), (uint32_t)size};
    tree_cells(t, name, cells, 4);
}

size_t tree_finish(struct tree *t, uint8_t *to) {
    add_word(t, END);
    if (t->full) return 0;
    uint32_t structure = HEADER_SIZE + RESERVATIONS_SIZE, names = structure + t->structure_size;
    uint32_t total = (names + t->names_size + 7) & ~7u;
    const uint32_t header[] = {MAGIC,
                               total,
                               structure,
                               names,
                               HEADER_SIZE,
                               VERSION,
                               COMPATIBLE_VERSION,
                               0 /* the hart that boots */,
                               t->names_size,
                               t->structure_size};
    memset(to, 0, total);
    for (unsigned i = 0; i < sizeof header / sizeof *header; i++) put_word(to + 4 * i, header[i]);
    memcpy(to + structure, t->structure, t->structure_size);
    memcpy(to + names, t->names, t->names_size);
    return total;
}
