/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: answers from the record of what host_mm made accessible. */
#ifndef ASM_PROBE_H
#define ASM_PROBE_H

#include <lib/types.h>

bool probe_read_u64(const volatile u64 *p, u64 *value);

/* Called behind each read: what another CPU does just then. NULL: nothing. */
extern void (*host_probe_hook)(void);

#endif
