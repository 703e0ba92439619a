/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: each test thread sets its host_cpu. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

extern unsigned int nr_cpu_ids;
extern __thread unsigned int host_cpu;

static inline unsigned int smp_processor_id(void)
{
	return host_cpu;
}

#endif
