/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: each test thread sets its host_cpu. Which one it is can change while
 * interrupts are not masked. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

#include <asm/irqflags.h>
#include <assert.h>

extern unsigned int nr_cpu_ids;
extern __thread unsigned int host_cpu;

struct cpu;

/* Told apart, not looked into. */
static inline struct cpu *this_cpu(void)
{
	return (struct cpu *)&host_cpu;
}

static inline unsigned int smp_processor_id(void)
{
	assert(host_irqs_masked);
	return host_cpu;
}

#endif
