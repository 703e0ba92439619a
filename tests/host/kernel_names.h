/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/string.c and lib/vsprintf.c beside the host's C library in one binary: kernel sources are
 * compiled with this file in front, and their functions are called k_memcpy and so on. A test
 * includes it around a kernel header, see kernel_string.h.
 */
#define memchr    k_memchr
#define memcmp    k_memcmp
#define memcpy    k_memcpy
#define memmove   k_memmove
#define memset    k_memset
#define scnprintf k_scnprintf
#define snprintf  k_snprintf
#define strchr    k_strchr
#define strcmp    k_strcmp
#define strlen    k_strlen
#define strncmp   k_strncmp
#define strnlen   k_strnlen
#define strrchr   k_strrchr
#define strscpy   k_strscpy
#define strtoul   k_strtoul
#define vsnprintf k_vsnprintf
