/* Networks as options ask for them: what passt is told, with a program in its place; why there is none; sockets and tap
 * interfaces. Where passt is installed and works, it is asked where the gateway is, too. */
#define _GNU_SOURCE
#include "machine/config.h"
#include "machine/net_open.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static char folder[] = "/tmp/vee-net-XXXXXX", path_before[4000];
static struct error error;
static struct arena arena;

static int begin(void **state) {
    (void)state;
    snprintf(path_before, sizeof path_before, "%s", getenv("PATH"));
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state) {
    char command[80];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static int setup(void **state) {
    (void)state;
    error = (struct error){0};
    arena_init(&arena, 4096);
    return 0;
}
static int teardown(void **state) {
    (void)state;
    arena_done(&arena);
    setenv("PATH", path_before, 1);
    return 0;
}

/* What `-netdev TEXT` opens. */
static struct net *open_text(const char *text) {
    struct keyvals k;
    assert_true(keyvals_parse(&k, &arena, "-netdev", text, "type", &error));
    return net_open(spec_get(&k, "type"), "n0", &k, &error);
}

/* A program in passt's place that does this, and notes its arguments. */
static void fake_passt(const char *does) {
    char name[80], path[100];
    snprintf(name, sizeof name, "%s/passt", folder);
    FILE *f = fopen(name, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\necho \"$@\" >%s/said\n%s\n", folder, does);
    fclose(f);
    assert_int_equal(chmod(name, 0755), 0);
    snprintf(path, sizeof path, "%s:/usr/bin:/bin", folder);
    setenv("PATH", path, 1);
}

static const char *said(void) {
    static char text[2000];
    char name[80];
    snprintf(name, sizeof name, "%s/said", folder);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    fclose(f);
    text[strcspn(text, "\n")] = 0;
    return text;
}

#define ADDRESSES "-a 10.0.2.15 -n 255.255.255.0 -g 10.0.2.2 --dns-forward 10.0.2.3"

static void what_passt_is_told(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"user", "-q -F 3 " ADDRESSES},
        {"user,ipv6=off", "-q -F 3 -4 " ADDRESSES},
        {"user,ipv4=off", "-q -F 3 -6"},
        {"user,hostfwd=tcp::2222-:22", "-q -F 3 " ADDRESSES " -t 2222:22"},
        {"user,hostfwd=::2222-:22,hostfwd=udp:127.0.0.1:53-10.0.2.15:5353",
         "-q -F 3 " ADDRESSES " -t 2222:22 -u 127.0.0.1/53:5353"},
        {"user,net=192.168.7.0/24",
         "-q -F 3 -a 192.168.7.15 -n 255.255.255.0 -g 192.168.7.2 --dns-forward 192.168.7.3"},
        {"user,net=10.1.0.0/255.255.0.0,dhcpstart=10.1.2.3,host=10.1.0.1,dns=10.1.0.9",
         "-q -F 3 -a 10.1.2.3 -n 255.255.0.0 -g 10.1.0.1 --dns-forward 10.1.0.9"},
        {"user,restrict=on", "-q -F 3 " ADDRESSES " --no-tcp --no-udp --no-icmp --no-map-gw"},
    };
    fake_passt("exit 0");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net *n = open_text(cases[i].text);
        if (!n) fail_msg("%s: %s", cases[i].text, error.text);
        assert_string_equal(said(), cases[i].says);
        net_close(n);
    }
}

static void what_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"user,ipv4=off,ipv6=off", "neither ipv4 nor ipv6"},
        {"user,net=10.0.2.0/31", "is no network"},
        {"user,net=10.0.2.0/255.0.255.0", "is no network"},
        {"user,net=10.0.2/24", "is no network"},
        {"user,host=10.0.3.2", "not in the network"},
        {"user,host=10.0.2.255", "not in the network"},
        {"user,dhcpstart=x", "no IPv4 address"},
        {"user,net=10.0.2.0/29", "dhcpstart=(its default) is not in the network"},
        {"user,hostfwd=22", "no ports"},
        {"user,hostfwd=sctp::22-:22", "neither tcp nor udp"},
        {"user,hostfwd=tcp::22", "no port of the guest's"},
        {"user,hostfwd=tcp::0-:22", "no number from 1"},
        {"user,hostfwd=tcp::65536-:22", "no number from 1"},
        {"user,hostfwd=tcp::22-:-1", "no number from 1"},
        {"user,hostfwd=tcp::22-22", "a port is missing"},
        {"user,hostfwd=tcp:x:22-:22", "no IPv4 address"},
        {"user,hostfwd=tcp::22-10.0.2.16:22", "not the guest's address"},
        {"user,hostfwd=tcp:1111111111111111111111111111111111111111111111111111111111111111111111111111111:1-:2",
         "too long"},
        {"user,restrict=on,hostfwd=tcp::22-:22", "restrict=on and hostfwd"},
        {"user,restrict=perhaps", "restrict"},
        {"tap,script=/etc/qemu-ifup", "script"},
        {"tap,vhost=on", "vhost"},
        {"tap,ifname=a,fd=3", "both ifname and fd"},
        {"tap,ifname=abcdefghijklmnop", "no name of an interface"},
        {"tap,fd=x", "no number of a descriptor"},
        {"tap,fd=999", "Bad file descriptor"},
        {"stream", "addr.type=unix"},
        {"stream,addr.type=inet,addr.path=x", "addr.type=unix"},
        {"stream,addr.type=unix,addr.path=/nowhere/x", "/nowhere/x: No such file"},
        {"stream,addr.type=unix,addr.path=/nowhere/x,server=on", "server=off"},
    };
    fake_passt("exit 0");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        error = (struct error){0};
        assert_null(open_text(cases[i].text));
        if (!strstr(error.text, cases[i].says)) fail_msg("%s: %s", cases[i].text, error.text);
    }
}

