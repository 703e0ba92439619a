/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: what was flushed is recorded for the test to check. */
#ifndef ASM_TLB_H
#define ASM_TLB_H

struct host_flush {
	unsigned long start, end;
};
extern struct host_flush host_flushes[];
extern unsigned int host_flush_count; /* reset by the test; records stop at 64, the count goes on */
/* Called by each flush, to check that the entries were changed before; NULL: nothing. */
extern void (*host_flush_hook)(unsigned long start, unsigned long end);

void flush_tlb_kernel_range(unsigned long start, unsigned long end);
void flush_tlb_all(void);

#endif
