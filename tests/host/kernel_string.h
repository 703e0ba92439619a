/* SPDX-License-Identifier: BSD-2-Clause */
/* For tests: the kernel's string and printf functions as k_..., the host's under their own names.
 */
#ifndef HOST_KERNEL_STRING_H
#define HOST_KERNEL_STRING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_names.h"
#include <lib/printk.h>
#include <lib/string.h>
#undef memchr
#undef memcmp
#undef memcpy
#undef memmove
#undef memset
#undef scnprintf
#undef snprintf
#undef strchr
#undef strcmp
#undef strlen
#undef strncmp
#undef strnlen
#undef strrchr
#undef strscpy
#undef strtoul
#undef vsnprintf

#endif
