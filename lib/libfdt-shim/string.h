/* SPDX-License-Identifier: BSD-2-Clause */
/* What libfdt_env.h expects of the C library's <string.h>. */
#ifndef LIBFDT_SHIM_STRING_H
#define LIBFDT_SHIM_STRING_H

#include <lib/string.h>

#endif
