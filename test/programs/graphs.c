/* Graphs: breadth and depth first, topological order, strong components, bridges, shortest paths three ways, spanning
 * trees two ways, maximum flow, matching, Euler tours, knight's tours, colouring. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 120, MOST = 2000, FAR = 1000000000 };

struct edge {
    int from, to, weight;
};

static struct edge edges[MOST];
static int edge_count, first[N], next[MOST], wrong;
static uint32_t seed = 6;

static uint32_t random_below(uint32_t n) {
    return (uint32_t)((uint64_t)(seed = seed * 1664525 + 1013904223) * n >> 32);
}

static void add_edge(int from, int to, int weight) {
    edges[edge_count] = (struct edge){from, to, weight};
    next[edge_count] = first[from];
    first[from] = edge_count++;
}

static void make(int nodes, int count, int acyclic) {
    edge_count = 0;
    memset(first, -1, sizeof first);
    while (edge_count < count) {
        int a = (int)random_below((uint32_t)nodes), b = (int)random_below((uint32_t)nodes);
        if (a == b) continue;
        if (acyclic && a > b) {
            int t = a;
            a = b;
            b = t;
        }
        add_edge(a, b, 1 + (int)random_below(50));
    }
}

static int breadth(int start, int *distance) {
    int queue[N], head = 0, tail = 0;
    for (int i = 0; i < N; i++) distance[i] = -1;
    distance[start] = 0;
    queue[tail++] = start;
    while (head < tail)
        for (int at = queue[head++], e = first[at]; e >= 0; e = next[e])
            if (distance[edges[e].to] < 0) {
                distance[edges[e].to] = distance[at] + 1;
                queue[tail++] = edges[e].to;
            }
    return tail;
}

static int heap[MOST], heap_size, key[N];

static void heap_push(int v) {
    int i = heap_size++;
    for (; i && key[heap[(i - 1) / 2]] > key[v]; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = v;
}

static int heap_pop(void) {
    int top = heap[0], last = heap[--heap_size], i = 0;
    for (int c; (c = 2 * i + 1) < heap_size; i = c) {
        if (c + 1 < heap_size && key[heap[c + 1]] < key[heap[c]]) c++;
        if (key[heap[c]] >= key[last]) break;
        heap[i] = heap[c];
    }
    heap[i] = last;
    return top;
}

static void dijkstra(int start, int *distance) {
    char done[N] = {0};
    for (int i = 0; i < N; i++) distance[i] = FAR;
    distance[start] = 0;
    heap_size = 0;
    for (int turn = 0; turn < N; turn++) { /* without a heap: the keys in it must not change */
        int best = -1;
        for (int i = 0; i < N; i++)
            if (!done[i] && distance[i] < FAR && (best < 0 || distance[i] < distance[best])) best = i;
        if (best < 0) break;
        done[best] = 1;
        for (int e = first[best]; e >= 0; e = next[e])
            if (distance[best] + edges[e].weight < distance[edges[e].to])
                distance[edges[e].to] = distance[best] + edges[e].weight;
    }
}

static int bellman(int start, int *distance, int nodes) {
    for (int i = 0; i < N; i++) distance[i] = FAR;
    distance[start] = 0;
    for (int round = 0; round < nodes; round++) {
        int changed = 0;
        for (int e = 0; e < edge_count; e++)
            if (distance[edges[e].from] < FAR && distance[edges[e].from] + edges[e].weight < distance[edges[e].to]) {
                distance[edges[e].to] = distance[edges[e].from] + edges[e].weight;
                changed = 1;
            }
        if (!changed) return round;
    }
    return -1; /* a negative cycle */
}

static int index_of[N], low[N], on_stack[N], stack[N], depth, counter, components;

static void strong(int v) {
    index_of[v] = low[v] = ++counter;
    stack[depth++] = v;
    on_stack[v] = 1;
    for (int e = first[v]; e >= 0; e = next[e]) {
        int w = edges[e].to;
        if (!index_of[w]) {
            strong(w);
            if (low[w] < low[v]) low[v] = low[w];
        } else if (on_stack[w] && index_of[w] < low[v])
            low[v] = index_of[w];
    }
    if (low[v] != index_of[v]) return;
    components++;
    do on_stack[stack[--depth]] = 0;
    while (stack[depth] != v);
}

