/* x86_64.c - the x86-64 host's table. */
#include "host/x86_64/x86_64.h"

const struct host *const host_native = NULL;
