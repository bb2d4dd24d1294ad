/* virtio.c - what virtio devices have besides their queues: status, features, configuration, interrupts; and the rows
 * of all of it. See virtio.h.
 */
#include "machine/virtio/virtio.h"
#include "base/error.h"
#include <stdlib.h>
#include <string.h>

#define COMMON_FEATURES (1ull << VIRTIO_F_INDIRECT | 1ull << VIRTIO_F_EVENT_IDX | 1ull << VIRTIO_F_VERSION_1)
enum { CONFIG_MAX = 256 };

/* ---- beginning and ending */

bool virtio_open(struct virtio *v, struct device_host *host, struct error *error) {
    const struct virtio_kind *k = host->device->kind;
    v->host = host;
    v->kind = k;
    v->own = calloc(1, k->state_size + 1);
    if (!v->own) return error_set(error, ERROR_RESOURCES, "no memory for %s", host->device->name);
    virtio_reset(v);
    if (!k->open || k->open(v, error)) return true;
    free(v->own);
    v->own = NULL;
    return false;
}

void virtio_close(struct virtio *v) {
    if (v->kind->close) v->kind->close(v);
    free(v->own);
    v->own = NULL;
}

void virtio_reset(struct virtio *v) {
    v->generation++;
    v->driver_features = 0;
    v->config_generation = 0;
    v->status = v->reasons = v->anew = 0;
    v->device_select = v->driver_select = 0;
    v->queue_select = 0;
    for (unsigned i = 0; i < v->kind->nqueues; i++) virtio_queue_reset(v, &v->queue[i]);
    fields_reset(v->own, v->kind->fields, v->kind->nfields);
}

/* ---- features and status */

static uint64_t offers(const struct virtio *v) {
    const struct virtio_kind *k = v->kind;
    return COMMON_FEATURES | (k->offers ? k->features & k->offers(v) : k->features);
}

uint32_t virtio_offered(const struct virtio *v, unsigned half) {
    return half < 2 ? (uint32_t)(offers(v) >> 32 * half) : 0;
}

uint32_t virtio_chosen(const struct virtio *v, unsigned half) {
    return half < 2 ? (uint32_t)(v->driver_features >> 32 * half) : 0;
}

/* Until they are settled. */
void virtio_choose(struct virtio *v, unsigned half, uint32_t features) {
    if (half >= 2 || (v->status & VIRTIO_FEATURES_OK)) return;
    const uint64_t others = half ? UINT32_MAX : ~(uint64_t)UINT32_MAX;
    v->driver_features = (v->driver_features & others) | (uint64_t)features << 32 * half;
}

/* A driver that does not know VERSION_1 finds a device of version 1 all the same: there are such drivers. */
void virtio_set_status(struct virtio *v, uint8_t status) {
    const uint8_t before = v->status, kept = before & VIRTIO_NEEDS_RESET;
    if (status == 0) {
        if (v->kind->reset) v->kind->reset(v);
        virtio_reset(v);
        return;
    }
    if ((status & ~before & VIRTIO_FEATURES_OK) && (v->driver_features & ~offers(v)))
        status &= (uint8_t)~VIRTIO_FEATURES_OK; /* the driver sees that it was refused */
    v->status = (status & ~VIRTIO_NEEDS_RESET) | kept;
    if ((v->status & ~before & VIRTIO_DRIVER_OK) && v->kind->start) v->kind->start(v);
}

void virtio_raise(struct virtio *v, enum virtio_reason reason) {
    if (v->reasons & reason) return; /* it has not been looked at */
    v->reasons |= reason;
    v->anew = 1;
}

void virtio_config_changed(struct virtio *v) {
    v->config_generation++;
    if (v->status & VIRTIO_DRIVER_OK) virtio_raise(v, VIRTIO_CONFIG);
}

