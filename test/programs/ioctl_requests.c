/* ioctl on files, terminals, sockets, namespaces: results and errors of requests, with structs of every form. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/nsfs.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/sockios.h>
#include <linux/vt.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patient.h"

static long show(const char *what, long result) {
    printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
    return result;
}

static void files(void) {
    int fd = open("file", O_CREAT | O_RDWR, 0600), other = open("other", O_CREAT | O_RDWR, 0600), number = 0;
    static char page[16384];
    memset(page, 'x', sizeof page);
    show("write", write(fd, page, sizeof page));
    show("write", write(other, page, sizeof page));
    fsync(fd);
    struct {
        struct fiemap map;
        struct fiemap_extent extents[4];
    } f = {.map = {.fm_length = ~0ull, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 4}};
    if (show("FIEMAP", ioctl(fd, FS_IOC_FIEMAP, &f)) == 0)
        printf("extents %d last %d\n", f.map.fm_mapped_extents > 0,
               !!(f.extents[f.map.fm_mapped_extents - 1].fe_flags & FIEMAP_EXTENT_LAST));
    f.map.fm_extent_count = 1 << 30;
    show("FIEMAP of too many", ioctl(fd, FS_IOC_FIEMAP, &f));
    show("FIEMAP of nothing", ioctl(fd, FS_IOC_FIEMAP, -4096L));
    struct {
        struct file_dedupe_range range;
        struct file_dedupe_range_info info[1];
    } d = {.range = {.src_length = 4096, .dest_count = 1}, .info = {{.dest_fd = other}}};
    show("FIDEDUPERANGE", ioctl(fd, FIDEDUPERANGE, &d));
    printf("%lld %d\n", (long long)d.info[0].bytes_deduped, d.info[0].status);
    show("FICLONE", ioctl(fd, FICLONE, other));
    show("FIGETBSZ", ioctl(fd, FIGETBSZ, &number));
    show("GETFLAGS", ioctl(fd, FS_IOC_GETFLAGS, &number));
    printf("%#x\n", number);
    char label[FSLABEL_MAX] = "";
    show("GETFSLABEL", ioctl(fd, FS_IOC_GETFSLABEL, label));
    show("BLKGETSIZE64", ioctl(fd, BLKGETSIZE64, page));
    show("BLKPG", ioctl(fd, 0x1269, page));
    show("TCGETS", ioctl(fd, TCGETS, page));
    show("VT_GETSTATE", ioctl(fd, VT_GETSTATE, page));
    show("RTC_RD_TIME", ioctl(fd, RTC_RD_TIME, page));
    show("bad descriptor", ioctl(99, FIGETBSZ, &number));
    show("bad descriptor, unknown request", ioctl(99, 0x12345678, &number));
    show("unknown request", ioctl(fd, 0x12345678, &number));
    close(fd), close(other);
}

static void terminals(void) {
    int master = posix_openpt(O_RDWR | O_NOCTTY), number = 1;
    if (master < 0) return;
    show("TIOCSPTLCK", ioctl(master, TIOCSPTLCK, &number));
    show("TIOCGPTLCK", ioctl(master, TIOCGPTLCK, &number));
    printf("%d\n", number);
    number = 0;
    show("TIOCSPTLCK", ioctl(master, TIOCSPTLCK, &number));
    int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    show("TIOCGPTPEER", slave < 0 ? -1 : 0);
    struct winsize w = {.ws_row = 11, .ws_col = 22};
    show("TIOCSWINSZ", ioctl(master, TIOCSWINSZ, &w));
    memset(&w, 0, sizeof w);
    show("TIOCGWINSZ", ioctl(slave, TIOCGWINSZ, &w));
    printf("%d %d\n", w.ws_row, w.ws_col);
    uint32_t t[11];
    show("TCGETS2", ioctl(slave, 0x802c542a, t));
    printf("%#o %#o %#o %#o %u %u\n", t[0], t[1], t[2], t[3], t[9], t[10]);
    t[9] = t[10] = 12345; /* any speed */
    t[2] = (t[2] & ~010017u) | 010000;
    show("TCSETS2", ioctl(slave, 0x402c542b, t));
    show("TCGETS2", ioctl(slave, 0x802c542a, t));
    printf("%u %u\n", t[9], t[10]);
    show("TIOCGDEV", ioctl(slave, TIOCGDEV, &number));
    show("TIOCGICOUNT", ioctl(slave, TIOCGICOUNT, t));
    unsigned char locks[36];
    memset(locks, 0xff, sizeof locks);
    show("TIOCGLCKTRMIOS", ioctl(slave, TIOCGLCKTRMIOS, locks));
    for (unsigned i = 0; i < sizeof locks; i++) printf("%x", locks[i]);
    printf("\n");
    show("TIOCGLCKTRMIOS to nowhere", ioctl(slave, TIOCGLCKTRMIOS, 8L));
    show("TIOCSLCKTRMIOS to nowhere", ioctl(slave, TIOCSLCKTRMIOS, 8L));
    show("TIOCSLCKTRMIOS", ioctl(slave, TIOCSLCKTRMIOS, locks));
    show("TIOCSERGETLSR", ioctl(slave, TIOCSERGETLSR, &number));
    show("EVIOCGNAME of a terminal", ioctl(slave, 0x81004506, t)); /* whatever its length */
    show("write", write(master, "abc\n", 4));
    show("poll", poll(&(struct pollfd){.fd = slave, .events = POLLIN}, 1, 10000));
    show("FIONREAD", ioctl(slave, FIONREAD, &number));
    printf("%d\n", number);
    show("TCFLSH", ioctl(slave, TCFLSH, 0));
    show("FIONREAD", ioctl(slave, FIONREAD, &number));
    printf("%d\n", number);
    close(master), close(slave);
}

