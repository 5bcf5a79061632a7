/* SPDX-License-Identifier: MIT */
#ifndef PASSWORD_H
#define PASSWORD_H

#include "options.h"

#include <postel/config.h>

/*
 * Gives the password of --password-file or of POSTEL_PASSWORD to the config. No copy of it is left in the
 * memory of the command, the environment included.
 */
postel_status password_configure(const struct options *options, postel_config *config, postel_error *error);

#endif
