/* getopt, getopt_long, getsubopt over the program's own arguments and over made ones. */
/* args: -a -b value -cattached --long=5 --flag rest -a -- -b */
/* stderr: compare */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run_short(const char *options, const char *const *words) {
    char *argv[20] = {"program"};
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = strdup(words[argc - 1]);
        argc++;
    }
    optind = 0;
    printf("[%s]", options);
    for (int c; (c = getopt(argc, argv, options)) != -1;)
        if (c == '?' || c == ':')
            printf(" %c(%c)", c, optopt);
        else
            printf(" %c=%s", c == 1 ? '1' : c, optarg ? optarg : "-");
    printf(" rest");
    for (int i = optind; i < argc; i++) printf(" %s", argv[i]);
    putchar('\n');
}

static void run_long(const char *const *words, int only) {
    static int flag;
    static const struct option options[] = {
        {"alpha", no_argument, NULL, 'a'},          {"beta", required_argument, NULL, 'b'},
        {"optional", optional_argument, NULL, 'o'}, {"flag", no_argument, &flag, 77},
        {"alphabet", no_argument, NULL, 'A'},       {0}};
    char *argv[20] = {"program"};
    int argc = 1, index = -1;
    while (words[argc - 1]) {
        argv[argc] = strdup(words[argc - 1]);
        argc++;
    }
    optind = 0;
    flag = 0;
    for (int c; (c = (only ? getopt_long_only : getopt_long)(argc, argv, ":ab:o::", options, &index)) != -1; index = -1)
        printf("%c%s%s ", c ? c : '0', optarg ? "=" : "", optarg ? optarg : "");
    printf("flag %d rest", flag);
    for (int i = optind; i < argc; i++) printf(" %s", argv[i]);
    putchar('\n');
}

int main(int argc, char **argv) {
    static const struct option own[] = {{"long", required_argument, NULL, 'l'}, {"flag", no_argument, NULL, 'f'}, {0}};
    for (int i = 1; i < argc; i++) printf("%d:%s ", i, argv[i]);
    putchar('\n');
    for (int c; (c = getopt_long(argc, argv, "ab:c::", own, NULL)) != -1;) printf("%c %s\n", c, optarg ? optarg : "-");
    printf("optind %d:", optind);
    for (int i = optind; i < argc; i++) printf(" %s", argv[i]);
    putchar('\n');
    fflush(stdout);
    optind = 0;
    char *bad[] = {"name", "-z", "--nothing", "-b", NULL};
    for (int c; (c = getopt_long(4, bad, "ab:", own, NULL)) != -1;) printf("%c\n", c); /* complains on standard error */
    opterr = 0;
    run_short("ab:c", (const char *const[]){"-a", "-bvalue", "-c", "x", "y", NULL});
    run_short("ab:c", (const char *const[]){"-acb", "next", "x", "-a", NULL});
    run_short("+ab:c", (const char *const[]){"-a", "x", "-c", NULL});
    run_short("-ab:c", (const char *const[]){"x", "-a", "y", "-bz", NULL});
    run_short(":ab:c", (const char *const[]){"-d", "-b", NULL});
    run_short("ab::c", (const char *const[]){"-b", "value", "-bvalue", NULL});
    run_short("ab", (const char *const[]){"-a", "--", "-b", NULL});
    run_short("ab", (const char *const[]){"-", "-a", NULL});
    run_short("ab", (const char *const[]){NULL});
    run_long((const char *const[]){"--alpha", "--beta=1", "--beta", "2", "-o", "--optional", "--optional=3", "-oX",
                                   "file", NULL},
             0);
    run_long((const char *const[]){"--fl", "--alph", "--b", "x", "--o=y", NULL}, 0);
    run_long((const char *const[]){"--beta", NULL}, 0);
    run_long((const char *const[]){"--alpha=no", "--none", "-q", NULL}, 0);
    run_long((const char *const[]){"-alpha", "-b", "-beta=4", "z", "-flag", NULL}, 1);
    char *const tokens[] = {"read", "write", "size", NULL};
    char text[] = "read,size=20,other=1,write,,size", *rest = text, *value;
    while (*rest) {
        int t = getsubopt(&rest, tokens, &value);
        printf("%d %s;", t, value ? value : "-");
    }
    putchar('\n');
    return 0;
}
