/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: the area is an array of the test's choosing (host_brk_limit bytes of
 * it). */
#ifndef ASM_BRK_H
#define ASM_BRK_H

#include <stddef.h>

#define RESERVE_BRK(name, size) _Static_assert((size) > 0, #name)

extern size_t host_brk_limit;
void *extend_brk(size_t size, size_t align);

#endif
