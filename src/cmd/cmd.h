/* cmd.h - what the files of the program share. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdio.h>

/** Prints the manual: style "text" (also NULL), "man" or "markdown". Returns an exit status. */
int help_print(const char *style);

/** Prints lines of the log to `out`, host code as assembly text. NULL: out of memory, and fine for _free. */
struct disassembler *disassembler_make(FILE *out);
void disassembler_free(struct disassembler *d);
void disassembler_line(void *d, const char *line);

/** A stream that appends to a file; the name is used as long as the stream. NULL, with errno. */
FILE *log_file_open(const char *file);

/** `vee binfmt ...`: the words behind. Returns an exit status. */
int binfmt_command(char **words);

/* Exit statuses that are vee's own; the rest are the guest's. */
enum { STATUS_USAGE = 125, STATUS_NOT_RUNNABLE = 126, STATUS_NOT_FOUND = 127, STATUS_TRAP = 134 };

#endif