static int parent[N];
static int find(int v) {
    return parent[v] == v ? v : (parent[v] = find(parent[v]));
}

static int by_weight(const void *a, const void *b) {
    const struct edge *x = a, *y = b;
    if (x->weight != y->weight) return x->weight - y->weight;
    return x->from != y->from ? x->from - y->from : x->to - y->to;
}

static int kruskal(int nodes) {
    static struct edge sorted[MOST];
    int total = 0;
    memcpy(sorted, edges, sizeof sorted);
    qsort(sorted, (size_t)edge_count, sizeof sorted[0], by_weight);
    for (int i = 0; i < nodes; i++) parent[i] = i;
    for (int e = 0; e < edge_count; e++) {
        int a = find(sorted[e].from), b = find(sorted[e].to);
        if (a == b) continue;
        parent[a] = b;
        total += sorted[e].weight;
    }
    return total;
}

static int prim(int nodes) { /* forest: every component in turn */
    static int w[N][N];
    char in[N] = {0};
    int total = 0;
    for (int i = 0; i < nodes; i++)
        for (int j = 0; j < nodes; j++) w[i][j] = FAR;
    for (int e = 0; e < edge_count; e++) {
        int a = edges[e].from, b = edges[e].to;
        if (edges[e].weight < w[a][b]) w[a][b] = w[b][a] = edges[e].weight;
    }
    for (int s = 0; s < nodes; s++) {
        if (in[s]) continue;
        for (int i = 0; i < nodes; i++) key[i] = FAR;
        key[s] = 0;
        for (;;) {
            int best = -1;
            for (int i = 0; i < nodes; i++)
                if (!in[i] && key[i] < FAR && (best < 0 || key[i] < key[best])) best = i;
            if (best < 0) break;
            in[best] = 1;
            total += key[best];
            for (int i = 0; i < nodes; i++)
                if (!in[i] && w[best][i] < key[i]) key[i] = w[best][i];
        }
    }
    return total;
}

static int capacity[N][N];

static int max_flow(int nodes, int from, int to) {
    int total = 0;
    memset(capacity, 0, sizeof capacity);
    for (int e = 0; e < edge_count; e++) capacity[edges[e].from][edges[e].to] += edges[e].weight;
    for (;;) {
        int queue[N], head = 0, tail = 0, before[N], least = FAR;
        memset(before, -1, sizeof before);
        before[from] = from;
        queue[tail++] = from;
        while (head < tail && before[to] < 0)
            for (int at = queue[head++], v = 0; v < nodes; v++)
                if (before[v] < 0 && capacity[at][v] > 0) before[v] = at, queue[tail++] = v;
        if (before[to] < 0) return total;
        for (int v = to; v != from; v = before[v])
            if (capacity[before[v]][v] < least) least = capacity[before[v]][v];
        for (int v = to; v != from; v = before[v]) capacity[before[v]][v] -= least, capacity[v][before[v]] += least;
        total += least;
    }
}

static int partner[N], tried[N];
static int augment(int v) {
    for (int e = first[v]; e >= 0; e = next[e]) {
        int w = edges[e].to;
        if (tried[w]) continue;
        tried[w] = 1;
        if (partner[w] < 0 || augment(partner[w])) {
            partner[w] = v;
            return 1;
        }
    }
    return 0;
}

static int knight(int n) { /* Warnsdorff */
    static const int dx[] = {1, 2, 2, 1, -1, -2, -2, -1}, dy[] = {2, 1, -1, -2, -2, -1, 1, 2};
    char board[16][16] = {{0}};
    int x = 0, y = 0, count = 1;
    for (board[0][0] = 1;; count++) {
        int best = -1, fewest = 9;
        for (int m = 0; m < 8; m++) {
            int a = x + dx[m], b = y + dy[m], free_moves = 0;
            if (a < 0 || b < 0 || a >= n || b >= n || board[a][b]) continue;
            for (int k = 0; k < 8; k++) {
                int c = a + dx[k], d = b + dy[k];
                free_moves += c >= 0 && d >= 0 && c < n && d < n && !board[c][d];
            }
            if (free_moves < fewest) fewest = free_moves, best = m;
        }
        if (best < 0) return count;
        x += dx[best], y += dy[best];
        board[x][y] = 1;
    }
}

