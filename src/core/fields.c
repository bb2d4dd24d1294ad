/* fields.c - walking declared state. */
#include "core/fields.h"
#include <string.h>

uint64_t field_get(const void *object, const struct field *f, unsigned index) {
    const unsigned char *p = (const unsigned char *)object + f->offset + (size_t)index * f->size;
    uint64_t v = 0;
    memcpy(&v, p, f->size); /* little-endian hosts only, as all of vee's are */
    return v;
}

void field_set(void *object, const struct field *f, unsigned index, uint64_t value) {
    memcpy((unsigned char *)object + f->offset + (size_t)index * f->size, &value, f->size);
}

void fields_reset(void *object, const struct field *fields, unsigned count) {
    for (const struct field *f = fields; count--; f++)
        for (unsigned i = 0; f->kind == FIELD_NUMBERS && i < f->count; i++) field_set(object, f, i, f->reset);
}

const struct field *field_find(const struct field *fields, unsigned count, const char *name) {
    for (const struct field *f = fields; count--; f++)
        if (!strcmp(f->name, name)) return f;
    return NULL;
}
