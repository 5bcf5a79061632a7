/* SPDX-License-Identifier: MIT */
/* The version, as the build knows it. */

#include <postel/postel.h>

const char *postel_version(void)
{
        return POSTEL_VERSION;
}
