/* SPDX-License-Identifier: MIT */
#ifndef COMMANDS_H
#define COMMANDS_H

/*
 * The subcommands, listed in main.c. Each takes the arguments from its own name on, with "postel NAME" as the
 * first, and returns the exit status.
 */
int send_run(int argc, char **argv);
int batch_run(int argc, char **argv);
int probe_run(int argc, char **argv);

#endif
