/* SPDX-License-Identifier: MIT */
/* The file of lines user:password. A password may hold colons, a name may not. */
#include "users.h"

#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool users_load(struct users *users, const char *path)
{
        FILE *file = fopen(path, "re");
        char *line = NULL;
        size_t size = 0;
        bool loaded;

        if (file == NULL) {
                perror(path);
                return false;
        }
        while (getline(&line, &size, file) >= 0) {
                char *colon = strchr(line, ':');

                line[strcspn(line, "\r\n")] = '\0';
                if (colon == NULL)
                        continue;
                users->users = memory_resize(users->users, (users->count + 1) * sizeof *users->users);
                users->users[users->count++] = (struct user){
                        .name = memory_copy(line, (size_t)(colon - line)),
                        .password = memory_copy(colon + 1, strlen(colon + 1)),
                };
        }
        loaded = !ferror(file) && users->count > 0;
        if (!loaded)
                fprintf(stderr, "postel-sink: %s: no line user:password\n", path);
        free(line);
        fclose(file);
        return loaded;
}

bool users_match(const struct users *users, const char *name, const char *password)
{
        for (size_t i = 0; i < users->count; i++)
                if (strcmp(users->users[i].name, name) == 0 &&
                        strcmp(users->users[i].password, password) == 0)
                        return true;
        return false;
}

void users_deinit(struct users *users)
{
        for (size_t i = 0; i < users->count; i++) {
                free(users->users[i].name);
                free(users->users[i].password);
        }
        free(users->users);
        *users = (struct users){ 0 };
}
