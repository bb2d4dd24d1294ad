/* embed.c - a host program that runs a guest with libvee: in steps, looking inside after each.
 *
 *   cc embed.c -o embed $(pkg-config --cflags --libs vee)
 *   ./embed PROGRAM [STEP]      STEP instructions at a time (default 100000)
 */
#include <vee/vee.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: embed PROGRAM [STEP]\n"), 2;
    uint64_t step = argc > 2 ? strtoull(argv[2], NULL, 0) : 100000;
    struct vee_error error = {0};
    struct vee_config *config = vee_config_make();
    if (!config) return 1;
    vee_config_set(config, "counted", NULL, &error);
    struct vee_vm *vm = error.code ? NULL : vee_open(config, argv[1], NULL, &error);
    if (!vm) {
        fprintf(stderr, "embed: %s\n", error.text);
        vee_config_free(config);
        return 1;
    }
    for (uint64_t until = step; vee_run_until(vm, until, &error) && vee_end(vm) == VEE_AT_COUNT; until += step)
        printf("after %" PRIu64 " instructions: pc 0x%" PRIx64 ", digest 0x%016" PRIx64 "\n", vee_count(vm), vee_pc(vm),
               vee_digest(vm));
    printf("end %d, status %d, after %" PRIu64 " instructions\n", vee_end(vm), vee_status(vm), vee_count(vm));
    if (*vee_message(vm)) printf("%s\n", vee_message(vm));
    vee_close(vm);
    vee_config_free(config);
    return 0;
}
