/* check.h - validation of a function body by the specification's algorithm (core 2.0, appendix A.3), which also makes
 * the side table (module.h).
 *
 * The checker keeps the types of operands and a stack of control frames; in code that cannot be reached operands are of
 * unknown type. Instructions with plain types are checked by their row, the others by a check_NAME function.
 */
#ifndef GUEST_WASM_CHECK_H
#define GUEST_WASM_CHECK_H

#include "guest/wasm/module.h"

enum { TYPE_UNKNOWN = 0 };

struct control {
    uint8_t kind; /* enum control_kind */
    bool unreachable;
    uint32_t height; /* operands below it */
    const uint8_t *params, *results;
    uint32_t nparams, nresults;
    uint32_t target;   /* loop: pc of its body */
    uint32_t fixups;   /* points that lead to its end: index + 1 of the last, chained through `target` */
    uint32_t jumps;    /* likewise entries of wasm_module.jumps, chained through their values */
    uint32_t if_point; /* if: index + 1 of its point */
};
enum control_kind { CONTROL_FUNCTION, CONTROL_BLOCK, CONTROL_LOOP, CONTROL_IF, CONTROL_ELSE };

/** One for a module: the arrays grow and are used again. */
struct checker {
    struct wasm_module *module;
    struct wasm_reader *reader;
    struct arena *scratch;
    struct wasm_function *function;
    const struct wasm_type_info *type;
    uint32_t pc, next; /* of the instruction */
    uint8_t *operands;
    uint32_t height, max_height, operand_cap;
    struct control *controls;
    uint32_t ncontrols, control_cap;
    struct wasm_point *points;
    uint32_t npoints, point_cap;
    uint32_t jump_cap;
    uint32_t since; /* instructions since the last point */
};

/** Checks the body of function->entry..end (locals declared, reader at its first instruction). False: reader says why.
 */
bool wasm_check_function(struct checker *k, struct wasm_function *f);

/* for check_NAME functions */
bool checker_fault(struct checker *k, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool checker_push(struct checker *k, uint8_t type);
/** Pops an operand of the type (TYPE_UNKNOWN: of any); *actual gets what it is. */
bool checker_pop(struct checker *k, uint8_t type, uint8_t *actual);
bool checker_pop_all(struct checker *k, const uint8_t *types, uint32_t count);
bool checker_push_all(struct checker *k, const uint8_t *types, uint32_t count);
/** The operands are there; they stay as they are. */
bool checker_has(struct checker *k, const uint8_t *types, uint32_t count);
void checker_unreachable(struct checker *k);
bool checker_reachable(struct checker *k);
/** The point at pc with the height of now, added if it is not there; NULL without memory. Points come in order. */
struct wasm_point *checker_point(struct checker *k, uint32_t pc, enum wasm_point_kind kind);
/** A POINT_HERE, if this is reachable. */
void checker_here(struct checker *k, uint32_t pc);
/** The construct that a label of this depth names, or NULL. */
struct control *checker_label(struct checker *k, uint32_t depth);
/** Enters a construct whose parameters have been popped; leaves the innermost one at its end. */
bool checker_enter(struct checker *k, struct control c);
bool checker_leave(struct checker *k);
/** Notes that the label at pc, branched to with the height of now, leads to c. */
bool checker_branch(struct checker *k, uint32_t pc, struct control *c);
/** Likewise for a label of br_table: adds a place to the jump table. */
bool checker_jump(struct checker *k, uint32_t pc, struct control *c);

#endif
