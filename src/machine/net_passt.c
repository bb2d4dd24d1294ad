/* net_passt.c - a network of user mode: the program passt (Debian's package of that name) at the other end of a socket.
 * It makes connections of the host of what the guest sends, and needs no rights for that.
 *
 * It is told to be as QEMU's user network is: the guest is 10.0.2.15, the host's loopback is 10.0.2.2, and what is sent
 * to 10.0.2.3 as a name server goes to the host's. It goes to the background as soon as it works, and ends when the
 * socket is closed, however that happens: so there is no process of ours to look after. What it says before is why it
 * does not work.
 */
#define _GNU_SOURCE
#include "machine/net_open.h"
#include "base/os.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SOCKET_BUFFER = 16 << 20 };
enum { ARGUMENTS = 96, TEXT = 80, SOCKET = 3, PATIENCE = 10000 /* milliseconds */ };

/* What passt is called with. */
struct command {
    unsigned count;
    const char *argv[ARGUMENTS + 1];
    char text[ARGUMENTS][TEXT];
    struct in_addr guest;
    bool forwards;
};

static bool add(struct command *c, const char *text) {
    if (c->count == ARGUMENTS) return false;
    snprintf(c->text[c->count], TEXT, "%s", text);
    c->argv[c->count] = c->text[c->count];
    c->count++;
    return true;
}
static bool add_two(struct command *c, const char *flag, const char *value) {
    return add(c, flag) && add(c, value);
}

/* ---- addresses */

static uint32_t address_of(struct in_addr a) {
    return ntohl(a.s_addr);
}

/* The address of a key, or that of this number in the network; it has to be within it. */
static bool take_address(const struct keyvals *k, const char *key, uint32_t network, uint32_t mask, uint32_t number,
                         struct in_addr *a, struct error *error) {
    const char *text = spec_get(k, key);
    a->s_addr = htonl(network + number);
    if (text && inet_pton(AF_INET, text, a) != 1)
        return error_set(error, ERROR_USAGE, "%s: %s=%.40s is no IPv4 address", k->option, key, text);
    if ((address_of(*a) & mask) == network && address_of(*a) != network && address_of(*a) != (network | ~mask))
        return true;
    return error_set(error, ERROR_USAGE, "%s: %s=%s is not in the network that net= says", k->option, key,
                     text ? text : "(its default)");
}

/* net=10.0.2.0/24, or with a mask behind the slash. */
static bool take_network(const struct keyvals *k, uint32_t *network, uint32_t *mask, struct error *error) {
    const char *text = spec_get(k, "net");
    char word[TEXT], *slash, *end;
    struct in_addr a, m;
    *network = 10u << 24 | 2u << 8;
    *mask = ~0u << 8;
    if (!text) return true;
    snprintf(word, sizeof word, "%s", text);
    if ((slash = strchr(word, '/'))) {
        *slash = 0;
        unsigned long bits = strtoul(slash + 1, &end, 10);
        if (*end == 0 && end != slash + 1 && bits >= 1 && bits <= 30)
            *mask = ~0u << (32 - bits);
        else if (inet_pton(AF_INET, slash + 1, &m) == 1)
            *mask = address_of(m);
        else
            *mask = 0;
    }
    const uint32_t rest = ~*mask;
    if (inet_pton(AF_INET, word, &a) != 1 || rest & (rest + 1) || rest == 0 || *mask == 0)
        return error_set(error, ERROR_USAGE, "%s: net=%.40s is no network, as 10.0.2.0/24 is one", k->option, text);
    *network = address_of(a) & *mask;
    return true;
}

