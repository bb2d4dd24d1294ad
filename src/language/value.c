/* value.c - values as text, by their types. */
#include "language/value.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Decimal or 0x..., from the smallest signed to the largest unsigned value of the width. */
static bool parse_integer(const char *text, unsigned bits, uint64_t *value) {
    char *end;
    bool negative = *text == '-';
    errno = 0;
    if (negative || *text == '+') text++;
    if (*text < '0' || *text > '9') return false;
    uint64_t magnitude = strtoull(text, &end, 0), most = bits == 64 ? UINT64_MAX : UINT32_MAX;
    if (*end || errno || magnitude > (negative ? most / 2 + 1 : most)) return false;
    *value = (negative ? -magnitude : magnitude) & most;
    return true;
}

enum value_type value_letter(char letter) {
    static const char letters[] = "iIfF";
    const char *at = strchr(letters, letter);
    return at && *at ? (enum value_type)(at - letters) : VALUE_REFERENCE;
}

bool value_parse(const char *text, enum value_type type, uint64_t *value) {
    char *end;
    double wide;
    float narrow;
    uint32_t low;
    *value = 0;
    if (!*text) return false;
    switch (type) {
    case VALUE_I32: return parse_integer(text, 32, value);
    case VALUE_I64: return parse_integer(text, 64, value);
    case VALUE_F32:
        narrow = strtof(text, &end);
        memcpy(&low, &narrow, sizeof low);
        *value = low;
        return !*end;
    case VALUE_F64:
        wide = strtod(text, &end);
        memcpy(value, &wide, sizeof wide);
        return !*end;
    default: return !strcmp(text, "null");
    }
}

static void print_double(char *text, size_t size, double value) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value) return;
    }
}

static void print_float(char *text, size_t size, float value) {
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, size, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) return;
    }
}

void value_print(char *text, size_t size, enum value_type type, uint64_t value) {
    double wide;
    float narrow;
    uint32_t low = (uint32_t)value;
    memcpy(&wide, &value, sizeof wide);
    memcpy(&narrow, &low, sizeof narrow);
    switch (type) {
    case VALUE_I32: snprintf(text, size, "%" PRId32, (int32_t)low); break;
    case VALUE_I64: snprintf(text, size, "%" PRId64, (int64_t)value); break;
    case VALUE_F32:
        if (narrow != narrow)
            snprintf(text, size, "%snan", low >> 31 ? "-" : "");
        else
            print_float(text, size, narrow);
        break;
    case VALUE_F64:
        if (wide != wide)
            snprintf(text, size, "%snan", value >> 63 ? "-" : "");
        else
            print_double(text, size, wide);
        break;
    default: snprintf(text, size, value ? "reference 0x%" PRIx64 : "null", value); break;
    }
}
