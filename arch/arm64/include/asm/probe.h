/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: loads that may fault. */
#ifndef ASM_PROBE_H
#define ASM_PROBE_H

#include <lib/types.h>

/*
 * Load *p into *value; false, and *value untouched, when the access faults (unmapped, external abort). One load
 * instruction with an exception-table entry, so it costs nothing when it succeeds. Any context.
 */
bool probe_read_u64(const volatile u64 *p, u64 *value);
bool probe_read_u32(const volatile u32 *p, u32 *value);
bool probe_read_u8(const volatile u8 *p, u8 *value);
bool probe_write_u32(volatile u32 *p, u32 value);
bool probe_write_u8(volatile u8 *p, u8 value);

#endif
