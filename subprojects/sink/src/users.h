/* SPDX-License-Identifier: MIT */
#ifndef SINK_USERS_H
#define SINK_USERS_H

#include <stdbool.h>
#include <stddef.h>

struct user {
        char *name;
        char *password;
};

struct users {
        struct user *users;
        size_t count;
};

bool users_load(struct users *users, const char *path);
bool users_match(const struct users *users, const char *name, const char *password);
void users_deinit(struct users *users);

#endif
