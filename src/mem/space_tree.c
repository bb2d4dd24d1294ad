/* space_tree.c - the records of a space as a balanced tree (AVL), in the order of their addresses (see space.h).
 *
 * Everything is made of two operations: join makes one tree of two and a node between them, split makes two of one;
 * both take time in proportion to the difference of heights. Each node sums up its subtree: where it begins and ends,
 * and the largest hole inside. So a search for a hole looks into a subtree only if there is one, but for the few that
 * `top` cuts.
 */
#include "mem/space_record.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { USUAL_MOST = 65530, LARGEST_MOST = 1 << 22 }; /* mappings */

typedef uint32_t node;

/* ---- the pool */

/* As many mappings as the host lets a process have: what the guest has is about what the host has. */
static uint32_t most_mappings(void) {
    char text[24] = "";
    int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return USUAL_MOST;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    unsigned long most = n > 0 ? strtoul(text, NULL, 10) : 0;
    return most < USUAL_MOST ? USUAL_MOST : most > LARGEST_MOST ? LARGEST_MOST : (uint32_t)most;
}

static size_t pool_size(uint32_t most) {
    return ((size_t)most + 1) * sizeof(struct space_node);
}

bool tree_init(struct space *s) {
    for (s->most = most_mappings();; s->most = USUAL_MOST) {
        s->nodes = host_table(pool_size(s->most));
        if (s->nodes || s->most == USUAL_MOST) break;
    }
    s->used = 1;
    return s->nodes;
}

void tree_done(struct space *s) {
    host_table_free(s->nodes, pool_size(s->most));
    s->nodes = NULL;
    s->root = s->count = 0;
}

static node node_new(struct space *s, const struct mapping *m) {
    node n = s->unused;
    if (n)
        s->unused = s->nodes[n].left;
    else
        n = s->used++;
    s->nodes[n].m = *m;
    s->count++;
    return n;
}

static void nodes_free(struct space *s, node n) {
    if (!n) return;
    struct space_node *at = &s->nodes[n];
    nodes_free(s, at->left);
    nodes_free(s, at->right);
    at->left = s->unused;
    at->right = at->height = 0;
    s->unused = n;
    s->count--;
}

/* ---- balance */

static uint32_t height(const struct space *s, node n) {
    return n ? s->nodes[n].height : 0;
}

static uint64_t hole_between(uint64_t end, uint64_t start) {
    return start > end ? start - end : 0;
}

/* The node's children have changed. */
static node summed(struct space *s, node n) {
    struct space_node *at = &s->nodes[n], *l = &s->nodes[at->left], *r = &s->nodes[at->right];
    uint64_t start = start_with_gap(s, &at->m), below = at->left ? hole_between(l->high, start) : 0,
             above = at->right ? hole_between(at->m.end, r->low) : 0;
    at->low = at->left ? l->low : start;
    at->high = at->right ? r->high : at->m.end;
    at->gap = below > above ? below : above;
    if (at->left && l->gap > at->gap) at->gap = l->gap;
    if (at->right && r->gap > at->gap) at->gap = r->gap;
    uint32_t left = height(s, at->left), right = height(s, at->right);
    at->height = 1 + (left > right ? left : right);
    return n;
}

/* The left child becomes the root, or the right one. */
static node turned_right(struct space *s, node n) {
    node up = s->nodes[n].left;
    s->nodes[n].left = s->nodes[up].right;
    s->nodes[up].right = summed(s, n);
    return summed(s, up);
}
static node turned_left(struct space *s, node n) {
    node up = s->nodes[n].right;
    s->nodes[n].right = s->nodes[up].left;
    s->nodes[up].left = summed(s, n);
    return summed(s, up);
}

/* A node of which one child may be higher by two. */
static node balanced(struct space *s, node n) {
    struct space_node *at = &s->nodes[n];
    uint32_t left = height(s, at->left), right = height(s, at->right);
    if (left > right + 1) {
        const struct space_node *l = &s->nodes[at->left];
        if (height(s, l->right) > height(s, l->left)) at->left = turned_left(s, at->left);
        return turned_right(s, n);
    }
    if (right > left + 1) {
        const struct space_node *r = &s->nodes[at->right];
        if (height(s, r->left) > height(s, r->right)) at->right = turned_right(s, at->right);
        return turned_left(s, n);
    }
    return summed(s, n);
}

