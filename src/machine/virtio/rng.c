/* rng.c - a source of random bytes (virtio 1.2, 5.4): one queue, whose chains are filled. There is nothing to wait for.
 * As runs can be repeated, the bytes follow from --seed: see vm_random.
 *
 * The shortest kind there is, so it is also the example of one.
 */
#include "machine/virtio/transport.h"

/* No more at once: a driver that asks for more gets less, and holds nobody up. */
enum { MOST = 4096 };

static void notify(struct virtio *v, unsigned queue) {
    struct virtio_chain chain;
    while (virtio_pop(v, queue, &chain)) {
        uint64_t done = 0, bits;
        while (done < MOST) {
            bits = board_random(v->host);
            const uint64_t n = virtio_write(v, &chain, done, &bits, sizeof bits);
            done += n;
            if (n < sizeof bits) break;
        }
        virtio_push(v, &chain, (uint32_t)done);
    }
}

static const struct virtio_kind kind = {
    .name = "rng",
    .id = 4,
    .pci_class = 0x00ff00,
    .nqueues = 1,
    .queue_size = 64,
    .notify = notify,
};
VIRTIO_DEVICES(rng)
