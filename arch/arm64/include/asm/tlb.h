/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: TLB maintenance for kernel addresses, all CPUs of the inner-shareable domain.
 */
#ifndef ASM_TLB_H
#define ASM_TLB_H

/*
 * Invalidate all entries for [start, end), virtual, page aligned: leaf entries and cached walks.
 * Orders earlier entry writes before the invalidation and completes before returning (DSB; TLBI;
 * DSB; ISB).
 */
void flush_tlb_kernel_range(unsigned long start, unsigned long end);

/* Everything of EL1. */
void flush_tlb_all(void);

#endif