/* One tree of all in l, then n alone, then all in r. */
static node joined(struct space *s, node l, node n, node r) {
    if (height(s, l) > height(s, r) + 1) {
        s->nodes[l].right = joined(s, s->nodes[l].right, n, r);
        return balanced(s, l);
    }
    if (height(s, r) > height(s, l) + 1) {
        s->nodes[r].left = joined(s, l, n, s->nodes[r].left);
        return balanced(s, r);
    }
    s->nodes[n].left = l;
    s->nodes[n].right = r;
    return summed(s, n);
}

/* What starts below the address, and the rest. */
static void split(struct space *s, node n, uint64_t address, node *l, node *r) {
    *l = *r = 0;
    if (!n) return;
    node left = s->nodes[n].left, right = s->nodes[n].right, middle;
    if (s->nodes[n].m.start < address) {
        split(s, right, address, &middle, r);
        *l = joined(s, left, n, middle);
    } else {
        split(s, left, address, l, &middle);
        *r = joined(s, middle, n, right);
    }
}

/* Takes the first node out of a tree. */
static node without_first(struct space *s, node n, node *first) {
    node right = s->nodes[n].right;
    if (!s->nodes[n].left) {
        *first = n;
        return right;
    }
    return joined(s, without_first(s, s->nodes[n].left, first), n, right);
}

void tree_add(struct space *s, const struct mapping *m) {
    node l, r;
    split(s, s->root, m->start, &l, &r);
    s->root = joined(s, l, node_new(s, m), r);
}

static node joined_alone(struct space *s, node l, node r) {
    node first;
    if (!r) return l;
    r = without_first(s, r, &first);
    return joined(s, l, first, r);
}

void tree_remove(struct space *s, uint64_t start, uint64_t end) {
    node l, middle, r;
    split(s, s->root, start, &l, &middle);
    split(s, middle, end, &middle, &r);
    nodes_free(s, middle);
    s->root = joined_alone(s, l, r);
}

static void summed_towards(struct space *s, node n, uint64_t start) {
    if (!n) return;
    uint64_t here = s->nodes[n].m.start;
    if (here != start) summed_towards(s, start < here ? s->nodes[n].left : s->nodes[n].right, start);
    summed(s, n);
}

void tree_changed(struct space *s, uint64_t start) {
    summed_towards(s, s->root, start);
}

/* ---- looking up */

struct mapping *tree_above(const struct space *s, uint64_t address) {
    struct mapping *found = NULL;
    for (node n = s->root; n;) {
        struct space_node *at = &s->nodes[n];
        if (at->m.end > address) {
            found = &at->m;
            n = at->left;
        } else {
            n = at->right;
        }
    }
    return found;
}

struct mapping *tree_below(const struct space *s, uint64_t address) {
    struct mapping *found = NULL;
    for (node n = s->root; n;) {
        struct space_node *at = &s->nodes[n];
        if (at->m.start < address) {
            found = &at->m;
            n = at->right;
        } else {
            n = at->left;
        }
    }
    return found;
}

/* Looks from above; *end is where the hole ends that has been reached. */
static uint64_t hole_in(const struct space *s, node n, uint64_t length, uint64_t top, uint64_t *end) {
    if (!n) return 0;
    const struct space_node *at = &s->nodes[n];
    if (at->high <= *end && at->gap < length && *end - at->high < length) { /* none here, nor right above */
        *end = at->low;
        return 0;
    }
    uint64_t found = at->m.start < top ? hole_in(s, at->right, length, top, end) : 0, start = start_with_gap(s, &at->m);
    if (found) return found;
    if (*end >= at->m.end && *end - at->m.end >= length) return *end - length;
    *end = start < top ? start : top; /* a gap that reaches beyond the neighbour says nothing of what is below that */
    return hole_in(s, at->left, length, top, end);
}

uint64_t tree_hole(const struct space *s, uint64_t length, uint64_t top) {
    uint64_t end = top, found = hole_in(s, s->root, length, top, &end);
    if (found) return found;
    return end >= s->min_address && end - s->min_address >= length ? end - length : 0;
}
