/* net_open.c - the kinds of networks there are, and opening them: passt is in net_passt.c, tap interfaces and sockets
 * of other programs are here. No scripts are run, and no interface is set up: whoever may do that does it before.
 */
#define _GNU_SOURCE
#include "machine/net_open.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The descriptor of this number that whoever started vee has left open, for vee alone from now on. */
static int inherited(const struct keyvals *k, const char *key, const char *text, struct error *error) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || number > 1 << 20) {
        error_set(error, ERROR_USAGE, "%s: %s=%.40s is no number of a descriptor", k->option, key, text);
        return -1;
    }
    int fd = fcntl((int)number, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) {
        error_set(error, ERROR_USAGE, "%s: %s=%.40s: %s", k->option, key, text, strerror(errno));
        return -1;
    }
    close((int)number);
    return fd;
}

static int failed(int fd, const char *id, const char *what, const char *why, struct error *error) {
    error_set(error, ERROR_RESOURCES, "network %s: %.100s: %s", id, what, why);
    if (fd >= 0) close(fd);
    return -1;
}

/* ---- tap */

enum { TAP_FLAGS = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

static int tap_open(const struct keyvals *k, const char *id, struct error *error) {
    const char *name = spec_get(k, "ifname"), *number = spec_get(k, "fd");
    struct ifreq r = {0};
    int header = sizeof(struct net_header);
    if (!spec_word(k, "script", "no", error) || !spec_word(k, "downscript", "no", error) ||
        !spec_word(k, "vhost", "off", error))
        return -1;
    if (number && name) {
        error_set(error, ERROR_USAGE, "%s: both ifname and fd", k->option);
        return -1;
    }
    if (name && strlen(name) >= sizeof r.ifr_name) return failed(-1, id, name, "no name of an interface", error);
    int fd = number ? inherited(k, "fd", number, error) : open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0) return number ? -1 : failed(-1, id, "/dev/net/tun", strerror(errno), error);
    if (number) {
        if (ioctl(fd, TUNGETIFF, &r)) return failed(fd, id, "fd", "not a tap interface", error);
        if ((r.ifr_flags & TAP_FLAGS) != TAP_FLAGS)
            return failed(fd, id, r.ifr_name, "not opened with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR", error);
    } else {
        if (name) memcpy(r.ifr_name, name, strlen(name));
        r.ifr_flags = TAP_FLAGS;
        if (ioctl(fd, TUNSETIFF, &r))
            return failed(fd, id, name ? name : "a tap interface",
                          errno == EPERM ? "not permitted: let an administrator make it for you, as with "
                                           "`ip tuntap add mode tap user NAME`"
                                         : strerror(errno),
                          error);
    }
    if (ioctl(fd, TUNSETVNETHDRSZ, &header) || ioctl(fd, TUNSETOFFLOAD, 0) ||
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
        return failed(fd, id, r.ifr_name, strerror(errno), error);
    return fd;
}

/* ---- sockets of other programs, that speak as passt does */

static int stream_open(const struct keyvals *k, const char *id, struct error *error) {
    const char *type = spec_get(k, "addr.type"), *path = spec_get(k, "addr.path"), *number = spec_get(k, "addr.str");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    bool server = false;
    if (!spec_flag(k, "server", &server, error)) return -1;
    if (type && !strcmp(type, "fd") && number) return inherited(k, "addr.str", number, error);
    if (server || !type || strcmp(type, "unix") != 0 || !path || strlen(path) >= sizeof a.sun_path) {
        error_set(error, ERROR_USAGE,
                  "%s: stream needs addr.type=unix,addr.path=SOCKET or addr.type=fd,addr.str=NUMBER, and server=off",
                  k->option);
        return -1;
    }
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof a))
        return failed(fd, id, path, strerror(errno), error);
    return fd;
}

/* ---- all of them */

static const struct carrier {
    const char *type;
    enum net_form form;
    /* A connected descriptor, or -1 with *error. */
    int (*open)(const struct keyvals *k, const char *id, struct error *error);
} carriers[] = {
#define CARRIER(type, form, open, keys) {type, form, open},
#include "machine/carrier.def"
};

struct net *net_open(const char *type, const char *id, const struct keyvals *k, struct error *error) {
    const struct carrier *c = carriers;
    while (strcmp(c->type, type) != 0) c++; /* the configuration knows no others */
    int fd = c->open(k, id, error);
    struct net *n = fd >= 0 ? net_make(fd, c->form, id, error) : NULL;
    if (fd >= 0 && !n) close(fd);
    return n;
}
