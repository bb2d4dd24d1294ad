/* help.c - the manual, as data: printed as plain text (--help), as a man page and as Markdown. docs/vee.1 and
 * docs/usage.md are what `vee help --man` and `vee help --markdown` print; a test compares them. The options are the
 * library's rows.
 *
 * In texts `this` is literal; the styles render it in their own way.
 */
#include "cmd/cmd.h"
#include "vee/vee.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct item {
    const char *term, *text; /* term NULL: the end */
};

struct section {
    const char *title;
    const char *text; /* or NULL */
    const struct item *items;
    bool options; /* the items are the options */
};

static const struct item synopsis[] = {
    {"vee [OPTION...] PROGRAM [ARGUMENT...]", "runs a program, image or module"},
    {"vee run|wasm [OPTION...] FILE [ARGUMENT...]", "says as what"},
    {"vee boot [OPTION...] [FILE]", "boots a computer"},
    {"vee binfmt register|unregister|status", "has the kernel start programs by vee"},
    {"vee help [--man | --markdown]", "prints this"},
    {"vee version", "prints the version"},
    {0}};

static const struct item verbs[] = {
    {"run", "Run a file as whatever recognises it. Needed only for programs that are called like a verb."},
    {"boot",
     "Run a machine. Without -kernel and -bios the file is the program that it runs, a bare-metal ELF image or a raw "
     "one; with one of them it is a disk, and need not be given. Options may follow the file; those that QEMU has, "
     "too, "
     "are written as for QEMU, with one dash."},
    {"wasm", "Run a file as a WebAssembly module."},
    {"binfmt",
     "Enter vee into the kernel's binfmt_misc, so that riscv64 programs can be started like any others (`register`, as "
     "root), take it out again (`unregister`), or say whether it is there (`status`; 1 if not). The kernel keeps "
     "this file open: vee need not be in a root (chroot) in which programs are started."},
    {"help", "Print the manual: as plain text, as a man page (`--man`) or as Markdown (`--markdown`)."},
    {"version", "Print the version."},
    {0}};

static const struct item statuses[] = {
    {"the guest's", "The program exited, or the computer reported a status when it switched itself off."},
    {"a signal", "The program died of a signal: vee dies of the same one."},
    {"0", "The instruction count of `--digest-at` was reached."},
    {"125", "Wrong usage of vee, or not enough memory or address space."},
    {"126", "The file cannot be run: unreadable, malformed or of no kind that vee runs."},
    {"127", "There is no such file."},
    {"134", "A trap: the guest did what its kind of machine does not survive. The message says what and where."},
    {0}};

static const struct item names[] = {
    {"vee-riscv64, qemu-riscv64",
     "Under these names, or such that begin like them, every argument that is not an option is "
     "the program: there are no verbs, and the file is opened as a process. Options of "
     "QEMU's user-mode emulator have the same names and letters under any name; where vee cannot do what they ask for, "
     "it says so. Under these names -E and -U take several variables, with commas between them."},
    {"binfmt_misc",
     "Started by the kernel with the P flag, or under a name that ends in `-binfmt-P`, vee takes the path of the "
     "program "
     "and its argv[0] from its first two arguments and parses no options; they come from the environment."},
    {0}};

static const struct item roots[] = {
    {"-L DIR",
     "What is there in DIR is found there, else where the host has it; so are directories, and each is one directory "
     "however it is reached: what is made is made in its directory, found there and listed there. `/` itself, /tmp, "
     "/proc, /dev, /sys, /run and the directory that vee was started in are the host's. Getcwd and the links of /proc "
     "say "
     "the paths without DIR."},
    {"--root DIR",
     "Every path, that of the program included, lies within DIR; `..` and links do not lead out. Below /proc, /dev and "
     "/sys is what the host has, as a process of vee's sees it. The working directory is / unless it lies within DIR. "
     "Programs that are executed are looked for within, chroot makes a directory within the root, getcwd and /proc say "
     "paths as within. Links of /proc to what other processes have are followed only if that lies within; what is "
     "inherited open stays usable."},
    {0}};

static const struct item examples[] = {
    {"vee ./hello", "runs a static riscv64 Linux program."},
    {"vee -L /usr/riscv64-linux-gnu ./hello", "runs a dynamic one with the cross compiler's libraries."},
    {"vee --root ./image /bin/sh", "runs the shell of an unpacked system, which sees nothing else."},
    {"vee boot image.elf", "runs a bare-metal image on a riscv64 machine."},
    {"vee boot -kernel Image -initrd initrd.img -append console=ttyS0", "boots Linux."},
    {"vee --invoke add sum.wasm 1 2", "calls an exported function of a module and prints its result."},
    {"vee --tier interp --digest-at 1000000 ./hello", "prints a digest of the state after a million instructions."},
    {0}};

static const struct section manual[] = {
    {"Synopsis", NULL, synopsis, false},
    {"Description",
     "vee runs programs of other computers. The kind of virtual machine follows from the file: a Linux program of "
     "another "
     "architecture runs as a process of this system, the image of a whole computer as a machine with devices of its "
     "own, "
     "a WebAssembly module as a program of a language machine. Code is translated as it is reached, or interpreted.",
     NULL, false},
    {"Verbs", NULL, verbs, false},
    {"Options",
     "Options come before the program; what follows it belongs to the guest. A value is the next argument or follows "
     "`=`; after a letter it may follow directly. Long names may be written with one dash. `--` ends the options. Most "
     "have a variable of the environment that does the same (named with them), some one of QEMU's as well; options "
     "win over the environment. For options without a value the variable is 1 or 0. Variables count for nothing when a "
     "program is started with rights that its user does not have (set-user-id). Programs that a process executes are "
     "run "
     "with the options that say how, as --tier and --strace do.",
     NULL, true},
    {"Exit status", NULL, statuses, false},
    {"Roots", "Two options say where the paths of a process lead.", roots, false},
    {"Names", "The name that vee is started under decides, too.", names, false},
    {"Examples", NULL, examples, false},
};
enum { SECTIONS = sizeof manual / sizeof *manual };

