/* SPDX-License-Identifier: MIT */
#ifndef SINK_CONTROL_H
#define SINK_CONTROL_H

#include "loop.h"

struct control_client;

/* The control port, in one loop. */
struct control {
        struct loop *loop;
        struct watch watch;
        struct control_client *clients;
};

bool control_init(struct control *control, struct loop *loop, int listener);
void control_deinit(struct control *control);

#endif
