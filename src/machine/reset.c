/* reset.c - a machine is reset in place: what it is on the host goes on (disks with what is behind a snapshot,
 * networks, console, control socket), what the guest sees begins again. Files are read anew.
 *
 * Whoever asks sets machine.resets (machine_reset), and no instruction runs on that cpu any more. Counted, the cpu that
 * has the turn carries it out at once, so at the same count in every run. By the host's time it is the first cpu, when
 * all others are in answers and stay there (live_gather).
 *
 * The count of instructions goes on, and with it the clock that devices' dates follow from; the board's own clock
 * (mtime) begins at 0.
 */
#include "base/os.h"
#include "machine/board.h"
#include "machine/load.h"
#include "machine/run.h"
#include <string.h>

static void cpus_restart(struct machine *m) {
    for (unsigned n = 0; n < m->ncpus; n++) {
        struct board_cpu *seat = &m->seats[n];
        seat->waits = false;
        seat->stuck = seat->stuck_by = 0;
        seat->timer = UINT64_MAX;
        seat->lines = seat->taken = 0;
        cpu_reset(m->cpus[n]);
        machine_begin_cpu(m, m->cpus[n]);
    }
}

static void firmware_restart(struct machine *m) {
    if (!m->firmware.cpus) return;
    memset(m->firmware.cpus, 0, m->firmware.ncpus * sizeof *m->firmware.cpus);
    for (unsigned n = 0; n < m->ncpus; n++) m->board->firmware_start(m, m->cpus[n]);
}

/* With the lock. */
static bool restart(struct machine *m, struct error *error) {
    board_reset_devices(m);
    m->time_offset = -(vm_clock_ns(m->vm) / BOARD_TICK_NS);
    cpus_restart(m);
    os_discard(m->ram, m->ram_size); /* zero, and the host's until it is touched */
    memset(m->rom, 0, ROM_SIZE);
    if (!load_again(m, error)) return false;
    firmware_restart(m);
    if (!m->live) counted_begin(m);
    board_update(m);
    if (m->live) live_time_set(m);
    return true;
}

bool machine_restart(struct machine *m) {
    struct error error = {0};
    if (m->live && !live_gather(m)) return false;
    engine_flush(m->vm->engine);
    board_quiesce(m);
    machine_lock_cpu(m, m->vm->cpu);
    console_flush(&m->console, m->vm);
    const bool ok = restart(m, &error);
    machine_unlock(m);
    __atomic_store_n(&m->resets, false, __ATOMIC_RELEASE);
    if (m->live) live_scatter(m);
    if (ok) return true;
    error_set(&m->vm->error, error.code, "reset: %s", error.text);
    machine_stop(m, VM_TRAPPED, EXIT_none, 0);
    return false;
}
