/* interp.c - tier 0: runs the uops of a block one by one, by the meanings of uop.def. The reference for every host.
 *
 * Temporaries live in a local array of cells, as zero-extended bit patterns; a wide one has several, as its numbers.
 * The state in the cpu is exact at every mark, because commits come last; so leaving is always "set pc, say why". Needs
 * no host.
 */
#include "engine/internal.h"
#include "core/meaning.h"
#include <assert.h>
#include <string.h>

static uint64_t slot_read(const struct cpu *cpu, const struct slot *s) {
    cpu_note(cpu, s->place, NOTE_READ);
    const unsigned char *p = (const unsigned char *)cpu + s->offset;
    if (s->type == T_I32) {
        uint32_t v;
        memcpy(&v, p, sizeof v);
        return v;
    }
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static void slot_write(struct cpu *cpu, const struct slot *s, uint64_t value) {
    cpu_note(cpu, s->place, NOTE_WRITE);
    memcpy((unsigned char *)cpu + s->offset, &value, s->type == T_I32 ? 4 : 8);
}

/* Wide operands go where helpers look for them. */
static __attribute__((noinline, cold)) void helper_operands(struct cpu *cpu, const uint8_t types[4],
                                                            const struct uop *u, const uint64_t *t) {
    const uint16_t operand[3] = {u->a, u->b, u->c};
    for (unsigned n = 0; n < 3; n++)
        if (types[n + 1] != T_N) memcpy(cpu->wide[n + 1], &t[operand[n]], type_info[types[n + 1]].size);
}

static void leave(struct cpu *cpu, uint32_t kind, uint64_t value, uint64_t pc, uint64_t next) {
    cpu->exit = (struct exit){.kind = kind, .value = value};
    cpu->pc = exit_info[kind].when == EXIT_BEFORE ? pc : next;
}

/* Builds with checks: what the instruction that begins with this mark touches must be what its uops declare. The watch
   is over the instruction before, the block's last one when there is no other. */
#ifdef VEE_CHECK
struct watch {
    struct noting noting;
    const struct uop *mark;
    uint32_t fp_flags, actions;
    uint64_t reserve_address, reserve_value;
    const uint8_t *frame;
};

static void watch_over(struct watch *w, struct cpu *cpu, const struct block *block) {
    struct effect declared = {0};
    const struct uop *end = block->uops + block->nuops;
    for (const struct uop *u = w->mark; u < end && (u == w->mark || u->op != UOP_mark); u++) {
        const struct effect e = uop_effect(cpu->guest, u);
        declared.reads |= e.reads;
        declared.writes |= e.writes;
    }
    cpu->noted = &w->noting.seen;
    if (w->fp_flags != cpu->fp_flags) cpu_note(cpu, PLACE_FP_FLAGS, NOTE_WRITE);
    if (w->actions != cpu->actions) cpu_note(cpu, PLACE_ACTIONS, NOTE_WRITE);
    if (w->frame != cpu->frame) cpu_note(cpu, PLACE_FRAME, NOTE_WRITE);
    if (w->reserve_address != cpu->reserve_address || w->reserve_value != cpu->reserve_value)
        cpu_note(cpu, PLACE_RESERVE, NOTE_WRITE);
    cpu->noted = NULL;
    noting_check(cpu, &w->noting.seen, &declared, "the instruction", (uint64_t)w->mark->imm);
}

static void watch_begin(struct watch *w, struct cpu *cpu, const struct uop *mark) {
    *w = (struct watch){.mark = mark,
                        .fp_flags = cpu->fp_flags,
                        .actions = cpu->actions,
                        .reserve_address = cpu->reserve_address,
                        .reserve_value = cpu->reserve_value,
                        .frame = cpu->frame};
    cpu->noted = &w->noting.seen;
}

static void watch_next(struct watch *w, struct cpu *cpu, const struct block *block, const struct uop *mark) {
    if (w->mark) watch_over(w, cpu, block);
    watch_begin(w, cpu, mark);
}
#else
struct watch {
    char nothing;
};
static inline void watch_next(struct watch *w, struct cpu *cpu, const struct block *block, const struct uop *mark) {
    (void)w, (void)cpu, (void)block, (void)mark;
}
#endif

static inline void run_block(struct engine *e, struct cpu *cpu, const struct block *block, struct watch *watch) {
    uint64_t t[BLOCK_MAX_TEMPS];
    uint64_t pc = block->pc, next = pc;
    const struct guest *guest = e->guest;
    const bool counted = block->ctx & CTX_COUNTED;
    const struct uop *end = block->uops + block->nuops;
    uint32_t *FL = &cpu->fp_flags;
    t[0] = 0;
    cpu->runner->leave = false;
    for (const struct uop *u = block->uops; u < end; u++) {
        switch ((enum uop_op)u->op) {
#define A   t[u->a]
#define B   t[u->b]
#define C   t[u->c]
#define R   (&t[u->dst])
#define VA  (&A)
#define VB  (&B)
#define VC  (&C)
#define X   u->x
#define IMM u->imm
            /* rows without HAND: by their meaning */
#define H(name, r, a, b, c, form, flags, meaning)
#define U(name, rtype, a, b, c, form, flags, meaning)                                                                  \
    case UOP_##name: {                                                                                                 \
        uint64_t r = (uint64_t)(meaning);                                                                              \
        t[u->dst] = T_##rtype == T_I32 || T_##rtype == T_F32 ? (uint32_t)r : r;                                        \
        break;                                                                                                         \
    }
#define W(name, rtype, a, b, c, form, flags, meaning)                                                                  \
    case UOP_##name:                                                                                                   \
        meaning;                                                                                                       \
        break;
#include "core/uop.def"
        case UOP_const_v128: memcpy(R, block->pool + IMM, SIZE_V128); break;
        case UOP_mark:
            watch_next(watch, cpu, block, u);
            pc = (uint64_t)IMM;
            next = pc + X;
            if (cpu->runner->leave || written_any(e) ||
                cpu->exit.kind != EXIT_none) { /* a device wants the loop, after a zero_block */
                if (cpu->exit.kind == EXIT_none) cpu_exit(cpu, EXIT_retranslate, 0);
                cpu->pc = pc;
                return;
            }
            if (counted) {
                if (cpu->count.budget <= 0) {
                    cpu->exit.kind = EXIT_budget;
                    cpu->pc = pc;
                    return;
                }
                cpu->count.budget--;
            }
            cpu->runner->counts.interpreted++;
            break;
        case UOP_get_i64:
        case UOP_get_i32:
        case UOP_get_f64: t[u->dst] = slot_read(cpu, &guest->slots[X]); break;
        case UOP_get_v128: memcpy(R, (const uint8_t *)cpu + guest->slots[X].offset, SIZE_V128); break;
        case UOP_put: slot_write(cpu, &guest->slots[X], A); break;
        case UOP_put_v128: memcpy((uint8_t *)cpu + guest->slots[X].offset, VA, SIZE_V128); break;
        case UOP_getf_i64:
        case UOP_getf_f64: memcpy(&t[u->dst], cpu->frame + 8 * IMM, 8); break;
        case UOP_getf_i32:
        case UOP_getf_f32: {
            uint32_t v;
            memcpy(&v, cpu->frame + 8 * IMM, 4);
            t[u->dst] = v;
            break;
        }
        case UOP_getf_v128: memcpy(R, cpu->frame + 8 * IMM, SIZE_V128); break;
        case UOP_putf: memcpy(cpu->frame + 8 * IMM, &A, 8); break;
        case UOP_putf_v128: memcpy(cpu->frame + 8 * IMM, VA, SIZE_V128); break;
        case UOP_load_u8:
        case UOP_load_s8:
        case UOP_load_u16:
        case UOP_load_s16:
        case UOP_load_u32:
        case UOP_load_s32:
        case UOP_load_64:
        case UOP_load_f32:
        case UOP_load_f64:
            if (access_load(cpu, u->op, X, A + (uint64_t)IMM, &t[u->dst])) break;
            cpu->pc = pc;
            return;
        case UOP_load_v128:
            if (access_read_wide(cpu, X, A + (uint64_t)IMM, SIZE_V128, R)) break;
            cpu->pc = pc;
            return;
        case UOP_store_8:
        case UOP_store_16:
        case UOP_store_32:
        case UOP_store_64:
        case UOP_store_f32:
        case UOP_store_f64:
            if (!access_store(cpu, u->op, X, A + (uint64_t)IMM, B)) {
                cpu->pc = pc;
                return;
            }
            goto stored;
        case UOP_store_v128:
            if (!access_write_wide(cpu, X, A + (uint64_t)IMM, SIZE_V128, VB)) {
                cpu->pc = pc;
                return;
            }
        stored:
            if (cpu->exit.kind == EXIT_none) break;
            cpu->pc = next; /* a device wants the loop before the next instruction; a store is the last of its own */
            return;
        case UOP_fence: __atomic_thread_fence(__ATOMIC_SEQ_CST); break;
        case UOP_br_i64:
        case UOP_br_i32:
            if (!(u->op == UOP_br_i64 ? cond64(X, A, B) : cond32(X, A, B))) break;
            cpu->pc = (uint64_t)IMM;
            return;
        case UOP_jump:
        case UOP_call: cpu->pc = (uint64_t)IMM; return;
        case UOP_jumpind:
        case UOP_callind:
        case UOP_ret: cpu->pc = A & -(uint64_t)guest->pc_align; return;
        case UOP_exit: leave(cpu, X, u->a ? A : (uint64_t)IMM, pc, next); return;
        case UOP_exitif_i64:
        case UOP_exitif_i32:
            if (!(u->op == UOP_exitif_i64 ? cond64(X, A, B) : cond32(X, A, B))) break;
            leave(cpu, u->aux, (uint64_t)IMM, pc, next);
            return;
        case UOP_helper:
        case UOP_helper_v128: {
            const struct helper *h = &guest->helpers[u->aux];
            cpu->pc = pc;
            if (guest->wide_helpers) helper_operands(cpu, guest->wide_helpers[u->aux], u, t);
            t[u->dst] = guest_help(cpu, u->aux, A, B, C);
            if (u->op == UOP_helper_v128) memcpy(R, cpu->wide[0], SIZE_V128);
            if (cpu->exit.kind == EXIT_none) break;
            assert(h->exits);
            if (exit_info[cpu->exit.kind].when == EXIT_BEFORE) cpu->pc = pc;
            return;
        }
        default: /* amo, cas, lr, sc */
            if (access_atomic(cpu, u->op, X, A + (uint64_t)IMM, B, C, &t[u->dst])) break;
            cpu->pc = pc;
            return;
        }
    }
#undef A
#undef B
#undef C
#undef R
#undef VA
#undef VB
#undef VC
#undef X
#undef IMM
    cpu->pc = next;
}