static bool add_addresses(struct command *c, const struct keyvals *k, struct error *error) {
    uint32_t network, mask;
    struct in_addr host, dns, m;
    char text[4][INET_ADDRSTRLEN];
    if (!take_network(k, &network, &mask, error) || !take_address(k, "host", network, mask, 2 & ~mask, &host, error) ||
        !take_address(k, "dns", network, mask, 3 & ~mask, &dns, error) ||
        !take_address(k, "dhcpstart", network, mask, 15 & ~mask, &c->guest, error))
        return false;
    m.s_addr = htonl(mask);
    inet_ntop(AF_INET, &c->guest, text[0], sizeof text[0]);
    inet_ntop(AF_INET, &m, text[1], sizeof text[1]);
    inet_ntop(AF_INET, &host, text[2], sizeof text[2]);
    inet_ntop(AF_INET, &dns, text[3], sizeof text[3]);
    return add_two(c, "-a", text[0]) && add_two(c, "-n", text[1]) && add_two(c, "-g", text[2]) &&
           add_two(c, "--dns-forward", text[3]);
}

/* ---- ports of the host that lead to the guest */

static bool bad_forward(const struct keyvals *k, const char *text, const char *why, struct error *error) {
    return error_set(error, ERROR_USAGE, "%s: hostfwd=%.80s: %s; write [tcp|udp]:[ADDRESS]:PORT-[ADDRESS]:PORT",
                     k->option, text, why);
}

static bool take_port(const char *text, unsigned *port) {
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    *port = (unsigned)n;
    return *text >= '0' && *text <= '9' && !*end && n >= 1 && n <= 65535;
}

/* `address:port`, the first perhaps empty, at the end of a word that is changed. */
static bool split(char *word, char **address, unsigned *port) {
    char *colon = strrchr(word, ':');
    if (!colon) return false;
    *colon = 0;
    *address = word;
    return take_port(colon + 1, port);
}

static bool add_forward(struct command *c, const struct keyvals *k, const char *text, struct error *error) {
    char word[TEXT], rule[TEXT + 24], *from, *to, *dash;
    unsigned here, there;
    struct in_addr a;
    if (strlen(text) >= sizeof word) return bad_forward(k, text, "too long", error);
    strcpy(word, text);
    char *rest = strchr(word, ':');
    if (!rest) return bad_forward(k, text, "no ports", error);
    *rest++ = 0;
    if (*word && strcmp(word, "tcp") && strcmp(word, "udp")) return bad_forward(k, text, "neither tcp nor udp", error);
    if (!(dash = strchr(rest, '-'))) return bad_forward(k, text, "no port of the guest's", error);
    *dash = 0;
    if (!split(rest, &from, &here) || !split(dash + 1, &to, &there))
        return bad_forward(k, text, "a port is missing, or no number from 1 to 65535", error);
    if (*from && inet_pton(AF_INET, from, &a) != 1) return bad_forward(k, text, "no IPv4 address", error);
    if (*to && (inet_pton(AF_INET, to, &a) != 1 || a.s_addr != c->guest.s_addr))
        return bad_forward(k, text, "not the guest's address", error);
    snprintf(rule, sizeof rule, "%s%s%u:%u", from, *from ? "/" : "", here, there);
    c->forwards = true;
    return add_two(c, strcmp(word, "udp") ? "-t" : "-u", rule) ||
           error_set(error, ERROR_USAGE, "%s: too many ports are forwarded", k->option);
}

static bool make_command(struct command *c, const struct keyvals *k, struct error *error) {
    char number[TEXT];
    bool ipv4 = true, ipv6 = true, restricted = false;
    snprintf(number, sizeof number, "%d", SOCKET);
    if (!spec_flag(k, "ipv4", &ipv4, error) || !spec_flag(k, "ipv6", &ipv6, error) ||
        !spec_flag(k, "restrict", &restricted, error))
        return false;
    if (!ipv4 && !ipv6) return error_set(error, ERROR_USAGE, "%s: neither ipv4 nor ipv6 is left", k->option);
    if (!add(c, "passt") || !add(c, "-q") || !add_two(c, "-F", number)) return false;
    if (!ipv6) add(c, "-4");
    if (!ipv4) add(c, "-6");
    if (ipv4 && !add_addresses(c, k, error)) return false;
    for (const struct keyval *p = k->pairs; p < k->pairs + k->count; p++)
        if (!strcmp(p->key, "hostfwd") && !add_forward(c, k, p->value, error)) return false;
    if (!restricted) return true;
    if (c->forwards) return error_set(error, ERROR_USAGE, "%s: passt cannot have restrict=on and hostfwd", k->option);
    return add(c, "--no-tcp") && add(c, "--no-udp") && add(c, "--no-icmp") && add(c, "--no-map-gw");
}

