/* proc.h - what the files proc*.c share: what a path of procfs names, a process as the guest is to see it, and text.
 *
 * A file of procfs is opened on the host first. If it tells about a process of vee's, its place is taken by a memory
 * file with the guest's text as of now, made from the host's text and from a view: what the process publishes
 * (published.h), be it the reader's own or another of vee's. No stdio and no malloc: this runs while a cpu runs.
 */
#ifndef PROCESS_LINUX_PROC_H
#define PROCESS_LINUX_PROC_H

#include "process/linux/linux.h"
#include "process/linux/published.h"

/** Text that grows; it lives in a mapping of its own. */
struct text {
    char *bytes; /* ends with a 0 behind `used` */
    size_t used, room;
    bool failed;
};
void text_free(struct text *t);
void put_bytes(struct text *t, const void *bytes, size_t size);
void put(struct text *t, const char *text);
/** At least `width` digits. */
void put_number(struct text *t, uint64_t v, unsigned base, unsigned width);
/** Everything that can be read from a descriptor, from its start on. */
void put_file(struct text *t, int fd);
/** Cuts the first line off *rest; false at the end. */
bool text_line(char **rest, char **line);
/** A number at *s, which goes on behind it. */
uint64_t take_number(const char **s, unsigned base);

/** What a path of procfs names: the file `name` of a process, or of the whole system (pid 0). */
struct proc_name {
    char folder[PATH_MAX]; /* of the process, on the host; "task/ID" included */
    char root[PATH_MAX];   /* where that procfs is */
    int pid, tid;          /* as that procfs counts; tid is 0 where no "task/ID" is named */
    char name[32];
};
/** What an open descriptor is; false: no file of procfs with a name that matters, or it has none here. */
bool proc_name_of(int fd, struct proc_name *n);

/** A process as the files about it show it. */
struct proc_view {
    struct process *self; /* who looks */
    struct peek peek;
    struct published_thread thread; /* the one that is asked for */
    struct peek_mappings mappings;  /* if view_mappings was called */
};
/** False: not a process of this program's, or one that may not be looked into. Then there is nothing to close. */
bool view_open(struct proc_view *v, struct process *self, const struct proc_name *n);
void view_close(struct proc_view *v);
/** Copies the mappings, too; there are none where that fails. */
void view_mappings(struct proc_view *v);
/** Is this a process of this program's? */
bool view_is_vee(const struct proc_name *n);
bool view_read(const struct proc_view *v, uint64_t guest, void *to, size_t size);

/** Where the guest's memory is in a process: host address of guest address 0, its end, and a number that another
   program in that process does not have. False: as above. */
struct view_extent {
    uint64_t base, limit, key;
    bool window;
};
bool view_extent_of(struct process *self, const struct proc_name *n, struct view_extent *to);

/** A file in the place of a process's `mem` (memory_file.c); or a negative errno. */
int64_t memory_file_make(struct process *p, const struct proc_name *n, uint32_t flags);

/** A file's contents for the guest. `host` is what the host's file says. */
typedef void proc_show(struct proc_view *v, const struct proc_name *n, struct text *host, struct text *t);
proc_show show_cmdline, show_environ, show_auxv, show_limits, show_personality, show_stat, show_statm, show_status;
proc_show show_maps, show_smaps, show_rollup, show_numa_maps;
proc_show show_cpuinfo, show_arch;

#endif
