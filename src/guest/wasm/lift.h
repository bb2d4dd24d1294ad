/* lift.h - what the rows' meanings and the lift_NAME functions work with: the lifter of one block, and its builders.
 *
 * Locals and operands are frame slots (frame.h). Within a block the lifter knows which temporary holds a slot's value
 * and whether the frame has it yet ("dirty" if not). Before an instruction that may exit, and wherever the block is
 * left, what is dirty and alive is stored; operands that were popped in between never are. Instructions that exit by a
 * trap need not store their own operands: nothing resumes there (frame.h). In counted code, which may stop before any
 * instruction, everything is stored at once.
 *
 * What a slot holds may be known as i64 (a move of a value whose type the code does not say): lifter_pop converts.
 */
#ifndef GUEST_WASM_LIFT_H
#define GUEST_WASM_LIFT_H

#include "core/fp.h"
#include "guest/wasm/frame.h"
#include "guest/wasm/store.h"

enum { LIFTER_SLOTS = 256 }; /* slots beyond are never kept in temporaries */

struct lifter {
    struct builder *b;
    const struct wasm_instance *instance;
    const struct wasm_module *module;
    const struct wasm_function *function;
    const struct wasm_type_info *type;
    uint32_t pc, next; /* of the instruction: offsets */
    uint32_t base;     /* slot of the lowest operand */
    uint32_t height;   /* operands */
    bool at_once;
    uint32_t tracked; /* slots [0, tracked) have the following */
    uint16_t *temps;  /* the temporary that holds the slot's value, or 0 */
    uint8_t *flags;   /* enum lifter_flag */
    uint16_t *listed; /* slots that are or were dirty */
    uint32_t nlisted;
};
enum lifter_flag { LIFTER_DIRTY = 1, LIFTER_LISTED = 2 };

void lifter_push(struct lifter *l, uint16_t temp);
uint16_t lifter_pop(struct lifter *l, enum type type);
void lifter_drop(struct lifter *l);
uint16_t lifter_slot_read(struct lifter *l, uint32_t slot, enum type type);
void lifter_slot_write(struct lifter *l, uint32_t slot, uint16_t temp);
/** As lifter_slot_write, but the frame has it at once. */
void lifter_slot_store(struct lifter *l, uint32_t slot, uint16_t temp);
/** The temporary that holds a slot's value, or 0. */
uint16_t lifter_slot_known(const struct lifter *l, uint32_t slot);
/** Stores what is dirty, but for the n topmost operands. */
void lifter_flush(struct lifter *l, uint32_t n);
uint16_t lifter_as(struct lifter *l, uint16_t temp, enum type type);
/** The type of temporaries for a value type. */
enum type lifter_type(uint8_t type);
uint64_t lifter_pc(const struct lifter *l, uint32_t offset);
/** {low, high} as one i64. */
uint16_t lifter_pair(struct lifter *l, uint16_t low, uint16_t high);
/** Loads from and stores to the store's area, which never fault: at `at` (an i64, or 0 for none) + offset. */
uint16_t lifter_area_load(struct lifter *l, enum uop_op op, uint16_t at, uint64_t offset);
void lifter_area_store(struct lifter *l, enum uop_op op, uint16_t at, uint64_t offset, uint16_t value);
/** The size of a memory or table. */
uint16_t lifter_size(struct lifter *l, uint32_t cell);

uint16_t lifter_load(struct lifter *l, const struct wasm_insn *i, enum uop_op op, uint16_t index);
void lifter_store(struct lifter *l, const struct wasm_insn *i, enum uop_op op, uint16_t index, uint16_t value);
void lifter_trap_zero(struct lifter *l, enum uop_op op, uint16_t divisor);
void lifter_trap_overflow(struct lifter *l, bool wide, uint16_t dividend, uint16_t divisor);
enum lifter_range { RANGE_s32, RANGE_u32, RANGE_s64, RANGE_u64 };
void lifter_trap_range_f32(struct lifter *l, enum lifter_range range, uint16_t value);
void lifter_trap_range_f64(struct lifter *l, enum lifter_range range, uint16_t value);

/* lift_control.c */
void wasm_lift_prologue(struct lifter *l);
/** The label at l->pc taken as an unconditional branch. */
void wasm_lift_branch(struct lifter *l, const struct wasm_point *p);
void wasm_lift_row(struct lifter *l, const struct wasm_insn *i);

/* The rows' vocabulary. `l` is the lifter, `i` the instruction; a, b, c are operands. */
#define NONE                       0
#define V                          (i->value)
#define INDEX(n)                   (i->index[n])
#define K32(v)                     build_const(l->b, T_I32, v)
#define K64(v)                     build_const(l->b, T_I64, v)
#define B1(op, x)                  build1(l->b, UOP_##op, x)
#define B2(op, x, y)               build2(l->b, UOP_##op, x, y)
#define B3(op, x, y, z)            build3(l->b, UOP_##op, x, y, z)
#define BX(op, how, x, y)          buildx(l->b, UOP_##op, how, x, y, 0)
#define TO32(x)                    build1(l->b, UOP_trunc_i32, x)
#define PAIR(x, y)                 lifter_pair(l, x, y)
#define LOAD(op)                   lifter_load(l, i, UOP_##op, a)
#define STORE(op)                  lifter_store(l, i, UOP_##op, a, b)
#define MEMORY_PAGES               lifter_size(l, l->instance->memory->cell)
#define WHAT(index)                K64((uint64_t)l->instance->id << 32 | (index))
#define HELP(name, x, y, z)        build_helper(l->b, WASM_HELPER_##name, x, y, z)
#define TRAP_HELP                  HELP
#define TRAP_ZERO(type, x)         lifter_trap_zero(l, UOP_exitif_##type, x)
#define TRAP_OVERFLOW(type, x, y)  lifter_trap_overflow(l, T_##type == T_I64, x, y)
#define TRAP_RANGE(type, range, x) lifter_trap_range_##type(l, RANGE_##range, x)
#define T_i32                      T_I32
#define T_i64                      T_I64

#endif
