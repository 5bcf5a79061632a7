/* SPDX-License-Identifier: MIT */
/* The command `postel`: finds the subcommand. Each has a file of its own and its options in a table there. */

#include "commands.h"
#include "exit_status.h"
#include "report.h"

#include <postel/postel.h>

#include <argp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command {
        const char *name;
        char *title; /* what it is called in its own --help */
        int (*run)(int argc, char **argv);
        const char *summary;
} commands[] = {
        { "send", (char[]){ "postel send" }, send_run, "hand one message to a server" },
        { "batch", (char[]){ "postel batch" }, batch_run, "hand many messages to a server" },
        { "probe", (char[]){ "postel probe" }, probe_run, "show what a server offers" },
};

static void write_version(FILE *out, struct argp_state *state)
{
        (void)state;
        fprintf(out, "postel %s\n", postel_version());
}

static void write_help(FILE *out)
{
        fputs("Usage: postel COMMAND [OPTION...]\n"
              "Hands mail to SMTP and LMTP servers.\n\n",
                out);
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
                fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
        fputs("\n`postel COMMAND --help' tells the options of a command; `postel --version' the version.\n"
              "The manual is postel(1).\n\n" EXIT_STATUS_HELP "\n",
                out);
}

static int run_command(int argc, char **argv)
{
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
                if (strcmp(commands[i].name, argv[0]) != 0)
                        continue;
                argv[0] = commands[i].title;
                return commands[i].run(argc, argv);
        }
        fprintf(stderr, "postel: no such command\nTry `postel --help' for more information.\n");
        return EX_USAGE;
}

/*
 * A standard descriptor that was closed would become the session's socket, and the trace or the report would
 * go to the server. What takes its place can be neither read nor written, as if it were still closed.
 */
static bool occupy_standard_descriptors(void)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                if (fcntl(fd, F_GETFD) < 0 && open("/", O_PATH | O_DIRECTORY) != fd)
                        return false;
        }
        return true;
}

int main(int argc, char **argv)
{
        int status = EX_OK;

        if (!occupy_standard_descriptors())
                return EX_OSERR;

        /* A reader of the trace or the report that goes away must not end a send half-way. */
        signal(SIGPIPE, SIG_IGN);
        setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
        argp_program_version_hook = write_version;

        if (argc < 2) {
                write_help(stderr);
                return EX_USAGE;
        }
        if (strcmp(argv[1], "--help") == 0)
                write_help(stdout);
        else if (strcmp(argv[1], "--version") == 0)
                write_version(stdout, NULL);
        else
                status = run_command(argc - 1, argv + 1);
        if (fflush(stdout) != 0 || ferror(stdout))
                report_lost_output();
        return status;
}