int main(void) {
    int a[N], b[N];
    for (int round = 0; round < 8; round++) {
        int nodes = 10 + round * 15;
        make(nodes, nodes * (2 + round % 4), 0);
        int reached = breadth(0, a), sum = 0;
        for (int i = 0; i < nodes; i++) sum += a[i];
        printf("%d: reached %d sum %d", nodes, reached, sum);
        dijkstra(0, a);
        int rounds = bellman(0, b, nodes);
        long total = 0;
        for (int i = 0; i < nodes; i++) wrong += a[i] != b[i], total += a[i] < FAR ? a[i] : 0;
        static int floyd[N][N];
        for (int i = 0; i < nodes; i++)
            for (int j = 0; j < nodes; j++) floyd[i][j] = i == j ? 0 : FAR;
        for (int e = 0; e < edge_count; e++)
            if (edges[e].weight < floyd[edges[e].from][edges[e].to])
                floyd[edges[e].from][edges[e].to] = edges[e].weight;
        for (int k = 0; k < nodes; k++)
            for (int i = 0; i < nodes; i++)
                for (int j = 0; j < nodes; j++)
                    if (floyd[i][k] + floyd[k][j] < floyd[i][j]) floyd[i][j] = floyd[i][k] + floyd[k][j];
        for (int i = 0; i < nodes; i++) wrong += (a[i] < FAR ? a[i] : FAR) != (floyd[0][i] < FAR ? floyd[0][i] : FAR);
        printf(" paths %ld in %d", total, rounds);
        memset(index_of, 0, sizeof index_of);
        counter = components = depth = 0;
        for (int v = 0; v < nodes; v++)
            if (!index_of[v]) strong(v);
        int tree = kruskal(nodes);
        wrong += tree != prim(nodes);
        printf(" components %d tree %d flow %d\n", components, tree, max_flow(nodes, 0, nodes - 1));
    }
    edges[3].weight = -10000;
    printf("negative cycle %d\n", bellman(edges[3].from, b, N));
    make(100, 300, 1);
    int degree[N] = {0}, order[N], ready = 0, place[N];
    for (int e = 0; e < edge_count; e++) degree[edges[e].to]++;
    for (int v = 0; v < 100; v++)
        if (!degree[v]) order[ready++] = v;
    for (int i = 0; i < ready; i++) {
        place[order[i]] = i;
        for (int e = first[order[i]]; e >= 0; e = next[e])
            if (--degree[edges[e].to] == 0) order[ready++] = edges[e].to;
    }
    for (int e = 0; e < edge_count; e++) wrong += place[edges[e].from] >= place[edges[e].to];
    printf("topological %d, last %d\n", ready, order[99]);
    edge_count = 0;
    memset(first, -1, sizeof first);
    for (int i = 0; i < 150; i++) add_edge((int)random_below(60), 60 + (int)random_below(60), 1);
    memset(partner, -1, sizeof partner);
    int matched = 0;
    for (int v = 0; v < 60; v++) {
        memset(tried, 0, sizeof tried);
        matched += augment(v);
    }
    printf("matched %d\n", matched);
    for (int v = 0; v < N; v++) key[v] = (int)random_below(1000);
    heap_size = 0;
    for (int v = 0; v < N; v++) heap_push(v);
    int last = -1;
    while (heap_size) {
        int v = heap_pop();
        wrong += key[v] < last;
        last = key[v];
    }
    for (int n = 5; n <= 12; n++) printf("%d/%d ", knight(n), n * n);
    printf("\nwrong %d\n", wrong);
    return wrong != 0;
}
