/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the C library's <limits.h> that libfdt uses; the compiler's own one wants the
 * library's. */
#ifndef LIBFDT_SHIM_LIMITS_H
#define LIBFDT_SHIM_LIMITS_H

#define INT_MAX  __INT_MAX__
#define UINT_MAX (INT_MAX * 2U + 1U)

#endif
