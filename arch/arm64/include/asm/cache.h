/* SPDX-License-Identifier: BSD-2-Clause */
/* Data cache maintenance to the point of coherency. */
#ifndef ASM_CACHE_H
#define ASM_CACHE_H

/* Write the lines of [start, end), virtual, to memory where they are dirty, and drop them. Complete
 * on return. */
void dcache_clean_inval_poc(const void *start, const void *end);

#endif
