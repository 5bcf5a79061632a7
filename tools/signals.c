/* SPDX-License-Identifier: MIT */
/* A thread that waits for signals: nothing of the library may be called by a signal handler. */

#include "signals.h"

/* Private to this process, where SIGINT itself could not be told from one of the terminal. */
#define STOP_SIGNAL SIGRTMIN

/* Whoever started us with a signal ignored (nohup, a script's background job) wants it ignored. */
static void add_unless_ignored(sigset_t *signals, int number)
{
        struct sigaction action;

        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
                sigaddset(signals, number);
}

static void die_of(int number)
{
        sigset_t only;

        signal(number, SIG_DFL);
        sigemptyset(&only);
        sigaddset(&only, number);
        pthread_sigmask(SIG_UNBLOCK, &only, NULL);
        raise(number);
}

static void *wait_for_signals(void *argument)
{
        const struct signal_watch *watch = argument;
        bool is_interrupted = false;

        for (;;) {
                int number;

                if (sigwait(&watch->signals, &number) != 0 || number == STOP_SIGNAL)
                        return NULL;
                if (is_interrupted) {
                        if (watch->last_words)
                                watch->last_words(watch->user_data);
                        die_of(number);
                }
                is_interrupted = true;
                watch->interrupt(watch->user_data);
        }
}

bool signal_watch_start(struct signal_watch *watch)
{
        sigset_t before;

        sigemptyset(&watch->signals);
        add_unless_ignored(&watch->signals, SIGINT);
        add_unless_ignored(&watch->signals, SIGTERM);
        add_unless_ignored(&watch->signals, SIGHUP); /* the terminal is gone */
        sigaddset(&watch->signals, STOP_SIGNAL);

        pthread_sigmask(SIG_BLOCK, &watch->signals, &before);
        watch->running = pthread_create(&watch->thread, NULL, wait_for_signals, watch) == 0;
        if (!watch->running)
                pthread_sigmask(SIG_SETMASK, &before, NULL);
        return watch->running;
}

void signal_watch_stop(struct signal_watch *watch)
{
        if (!watch->running)
                return;
        pthread_kill(watch->thread, STOP_SIGNAL);
        pthread_join(watch->thread, NULL);
        watch->running = false;
}