/* ---- starting it */

/* Its last line that says something. */
static const char *last_line(char *text) {
    const char *last = "it does not say why";
    for (char *line = text, *next; *line; line = next) {
        size_t n = strcspn(line, "\n");
        next = line + n + (line[n] != 0);
        line[n] = 0;
        /* It also complains of having nobody to complain to. */
        if (*line && strncmp(line, "Failed to send", 14) != 0) last = line;
    }
    return last;
}

/* What it says until it ends, or goes to the background; its wait status, or -1: it does neither. */
static int await(pid_t pid, int output, char *text, size_t size) {
    int ended = (int)syscall(SYS_pidfd_open, pid, 0), status = -1;
    const uint64_t until = os_nanoseconds() / 1000000 + PATIENCE;
    size_t have = 0;
    for (bool over = false; !over;) {
        const uint64_t now = os_nanoseconds() / 1000000;
        struct pollfd p[2] = {{.fd = output, .events = POLLIN}, {.fd = ended, .events = POLLIN}};
        if (now >= until) break;
        if (poll(p, 2, (int)(until - now)) < 0 && errno != EINTR) break;
        over = p[1].revents != 0; /* what it said last is there by now */
        while (have < size - 1) {
            ssize_t n = read(output, text + have, size - 1 - have);
            if (n <= 0) break;
            have += (size_t)n;
        }
        if (p[0].revents & POLLHUP && !over) poll(&p[1], 1, (int)(until - now)), over = true;
    }
    text[have] = 0;
    if (waitpid(pid, &status, WNOHANG) != pid) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        status = -1;
    }
    if (ended >= 0) close(ended);
    return status;
}

/* With the socket as number SOCKET and its output to `output`. An error number. */
static int spawn(pid_t *pid, const struct command *c, int socket, int output) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&files, socket, SOCKET);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawnp(pid, c->argv[0], &files, &attributes, (char *const *)(uintptr_t)c->argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return r;
}

static bool start(const struct command *c, const char *id, int socket, struct error *error) {
    int pipe_ends[2], status = -1;
    char text[1024] = "";
    pid_t pid;
    if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK))
        return error_set(error, ERROR_RESOURCES, "network %s: %s", id, strerror(errno));
    int r = spawn(&pid, c, socket, pipe_ends[1]);
    close(pipe_ends[1]);
    if (!r) status = await(pid, pipe_ends[0], text, sizeof text);
    close(pipe_ends[0]);
    if (r == ENOENT)
        return error_set(error, ERROR_RESOURCES,
                         "network %s: the program passt is not installed, which user networks need (apt install passt)",
                         id);
    if (r) return error_set(error, ERROR_RESOURCES, "network %s: cannot run passt: %s", id, strerror(r));
    if (status == 0) return true;
    return error_set(error, ERROR_RESOURCES, "network %s: passt does not work here: %.200s", id, last_line(text));
}

int passt_open(const struct keyvals *k, const char *id, struct error *error) {
    struct command *c = calloc(1, sizeof *c);
    int ends[2];
    if (!c || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        error_set(error, ERROR_RESOURCES, "network %s: %s", id, strerror(errno));
        free(c);
        return -1;
    }
    /* What does not go into the socket passt drops, and sends again seconds later. As much as the host allows. */
    for (unsigned i = 0; i < 2; i++)
        if (setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &(int){SOCKET_BUFFER}, sizeof(int)))
            setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &(int){SOCKET_BUFFER}, sizeof(int));
    bool ok = make_command(c, k, error) && start(c, id, ends[1], error);
    close(ends[1]);
    if (!ok) close(ends[0]);
    free(c);
    return ok ? ends[0] : -1;
}