static void passt_that_does_not_work(void **state) {
    (void)state;
    fake_passt(
        "echo 'Failed to send 9 bytes to syslog' >&2; echo 'first' >&2; echo 'External interface not usable' >&2\n"
        "echo 'Failed to send 30 bytes to syslog' >&2; exit 1");
    assert_null(open_text("user"));
    assert_string_equal(error.text, "network n0: passt does not work here: External interface not usable");
    assert_int_equal(error.code, ERROR_RESOURCES);
    error = (struct error){0};
    fake_passt("exit 3");
    assert_null(open_text("user"));
    assert_non_null(strstr(error.text, "does not say why"));
    error = (struct error){0};
    fake_passt("kill -9 $$");
    assert_null(open_text("user"));
    assert_non_null(strstr(error.text, "does not work"));
    error = (struct error){0};
    setenv("PATH", "/nowhere", 1);
    assert_null(open_text("user"));
    assert_non_null(strstr(error.text, "apt install passt"));
}

/* It says more than anybody reads, and then works. */
static void passt_that_talks(void **state) {
    (void)state;
    fake_passt(
        "i=0; while [ $i -lt 3000 ]; do echo 'this is a line of many that nobody reads' >&2; i=$((i+1)); done; exit 0");
    struct net *n = open_text("user");
    if (!n) fail_msg("%s", error.text);
    net_close(n);
}

/* ---- frames, with whoever is at the other end */

static uint8_t came[2000];
static uint32_t came_size;
static int downs;

static void tell(void *self, struct net *net) {
    const uint8_t *frame;
    struct net_header h;
    uint32_t size;
    (void)self;
    if (net_events(net) & NET_DOWN) __atomic_store_n(&downs, 1, __ATOMIC_SEQ_CST);
    while ((frame = net_peek(net, &size, &h))) {
        if (size <= sizeof came && !came_size) {
            memcpy(came, frame, size);
            __atomic_store_n(&came_size, size, __ATOMIC_SEQ_CST);
        }
        net_next(net);
    }
}

static bool until(const void *word) {
    for (int i = 0; i < 10000 && !__atomic_load_n((const int *)word, __ATOMIC_SEQ_CST); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return __atomic_load_n((const int *)word, __ATOMIC_SEQ_CST);
}

static void run(struct net *n) {
    came_size = 0;
    downs = 0;
    assert_true(net_start(n, &(struct net_client){tell, NULL}, &error));
    net_resume(n);
}

static void a_socket_of_another_program(void **state) {
    (void)state;
    static const uint8_t frame[4 + 20] = {0, 0, 0, 20, 1, 2, 3};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char text[200];
    snprintf(a.sun_path, sizeof a.sun_path, "%s/socket", folder);
    int listens = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listens, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(listens, 1), 0);
    snprintf(text, sizeof text, "stream,server=off,addr.type=unix,addr.path=%s", a.sun_path);
    struct net *n = open_text(text);
    if (!n) fail_msg("%s", error.text);
    int peer = accept(listens, NULL, NULL);
    run(n);
    assert_int_equal(write(peer, frame, sizeof frame), sizeof frame);
    assert_true(until(&came_size));
    assert_memory_equal(came, frame + 4, 20);
    close(peer);
    assert_true(until(&downs));
    net_close(n);
    close(listens);
}

static void a_descriptor(void **state) {
    (void)state;
    int ends[2];
    char text[100], byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    snprintf(text, sizeof text, "stream,addr.type=fd,addr.str=%d", ends[1]);
    struct net *n = open_text(text);
    if (!n) fail_msg("%s", error.text);
    net_close(n);
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    snprintf(text, sizeof text, "tap,fd=%d", open("/dev/null", O_RDWR | O_CLOEXEC));
    assert_null(open_text(text));
    assert_non_null(strstr(error.text, "not a tap interface"));
}

/* Who has 10.0.2.2? */
static const uint8_t question[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0,    0x12, 0x34, 0x56, 8,    6,
                                     0,    1,    8,    0,    6,    4,    0,    1,    0x52, 0x54, 0,    0x12, 0x34, 0x56,
                                     10,   0,    2,    15,   0,    0,    0,    0,    0,    0,    10,   0,    2,    2};

static void passt_itself(void **state) {
    (void)state;
    struct net *n = open_text("user");
    if (!n) {
        print_message("passt: %s\n", error.text);
        skip();
        return;
    }
    run(n);
    assert_true(net_up(n));
    memcpy(net_room(n, sizeof question), question, sizeof question);
    assert_true(net_add(n, sizeof question, &(struct net_header){0}));
    net_flush(n);
    assert_true(until(&came_size));
    assert_int_equal(came_size, 42);
    assert_memory_equal(came, question + 6, 6);
    assert_int_equal(came[21], 2);                    /* an answer, */
    assert_memory_equal(came + 28, question + 38, 4); /* of the gateway */
    net_close(n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_passt_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(passt_that_does_not_work, setup, teardown),
        cmocka_unit_test_setup_teardown(passt_that_talks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_of_another_program, setup, teardown),
        cmocka_unit_test_setup_teardown(a_descriptor, setup, teardown),
        cmocka_unit_test_setup_teardown(passt_itself, setup, teardown),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