static void interp_block(struct engine *e, struct cpu *cpu, const struct block *block) {
    struct watch watch = {0};
    run_block(e, cpu, block, &watch);
#ifdef VEE_CHECK
    if (watch.mark) watch_over(&watch, cpu, block);
#endif
}

/* Of soft spaces with the lock, for what stores may do to code; it is given up behind the block, if others want it. */
void interp_free(struct engine *e, struct cpu *cpu, const struct block *block) {
    if (e->soft) {
        interp_block(e, cpu, block);
        engine_pass(e, cpu);
        return;
    }
    code_begin(e, cpu);
    interp_block(e, cpu, block);
    code_end(e, cpu);
}

void interp_one(struct engine *e, struct cpu *cpu, uint64_t ctx) {
    struct fetch f = {0};
    engine_fetch(cpu, cpu->pc, &f);
    if (f.fault) {
        cpu->count.budget -=
            (ctx & CTX_COUNTED) != 0; /* like any instruction that does not happen: it will be given back */
        cpu_exit(cpu, f.fault, cpu->pc);
        return;
    }
    uint8_t room[LIFT_BYTES];
    arena_reset(&cpu->runner->scratch);
    struct lifting l = {
        .arena = &cpu->runner->scratch, .ctx = ctx, .extent = LIFT_BLOCK, .most = 1, .f = &f, .room = room};
    struct block *block = block_lift(e, cpu, &l);
    if (block) interp_free(e, cpu, block);
}
