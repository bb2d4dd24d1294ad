/* limits.h - the limits that may be any number. In a build they are what is good for speed; in builds with TINY=1 they
 * are as small as can be, so that whatever happens when one is reached happens all the time: lines replace each other,
 * caches are full, values find no cell, tables grow, marks overflow. Programs do the same in both.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#ifdef VEE_TINY
#define LIMIT(usual, tiny) (tiny)
#else
#define LIMIT(usual, tiny) (usual)
#endif

enum {
    LIMIT_TLB_LINES =
        LIMIT(256, 2), /* of a software TLB at first; a power of two; an empty line holds what belongs to another */
    LIMIT_TLB_LINES_MOST = LIMIT(1 << 15, 16), /* and when it has grown */
    LIMIT_TLB_LINES_ALL = LIMIT(1 << 17, 64),  /* of all that a cpu has */
    LIMIT_TLB_BANKS = LIMIT(32, 3),            /* software TLBs of a cpu, at most 32 */
    LIMIT_TLB_VICTIMS = LIMIT(8, 1),           /* of each: lines that were pushed out last */
    LIMIT_TLB_WRITTEN = LIMIT(1024, 2),        /* of its index of pages written to; a power of two */
    LIMIT_JTLB_LINES = LIMIT(4096, 2),         /* of a jump TLB; likewise */
    LIMIT_JTLB_NOTES = LIMIT(64, 1),           /* lines of it that are known to be used */
    LIMIT_SPILL_CELLS = LIMIT(64, 8), /* of 8 bytes, for values without a register: what one instruction may need */
    LIMIT_UNIT_BUCKETS = LIMIT(1 << 9, 1),          /* at first */
    LIMIT_PAGE_BUCKETS = LIMIT(1 << 10, 1),         /* of pages of code */
    LIMIT_SEEN_BITS = LIMIT(1 << 16, 64),           /* of what was reached before */
    LIMIT_SEEN_BITS_SOFT = LIMIT(1 << 20, 64),      /* the same of machines, which run whole systems */
    LIMIT_CACHE = LIMIT(64 << 20, 128 << 10),       /* bytes of host code, unless an option says so */
    LIMIT_CACHE_SOFT = LIMIT(128 << 20, 128 << 10), /* the same of machines */
    LIMIT_WRITTEN_GRAIN = LIMIT(1 << 20, 16 << 10), /* bytes of it whose writable view is dropped; whole pages */
    LIMIT_PAIR_STACK = LIMIT(16 << 20, 8 << 10),    /* bytes of predicted returns; whole pages */
    LIMIT_SPARES = LIMIT(4, 1),                     /* cpus that have ended, kept for their memory */
    LIMIT_PROCESS_BITS = LIMIT(6, 3),               /* of a number: processes that share the memory of one */
    LIMIT_RUNNERS = LIMIT((1 << 25) - 1, 40),       /* cpus of an engine at once; their numbers are used again */
    LIMIT_CODE_SEEN = LIMIT(16, 1),                 /* mappings with code that were seen last */
    LIMIT_GENERATIONS = LIMIT((1 << 28) - 1, 8), /* of code, until they are told apart anew: 28 bits of an identity */
    LIMIT_IMAGES = LIMIT(128, 4),                /* of a process, whose translations are kept */
    LIMIT_BLOCK_INSNS = LIMIT(64, 3),            /* instructions of a block */
    LIMIT_FETCH_BYTES = LIMIT(256, 40),          /* bytes of code that are copied at once; more than two instructions */
    LIMIT_CROSSINGS = LIMIT(128, 1),             /* instructions on two pages that are kept; a power of two */
    LIMIT_STALE = LIMIT(1024, 4),                /* units of the interpreter's, beyond those that are not stale */
    LIMIT_BY_ADDRESS = LIMIT(1024, 1),           /* units that there is room for at first */
    LIMIT_THAW_GRAIN = LIMIT(64 << 10, 4 << 10), /* bytes of frozen code that are replaced at once; whole pages */
    LIMIT_HEAT = LIMIT(64, 1),                   /* writes of a page with code at once, before it stays open */
    LIMIT_CALM_ROUNDS = LIMIT(256, 2),           /* of the loop, between looks at open pages */
    LIMIT_FORWARDED = LIMIT(16, 1),              /* stale units whose entries lead to what replaced them */
    LIMIT_LOOK_PAGES = LIMIT(8, 1),              /* compared between two looks at the clock */
    LIMIT_WATCH_GROUPS = LIMIT(128, 4),          /* of 64 pages that there is room for at first; a power of two */
    LIMIT_WATCHED = LIMIT(20000, 2),             /* pages */
    LIMIT_SCRATCH = LIMIT(256 << 10, 16 << 10),  /* bytes for one translation; what is interpreted must fit */
    LIMIT_TEXT_ROOM = LIMIT(64 << 10, 4 << 10),  /* bytes of a text, at first; whole pages */
    LIMIT_ARENA_CHUNK = LIMIT(1 << 20, 4 << 10),
    LIMIT_MAP_FAILURES = LIMIT(64, 4), /* poison builds: of so many mappings that may fail about one does */
    LIMIT_SHORTCUTS = LIMIT(16, 2),    /* contexts and address spaces of which a cpu keeps its shortcuts */
    LIMIT_BANK_PAIR_STACK = LIMIT(1 << 20, 8 << 10), /* bytes of predicted returns of each but the first; whole pages */
    LIMIT_MAPPINGS = LIMIT(4096, 64),                /* bits of a hash of mappings that code came from */
    LIMIT_REQUESTS = LIMIT(16, 1),                   /* of a cpu by others, until they stand for everything */
    LIMIT_WRITTEN = LIMIT(64, 1), /* pieces of memory that were written to, until they stand for everything */
    LIMIT_LIST = LIMIT(16, 1),    /* items that a list in an arena has room for at first */
};

#endif
