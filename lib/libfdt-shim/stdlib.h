/* SPDX-License-Identifier: BSD-2-Clause */
/* What libfdt_env.h expects of the C library's <stdlib.h>. */
#ifndef LIBFDT_SHIM_STDLIB_H
#define LIBFDT_SHIM_STDLIB_H

#include <lib/string.h>

#endif
