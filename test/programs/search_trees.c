/* Red-black, AVL and splay trees, a treap, a skip list and a B-tree under the same operations; invariants are checked.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 4;

static uint32_t random_next(void) {
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33);
}

struct node {
    struct node *left, *right;
    int key, extra; /* colour, height or priority */
};

static unsigned wrong, rotations;

static struct node *node_make(int key, int extra) {
    struct node *n = calloc(1, sizeof *n);
    n->key = key;
    n->extra = extra;
    return n;
}

static struct node *rotate_left(struct node *n) {
    struct node *r = n->right;
    n->right = r->left;
    r->left = n;
    rotations++;
    return r;
}

static struct node *rotate_right(struct node *n) {
    struct node *l = n->left;
    n->left = l->right;
    l->right = n;
    rotations++;
    return l;
}

/* left-leaning red-black: extra 1 is red */
static int red(const struct node *n) {
    return n && n->extra;
}

static struct node *rb_left(struct node *n) {
    struct node *r = rotate_left(n);
    r->extra = n->extra;
    n->extra = 1;
    return r;
}

static struct node *rb_right(struct node *n) {
    struct node *l = rotate_right(n);
    l->extra = n->extra;
    n->extra = 1;
    return l;
}

static void flip(struct node *n) {
    n->extra ^= 1;
    n->left->extra ^= 1;
    n->right->extra ^= 1;
}

static struct node *rb_fix(struct node *n) {
    if (red(n->right) && !red(n->left)) n = rb_left(n);
    if (red(n->left) && red(n->left->left)) n = rb_right(n);
    if (red(n->left) && red(n->right)) flip(n);
    return n;
}

static struct node *rb_add(struct node *n, int key) {
    if (!n) return node_make(key, 1);
    if (key < n->key)
        n->left = rb_add(n->left, key);
    else if (key > n->key)
        n->right = rb_add(n->right, key);
    return rb_fix(n);
}

static struct node *rb_red_left(struct node *n) {
    flip(n);
    if (red(n->right->left)) {
        n->right = rb_right(n->right);
        n = rb_left(n);
        flip(n);
    }
    return n;
}

static struct node *rb_remove_least(struct node *n, int *key) {
    if (!n->left) {
        *key = n->key;
        free(n);
        return NULL;
    }
    if (!red(n->left) && !red(n->left->left)) n = rb_red_left(n);
    n->left = rb_remove_least(n->left, key);
    return rb_fix(n);
}

static struct node *rb_remove(struct node *n, int key) { /* the key is there */
    if (key < n->key) {
        if (!red(n->left) && !red(n->left->left)) n = rb_red_left(n);
        n->left = rb_remove(n->left, key);
    } else {
        if (red(n->left)) n = rb_right(n);
        if (key == n->key && !n->right) {
            free(n);
            return NULL;
        }
        if (!red(n->right) && !red(n->right->left)) {
            flip(n);
            if (red(n->left->left)) {
                n = rb_right(n);
                flip(n);
            }
        }
        if (key == n->key)
            n->right = rb_remove_least(n->right, &n->key);
        else
            n->right = rb_remove(n->right, key);
    }
    return rb_fix(n);
}

static int rb_check(const struct node *n) { /* the black height */
    if (!n) return 0;
    int left = rb_check(n->left), right = rb_check(n->right);
    wrong += left != right || red(n->right) || (red(n) && red(n->left));
    return left + !n->extra;
}

static int height(const struct node *n) {
    return n ? n->extra : 0;
}

static struct node *avl_fix(struct node *n) {
    for (int turn = 0; turn < 2; turn++) {
        int balance = height(n->left) - height(n->right);
        struct node **child = balance > 0 ? &n->left : &n->right;
        if (balance > 1 || balance < -1) {
            struct node *c = *child;
            int inner = balance > 0 ? height(c->right) > height(c->left) : height(c->left) > height(c->right);
            if (inner) {
                *child = balance > 0 ? rotate_left(c) : rotate_right(c);
                c->extra = 1 + (height(c->left) > height(c->right) ? height(c->left) : height(c->right));
            }
            struct node *top = balance > 0 ? rotate_right(n) : rotate_left(n);
            n->extra = 1 + (height(n->left) > height(n->right) ? height(n->left) : height(n->right));
            n = top;
        }
        n->extra = 1 + (height(n->left) > height(n->right) ? height(n->left) : height(n->right));
    }
    return n;
}

static struct node *avl_add(struct node *n, int key) {
    if (!n) return node_make(key, 1);
    if (key == n->key) return n;
    struct node **side = key < n->key ? &n->left : &n->right;
    *side = avl_add(*side, key);
    return avl_fix(n);
}