/* "-L DIR, --sysroot DIR" */
static const char *option_term(const struct vee_option *o, char *text, size_t size) {
    const char *argument = o->argument ? o->argument : "", *blank = o->argument ? " " : "";
    if (o->letter)
        snprintf(text, size, "-%c%s%s, --%s%s%s", o->letter, blank, argument, o->name, blank, argument);
    else
        snprintf(text, size, "--%s%s%s", o->name, blank, argument);
    return text;
}

/* ---- plain text: 80 columns */

static void text_paragraph(const char *text, unsigned indent) {
    unsigned column = 0;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column && column + n + 1 > 80) {
            putchar('\n');
            column = 0;
        }
        column += (unsigned)printf("%*s", column ? 1 : (int)indent, "");
        for (size_t i = 0; i < n; i++)
            if (text[i] != '`') column += (unsigned)printf("%c", text[i]);
        text += n + (text[n] == ' ');
    }
    putchar('\n');
}

static void text_item(const char *term, const char *twin, const char *also, const char *text) {
    printf("  %s", term);
    if (twin) printf("  [%s%s%s]", twin, also ? ", " : "", also ? also : "");
    putchar('\n');
    text_paragraph(text, 6);
}

static void print_text(void) {
    for (const struct section *s = manual; s < manual + SECTIONS; s++) {
        printf("%s%s\n", s == manual ? "" : "\n", s->title);
        if (s->text) text_paragraph(s->text, 2);
        for (const struct item *i = s->items; i && i->term; i++) text_item(i->term, NULL, NULL, i->text);
        for (unsigned i = 0; s->options && vee_option(i); i++) {
            char term[80];
            const struct vee_option *o = vee_option(i);
            text_item(option_term(o, term, sizeof term), o->twin, o->also, o->help);
        }
    }
}

/* ---- man page */

static void man_escape(const char *text) {
    bool literal = false;
    for (; *text; text++) switch (*text) {
        case '`': fputs((literal = !literal) ? "\\fB" : "\\fR", stdout); break;
        case '-': fputs("\\-", stdout); break;
        case '\\': fputs("\\e", stdout); break;
        case '\'': fputs("\\(aq", stdout); break;
        default: putchar(*text);
        }
}

static void man_item(const char *term, const char *text, const char *twin, const char *also) {
    fputs(".TP\n\\fB", stdout);
    man_escape(term);
    fputs("\\fR\n", stdout);
    man_escape(text);
    if (twin) printf(" Environment: \\fB%s\\fR", twin);
    if (also) printf(", \\fB%s\\fR", also);
    if (twin) putchar('.');
    putchar('\n');
}

static void print_man(void) {
    printf(".TH VEE 1 \"\" \"vee %s\"\n.SH NAME\nvee \\- process, system and language virtual machines\n",
           vee_version());
    for (const struct section *s = manual; s < manual + SECTIONS; s++) {
        fputs(".SH ", stdout);
        for (const char *c = s->title; *c; c++) putchar(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        putchar('\n');
        if (s->text) man_escape(s->text), putchar('\n');
        for (const struct item *i = s->items; i && i->term; i++) man_item(i->term, i->text, NULL, NULL);
        for (unsigned i = 0; s->options && vee_option(i); i++) {
            char term[80];
            const struct vee_option *o = vee_option(i);
            man_item(option_term(o, term, sizeof term), o->help, o->twin, o->also);
        }
    }
}

/* ---- Markdown */

static void print_markdown(void) {
    puts("# Using vee\n\nThis page is what `vee help --markdown` prints.");
    for (const struct section *s = manual; s < manual + SECTIONS; s++) {
        printf("\n## %s\n\n", s->title);
        if (s->text) puts(s->text);
        if (s->text && (s->items || s->options)) putchar('\n');
        for (const struct item *i = s->items; i && i->term; i++) printf("- `%s`: %s\n", i->term, i->text);
        if (s->options) puts("| option | environment | |\n|---|---|---|");
        for (unsigned i = 0; s->options && vee_option(i); i++) {
            const struct vee_option *o = vee_option(i);
            char term[80];
            fputs("| `", stdout);
            for (const char *c = option_term(o, term, sizeof term); *c; c++) printf(*c == '|' ? "\\|" : "%c", *c);
            fputs("` | ", stdout);
            if (o->twin) printf("`%s`", o->twin);
            if (o->also) printf(", `%s`", o->also);
            printf(" | %s |\n", o->help);
        }
    }
}

int help_print(const char *style) {
    if (!style || !strcmp(style, "text"))
        print_text();
    else if (!strcmp(style, "man"))
        print_man();
    else if (!strcmp(style, "markdown"))
        print_markdown();
    else
        return fprintf(stderr, "vee: help: unknown form '%s': use --man or --markdown\n", style), STATUS_USAGE;
    return 0;
}