void virtio_break(struct virtio *v) {
    if (v->status & VIRTIO_NEEDS_RESET) return;
    v->status |= VIRTIO_NEEDS_RESET;
    if (v->status & VIRTIO_DRIVER_OK) virtio_raise(v, VIRTIO_CONFIG);
}

uint64_t virtio_update(struct virtio *v) {
    return v->kind->update ? v->kind->update(v) : UINT64_MAX;
}

/* ---- queues */

struct virtio_queue *virtio_selected(struct virtio *v) {
    return v->queue_select < v->kind->nqueues ? &v->queue[v->queue_select] : NULL;
}

void virtio_notify(struct virtio *v, uint64_t queue) {
    if (queue < v->kind->nqueues && virtio_running(v) && v->queue[queue].ready && v->kind->notify)
        v->kind->notify(v, (unsigned)queue);
}

/* ---- the configuration */

static bool within(const struct virtio *v, uint64_t offset, unsigned size) {
    return offset < v->kind->config_size && size <= v->kind->config_size - offset;
}

bool virtio_config_read(const struct virtio *v, uint64_t offset, unsigned size, uint64_t *value) {
    uint8_t config[CONFIG_MAX] = {0};
    *value = 0;
    if (!within(v, offset, size) || v->kind->config_size > sizeof config) return false;
    if (v->kind->config) v->kind->config(v, config);
    memcpy(value, config + offset, size);
    return true;
}

bool virtio_config_write(struct virtio *v, uint64_t offset, unsigned size, uint64_t value) {
    if (!within(v, offset, size)) return false;
    if (v->kind->config_write) v->kind->config_write(v, (unsigned)offset, size, value);
    return true;
}

/* ---- rows */

#define QUEUE_ROWS(R)                                                                                                  \
    R(FIELD, descriptors, RESOURCE)                                                                                    \
    R(FIELD, driver, RESOURCE)                                                                                         \
    R(FIELD, device, RESOURCE)                                                                                         \
    R(HOST, at_descriptors, "where that is on the host")                                                               \
    R(HOST, at_driver, "likewise")                                                                                     \
    R(HOST, at_device, "likewise")                                                                                     \
    R(FIELD, size, RESOURCE)                                                                                           \
    R(FIELD, next, RESOURCE)                                                                                           \
    R(FIELD, used, RESOURCE)                                                                                           \
    R(FIELD, filled, RESOURCE)                                                                                         \
    R(FIELD, signalled, RESOURCE)                                                                                      \
    R(FIELD, in_flight, RESOURCE)                                                                                      \
    R(FIELD, ready, RESOURCE)                                                                                          \
    R(FIELD, has_signalled, RESOURCE)
static OBJECT_TYPE(queue_type, "queue", struct virtio_queue, QUEUE_ROWS)

static struct any_object own_state(void *object) {
    const struct virtio *v = object;
    if (!v->own) return (struct any_object){0};
    return (struct any_object){v->own, {v->kind->name, v->kind->state_size, v->kind->fields, v->kind->nfields}};
}

#define VIRTIO_ROWS(R)                                                                                                 \
    R(HOST, host, "its place on the board")                                                                            \
    R(HOST, kind, "functions")                                                                                         \
    R(VARIANT, own, own_state)                                                                                         \
    R(FIELD, driver_features, RESOURCE)                                                                                \
    R(HOST, generation, "of chains in flight, of which there are none when anybody looks")                             \
    R(FIELD, config_generation, RESOURCE)                                                                              \
    R(FIELD, status, RESOURCE)                                                                                         \
    R(FIELD, reasons, RESOURCE)                                                                                        \
    R(FIELD, anew, RESOURCE)                                                                                           \
    R(FIELD, device_select, RESOURCE)                                                                                  \
    R(FIELD, driver_select, RESOURCE)                                                                                  \
    R(FIELD, queue_select, RESOURCE)                                                                                   \
    R(OBJECTS, queue, queue_type)
OBJECT_TYPE(virtio_type, "virtio", struct virtio, VIRTIO_ROWS)