static struct node *avl_remove(struct node *n, int key) {
    if (!n) return NULL;
    if (key == n->key) {
        if (!n->left || !n->right) {
            struct node *only = n->left ? n->left : n->right;
            free(n);
            return only;
        }
        struct node *least = n->right;
        while (least->left) least = least->left;
        n->key = least->key;
        n->right = avl_remove(n->right, least->key);
    } else {
        struct node **side = key < n->key ? &n->left : &n->right;
        *side = avl_remove(*side, key);
    }
    return avl_fix(n);
}

static int avl_check(const struct node *n) {
    if (!n) return 0;
    int left = avl_check(n->left), right = avl_check(n->right);
    wrong += abs(left - right) > 1 || n->extra != 1 + (left > right ? left : right);
    return n->extra;
}

static struct node *treap_add(struct node *n, int key) {
    if (!n) return node_make(key, (int)(random_next() >> 1));
    if (key < n->key) {
        n->left = treap_add(n->left, key);
        if (n->left->extra > n->extra) n = rotate_right(n);
    } else if (key > n->key) {
        n->right = treap_add(n->right, key);
        if (n->right->extra > n->extra) n = rotate_left(n);
    }
    return n;
}

static struct node *treap_remove(struct node *n, int key) {
    if (!n) return NULL;
    if (key < n->key)
        n->left = treap_remove(n->left, key);
    else if (key > n->key)
        n->right = treap_remove(n->right, key);
    else if (!n->left || !n->right) {
        struct node *only = n->left ? n->left : n->right;
        free(n);
        return only;
    } else if (n->left->extra > n->right->extra) {
        n = rotate_right(n);
        n->right = treap_remove(n->right, key);
    } else {
        n = rotate_left(n);
        n->left = treap_remove(n->left, key);
    }
    return n;
}

static struct node *splay(struct node *n, int key) {
    if (!n || n->key == key) return n;
    struct node **side = key < n->key ? &n->left : &n->right;
    if (!*side) return n;
    struct node *c = *side;
    if (c->key != key) {
        struct node **deep = key < c->key ? &c->left : &c->right;
        *deep = splay(*deep, key);
        int same = (key < n->key) == (key < c->key);
        if (same)
            n = key < n->key ? rotate_right(n) : rotate_left(n);
        else if (*deep)
            *side = key < n->key ? rotate_left(c) : rotate_right(c);
    }
    side = key < n->key ? &n->left : &n->right;
    if (n->key == key || !*side) return n;
    return key < n->key ? rotate_right(n) : rotate_left(n);
}

static struct node *splay_add(struct node *root, int key) {
    root = splay(root, key);
    if (root && root->key == key) return root;
    struct node *n = node_make(key, 0);
    if (!root) return n;
    if (key < root->key) {
        n->right = root;
        n->left = root->left;
        root->left = NULL;
    } else {
        n->left = root;
        n->right = root->right;
        root->right = NULL;
    }
    return n;
}

static struct node *splay_remove(struct node *root, int key) {
    root = splay(root, key);
    if (!root || root->key != key) return root;
    struct node *left = splay(root->left, key), *right = root->right;
    free(root);
    if (!left) return right;
    left->right = right;
    return left;
}

enum { LEVELS = 12 };
struct skip {
    struct skip *next[LEVELS];
    int key;
};

static int skip_change(struct skip *head, int key, int add) {
    struct skip **links[LEVELS], *at = head;
    for (int l = LEVELS; l-- > 0;) {
        while (at->next[l] && at->next[l]->key < key) at = at->next[l];
        links[l] = &at->next[l];
    }
    struct skip *found = *links[0] && (*links[0])->key == key ? *links[0] : NULL;
    if (add > 0 && !found) {
        struct skip *n = calloc(1, sizeof *n);
        n->key = key;
        int top = __builtin_ctz(random_next() | 1u << (LEVELS - 1));
        for (int l = 0; l <= top; l++) {
            n->next[l] = *links[l];
            *links[l] = n;
        }
    } else if (add < 0 && found) {
        for (int l = 0; l < LEVELS; l++)
            if (*links[l] == found) *links[l] = found->next[l];
        free(found);
    }
    return found != NULL;
}

enum { ORDER = 6 };
struct page {
    int count, keys[ORDER];
    struct page *children[ORDER + 1];
};

