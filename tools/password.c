/* SPDX-License-Identifier: MIT */
/*
 * Where the password comes from: never from an argument, which every user of the machine can read. It is read
 * without stdio, whose buffers could not be wiped.
 */

#include "password.h"

#include "option_values.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PASSWORD_VARIABLE   "POSTEL_PASSWORD"
#define MAX_PASSWORD_OCTETS 1024 /* the library's limit */
#define MAX_NEWLINE_OCTETS  2

struct password {
        /* One more than may come tells a file that is too long; one is for the final NUL. */
        char text[MAX_PASSWORD_OCTETS + MAX_NEWLINE_OCTETS + 1 + 1];
        size_t size;
};

static bool read_all(int fd, struct password *password)
{
        size_t room = sizeof(password->text) - 1;
        ssize_t got;

        do {
                got = read(fd, password->text + password->size, room - password->size);
                if (got > 0)
                        password->size += (size_t)got;
        } while ((got > 0 && password->size < room) || (got < 0 && errno == EINTR));
        return got >= 0;
}

static void strip_newline(struct password *password)
{
        if (password->size && password->text[password->size - 1] == '\n') {
                password->size--;
                if (password->size && password->text[password->size - 1] == '\r')
                        password->size--;
        }
        password->text[password->size] = '\0';
}

static postel_status read_file(const struct options *options, struct password *password, postel_error *error)
{
        const char *path = options_text(options, OPTION_PASSWORD_FILE);
        bool is_standard_input = strcmp(path, "-") == 0;
        int fd = is_standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        bool is_read = fd >= 0 && read_all(fd, password);
        int cause = errno;

        if (fd >= 0 && !is_standard_input)
                close(fd);
        if (!is_read)
                return options_refuse(options, OPTION_PASSWORD_FILE, strerror(cause), error);
        strip_newline(password);
        if (password->size > MAX_PASSWORD_OCTETS)
                return options_refuse(options, OPTION_PASSWORD_FILE, "holds more than 1024 octets", error);
        if (strlen(password->text) != password->size)
                return options_refuse(options, OPTION_PASSWORD_FILE, "holds a NUL octet", error);
        return POSTEL_OK;
}

static postel_status from_file(const struct options *options, postel_config *config, postel_error *error)
{
        struct password password = { .size = 0 };
        postel_status status = read_file(options, &password, error);

        if (status == POSTEL_OK)
                postel_config_set_password(config, password.text);
        explicit_bzero(&password, sizeof(password));
        return status;
}

static postel_status from_environment(postel_config *config, postel_error *error)
{
        char *text = getenv(PASSWORD_VARIABLE);
        postel_status status = POSTEL_OK;

        if (!text)
                return text_error(error, POSTEL_INVALID,
                        "a user needs a password: give --password-file or set " PASSWORD_VARIABLE);

        size_t size = strlen(text);
        if (size > MAX_PASSWORD_OCTETS)
                status = text_error(error, POSTEL_INVALID, PASSWORD_VARIABLE ": holds more than 1024 octets");
        else
                postel_config_set_password(config, text);
        explicit_bzero(text, size);
        return status;
}

postel_status password_configure(const struct options *options, postel_config *config, postel_error *error)
{
        if (options_given(options, OPTION_PASSWORD_FILE))
                return from_file(options, config, error);
        return from_environment(config, error);
}
