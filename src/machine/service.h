/* service.h - within machine/: a thread that serves whoever is outside while the guest runs: the terminal of the
 * console, the control socket, signals that end vee.
 *
 * What it is asked for goes through a box to the first cpu, which answers at its next poll (service_serve). A paused
 * machine is one whose first cpu does not come back from there.
 */
#ifndef MACHINE_SERVICE_H
#define MACHINE_SERVICE_H

#include "base/error.h"
#include <stdbool.h>

struct machine;
struct service;

/** Begins to serve what the configuration asks for; *service is NULL if that is nothing. False with *error. */
bool service_start(struct service **service, struct machine *m, struct error *error);
/** Ends it, and gives the terminal back. NULL is fine. */
void service_end(struct service *s);
/** On the thread of the first cpu, at EXIT_poll: answers what is asked, and stays while the machine is paused. */
void service_serve(struct service *s);

#endif
