/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: answers from the record of what host_mm made accessible. */
#ifndef ASM_PROBE_H
#define ASM_PROBE_H

#include <lib/types.h>

bool probe_read_u64(const volatile u64 *p, u64 *value);

#endif
