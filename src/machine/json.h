/* json.h - within machine/: requests and replies of the control socket as JSON (RFC 8259), a line each.
 *
 * A request is one object whose members are texts, whole numbers, true, false or null: read into a fixed table, with
 * texts unescaped in place, so that nothing is allocated and nothing nests. What else JSON has is refused with the
 * offset. A reply is written piece by piece into memory that grows; json_text says at the end whether there was enough.
 */
#ifndef MACHINE_JSON_H
#define MACHINE_JSON_H

#include "base/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_MEMBERS = 16 };
enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT };

struct json_member {
    const char *key, *text; /* terminated; of a text: what it says, else as it was written */
    uint64_t number;        /* of a number: two's complement where it is negative; of a bool 0 or 1 */
    enum json_type type;
    bool negative;
};
struct json_object {
    struct json_member members[JSON_MEMBERS];
    unsigned count;
};

/** Reads an object from a line of `size` bytes, behind which there is room for one more; changes the line, which has to
    stay. False with *error. */
bool json_read(struct json_object *o, char *line, size_t size, struct error *error);
/** The member with this key, or NULL. */
const struct json_member *json_get(const struct json_object *o, const char *key);

struct json_out {
    char *text; /* malloc's */
    size_t size, room;
    bool failed, first; /* no memory; nothing has been written yet in what is open */
};
/* key: NULL within an array. */
void json_open(struct json_out *out, const char *key, char bracket);
void json_close(struct json_out *out, char bracket);
void json_put_text(struct json_out *out, const char *key, const char *text);
void json_put_number(struct json_out *out, const char *key, uint64_t number);
/** As a text, "0x...": programs that read JSON lose digits of large numbers. */
void json_put_hex(struct json_out *out, const char *key, uint64_t number);
void json_put_bool(struct json_out *out, const char *key, bool value);
/** A member of a request, as it came. */
void json_put_member(struct json_out *out, const struct json_member *m);
/** The whole, terminated; NULL: there was no memory. Free it. */
char *json_text(struct json_out *out);

#endif