static void networks(void) {
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq list[8], r = {.ifr_name = "lo"};
    struct ifconf c = {.ifc_len = sizeof list, .ifc_req = list};
    if (s < 0) return;
    if (show("SIOCGIFCONF", ioctl(s, SIOCGIFCONF, &c)) == 0)
        printf("%d %d\n", c.ifc_len > 0 ? c.ifc_len : -1, c.ifc_req == list);
    for (int i = 0; i < c.ifc_len / (int)sizeof *list && i < 8; i++) printf("%s\n", list[i].ifr_name);
    c.ifc_req = NULL;
    show("SIOCGIFCONF for the size", ioctl(s, SIOCGIFCONF, &c));
    printf("%d\n", c.ifc_len);
    c = (struct ifconf){.ifc_len = 400, .ifc_req = (void *)-4096L};
    show("SIOCGIFCONF of nothing", ioctl(s, SIOCGIFCONF, &c));
    show("SIOCGIFINDEX", ioctl(s, SIOCGIFINDEX, &r));
    printf("%d\n", r.ifr_ifindex);
    show("SIOCGIFNAME", ioctl(s, SIOCGIFNAME, &r));
    printf("%s\n", r.ifr_name);
    show("SIOCGIFFLAGS", ioctl(s, SIOCGIFFLAGS, &r));
    printf("%d\n", !!(r.ifr_flags & IFF_LOOPBACK));
    show("SIOCGIFMTU", ioctl(s, SIOCGIFMTU, &r));
    show("SIOCGIFMAP", ioctl(s, SIOCGIFMAP, &r));
    struct {
        uint32_t command;
        char driver[32], rest[400];
    } driver = {.command = 3 /* ETHTOOL_GDRVINFO */};
    r.ifr_data = (void *)&driver;
    show("SIOCETHTOOL", ioctl(s, SIOCETHTOOL, &r));
    printf("%s %d\n", driver.driver, r.ifr_data == (void *)&driver);
    r.ifr_data = (void *)-4096L;
    show("SIOCETHTOOL of nothing", ioctl(s, SIOCETHTOOL, &r));
    strcpy(r.ifr_name, "no-such");
    show("SIOCGIFINDEX", ioctl(s, SIOCGIFINDEX, &r));
    show("SIOCBRADDIF", ioctl(s, 0x89a2, &r));
    show("SIOCGIFHWADDR", ioctl(s, SIOCGIFHWADDR, &r));
    close(s);
}

static void others(void) {
    int fd = open("/proc/self/ns/uts", O_RDONLY), number = -1;
    if (fd >= 0) {
        show("NS_GET_NSTYPE", ioctl(fd, NS_GET_NSTYPE));
        show("NS_GET_PARENT", ioctl(fd, NS_GET_PARENT));
        int user = ioctl(fd, NS_GET_USERNS);
        show("NS_GET_USERNS", user < 0 ? -1 : 0);
        show("NS_GET_OWNER_UID", ioctl(user, NS_GET_OWNER_UID, &number));
        close(user), close(fd);
    }
    fd = open("/dev/urandom", O_RDONLY);
    struct {
        struct rand_pool_info pool;
        uint32_t words[1];
    } entropy = {.pool = {.entropy_count = 0, .buf_size = -1}};
    show("RNDGETENTCNT", ioctl(fd, RNDGETENTCNT, &number));
    long r = ioctl(fd, RNDADDENTROPY, &entropy);
    printf("RNDADDENTROPY of less than nothing: %ld\n", r);
    close(fd);
    fd = open("/dev/net/tun", O_RDWR);
    if (fd < 0) return;
    show("TUNGETFEATURES", ioctl(fd, TUNGETFEATURES, &number));
    struct ifreq tun = {.ifr_name = "no?%d", .ifr_flags = 0};
    show("TUNSETIFF", ioctl(fd, TUNSETIFF, &tun));
    show("TUNGETVNETHDRSZ", ioctl(fd, TUNGETVNETHDRSZ, &number));
    close(fd);
}

int main(void) {
    files();
    terminals();
    networks();
    others();
    return 0;
}
