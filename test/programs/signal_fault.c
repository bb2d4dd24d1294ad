/* SIGSEGV and SIGBUS: address and code of faults by reads, writes and jumps; recovery by siglongjmp and by mapping the
 * page in the handler; thousands of faults in a row. */
/* cflags: -fno-sanitize=undefined */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "patient.h"

enum { PAGE = 4096, PAGES = 64 };

static sigjmp_buf recover;
static siginfo_t last;
static char *area;
static volatile int faults;

static void jump_back(int s, siginfo_t *info, void *context) {
    (void)context;
    last = *info;
    siglongjmp(recover, s);
}

static void map_page(int s, siginfo_t *info, void *context) {
    (void)s, (void)context;
    uintptr_t page = (uintptr_t)info->si_addr & -(uintptr_t)PAGE;
    faults++;
    if (page < (uintptr_t)area || page >= (uintptr_t)area + PAGES * PAGE) _exit(77);
    if (mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE)) _exit(78);
    memset((void *)page, (int)(page >> 12 & 0x7f), 16);
}

static void try(const char *what, volatile char *p, int way) {
    int s = sigsetjmp(recover, 1);
    if (s == 0) {
        if (way == 0) (void)*p;
        if (way == 1) *p = 1;
        if (way == 2) ((void (*)(void))(uintptr_t)p)();
        if (way == 3) (void)*(volatile uint64_t *)(p - 4);
        if (way == 4) (void)*(volatile double *)p;
        printf("%s: no fault\n", what);
    } else
        printf("%s: signal %d code %d address %td\n", what, s, last.si_code,
               way == 3 ? 0 : (char *)last.si_addr - (char *)p);
}

int main(void) {
    struct sigaction action = {.sa_sigaction = jump_back, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    area[0] = 1;
    try("null", NULL, 0);
    try("null write", (char *)8, 1);
    mprotect(area + PAGE, PAGE, PROT_READ);
    try("read-only read", area + PAGE, 0);
    try("read-only write", area + PAGE + 123, 1);
    mprotect(area + 2 * PAGE, PAGE, PROT_NONE);
    try("none read", area + 2 * PAGE, 0);
    try("none read as double", area + 2 * PAGE + 8, 4);
    munmap(area + 3 * PAGE, PAGE);
    try("unmapped read", area + 3 * PAGE, 0);
    try("unmapped write", area + 4 * PAGE - 1, 1);
    try("execute data", area, 2);
    try("execute nothing", area + 3 * PAGE, 2);
    mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE);
    try("writable again", area + PAGE, 1);
    try("straddles into none", area + 2 * PAGE, 3);

    FILE *f = tmpfile();
    char *file = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
    try("past the end of a file", file + PAGE, 0);
    if (ftruncate(fileno(f), 10)) return 1;
    try("within a file", file, 1);
    munmap(file, 2 * PAGE);
    fclose(f);

    volatile int survived = 0;
    for (volatile int i = 0; i < 2000; i++) {
        if (sigsetjmp(recover, 1) == 0)
            *(volatile int *)(area + 2 * PAGE + i) = i;
        else
            survived += (char *)last.si_addr == area + 2 * PAGE + i;
    }
    printf("%d\n", survived);

    munmap(area, PAGES * PAGE);
    area = mmap(NULL, PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    action.sa_sigaction = map_page;
    sigaction(SIGSEGV, &action, NULL);
    unsigned wrong = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < PAGES; i++) {
            volatile unsigned char *page = (unsigned char *)area + (i * 37 + round) % PAGES * PAGE;
            unsigned expected = (uintptr_t)page >> 12 & 0x7f;
            if (i & 1) page[100] = 1;
            wrong += page[3] != expected;
        }
        mprotect(area, PAGES * PAGE, PROT_NONE);
    }
    printf("%d faults, %u wrong\n", faults, wrong);
    return 0;
}
