/* net_open.h - within machine/: what -netdev and -nic ask for (carrier.def) becomes a network (net.h). */
#ifndef MACHINE_NET_OPEN_H
#define MACHINE_NET_OPEN_H

#include "machine/keyvals.h"
#include "machine/net.h"

/** Opens what a -netdev of this type asks for, whose keys have been checked. NULL: *error. */
struct net *net_open(const char *type, const char *id, const struct keyvals *k, struct error *error);

/** A socket that passt is at the other end of, or -1 with *error (net_passt.c). */
int passt_open(const struct keyvals *k, const char *id, struct error *error);

#endif