static void page_split(struct page *parent, int at) {
    struct page *full = parent->children[at], *half = calloc(1, sizeof *half);
    int middle = ORDER / 2;
    half->count = full->count - middle - 1;
    memcpy(half->keys, full->keys + middle + 1, (size_t)half->count * sizeof(int));
    memcpy(half->children, full->children + middle + 1, (size_t)(half->count + 1) * sizeof half->children[0]);
    full->count = middle;
    memmove(parent->keys + at + 1, parent->keys + at, (size_t)(parent->count - at) * sizeof(int));
    memmove(parent->children + at + 2, parent->children + at + 1,
            (size_t)(parent->count - at) * sizeof parent->children[0]);
    parent->keys[at] = full->keys[middle];
    parent->children[at + 1] = half;
    parent->count++;
}

static struct page *page_add(struct page *root, int key) {
    if (root->count == ORDER) {
        struct page *top = calloc(1, sizeof *top);
        top->children[0] = root;
        page_split(top, 0);
        root = top;
    }
    for (struct page *p = root;;) {
        int i = 0;
        while (i < p->count && key > p->keys[i]) i++;
        if (i < p->count && p->keys[i] == key) return root;
        if (!p->children[0]) {
            memmove(p->keys + i + 1, p->keys + i, (size_t)(p->count - i) * sizeof(int));
            p->keys[i] = key;
            p->count++;
            return root;
        }
        if (p->children[i]->count == ORDER) {
            page_split(p, i);
            if (key == p->keys[i]) return root;
            if (key > p->keys[i]) i++;
        }
        p = p->children[i];
    }
}

static int page_walk(const struct page *p, int *last, int depth, int *leaf_depth) {
    int n = p->count;
    for (int i = 0; i <= p->count; i++) {
        if (p->children[0]) n += page_walk(p->children[i], last, depth + 1, leaf_depth);
        if (i < p->count) {
            wrong += p->keys[i] <= *last;
            *last = p->keys[i];
        }
    }
    if (!p->children[0]) {
        wrong += *leaf_depth >= 0 && *leaf_depth != depth;
        *leaf_depth = depth;
    }
    return n;
}

static int depth_of(const struct node *n) {
    if (!n) return 0;
    int l = depth_of(n->left), r = depth_of(n->right);
    return 1 + (l > r ? l : r);
}

/* in-order: ascending; adds keys to a digest */
static int walk(const struct node *n, int *last, unsigned *digest) {
    if (!n) return 0;
    int count = walk(n->left, last, digest) + 1;
    wrong += n->key <= *last;
    *last = n->key;
    *digest = *digest * 31 + (unsigned)n->key;
    return count + walk(n->right, last, digest);
}

int main(void) {
    struct node *roots[4] = {NULL};
    static unsigned char present[2000];
    struct skip head = {0};
    struct page *pages = calloc(1, sizeof *pages);
    unsigned char ever[2000] = {0};
    for (int i = 0; i < 6000; i++) {
        int key = (int)(random_next() % 2000), add = random_next() % 5 < (i < 3000 ? 4u : 2u);
        if (i < 400) key = i * 4; /* ascending first */
        int found = skip_change(&head, key, add ? 1 : -1);
        wrong += found != present[key];
        if (add) {
            roots[0] = rb_add(roots[0], key);
            roots[0]->extra = 0;
            roots[1] = avl_add(roots[1], key);
            roots[2] = treap_add(roots[2], key);
            roots[3] = splay_add(roots[3], key);
            pages = page_add(pages, key);
            ever[key] = 1;
        } else {
            if (present[key]) {
                if (!red(roots[0]->left) && !red(roots[0]->right)) roots[0]->extra = 1;
                roots[0] = rb_remove(roots[0], key);
                if (roots[0]) roots[0]->extra = 0;
            }
            roots[1] = avl_remove(roots[1], key);
            roots[2] = treap_remove(roots[2], key);
            roots[3] = splay_remove(roots[3], key);
        }
        present[key] = (unsigned char)add;
        if (i % 500 == 499) {
            rb_check(roots[0]);
            avl_check(roots[1]);
            int keys = 0;
            for (int k = 0; k < 2000; k++) keys += present[k];
            printf("%d: %d keys, rotations %u:", i, keys, rotations);
            for (int t = 0; t < 4; t++) {
                int last = -1;
                unsigned digest = 1;
                int count = walk(roots[t], &last, &digest);
                wrong += count != keys;
                printf(" %08x/%d", digest, depth_of(roots[t]));
            }
            int last = -1, leaf_depth = -1, all = 0;
            for (int k = 0; k < 2000; k++) all += ever[k];
            wrong += page_walk(pages, &last, 0, &leaf_depth) != all;
            printf(" pages %d\n", leaf_depth);
        }
    }
    int count = 0, previous = -1;
    for (struct skip *s = head.next[0]; s; s = s->next[0]) {
        wrong += s->key <= previous;
        previous = s->key;
        count++;
    }
    printf("%d in the skip list, wrong %u\n", count, wrong);
    return wrong != 0;
}
