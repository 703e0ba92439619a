/* SPDX-License-Identifier: BSD-2-Clause */
/* In front of every file of a build for ThreadSanitizer, which wants what happens at once to be
 * atomic: see lib/compiler.h. */
#ifndef HOST_TSAN_H
#define HOST_TSAN_H

#define READ_ONCE(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

#endif
