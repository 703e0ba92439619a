/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contract with mm/: which CPU this is. TPIDR_EL1 points to the CPU's struct cpu. Data that is per
 * CPU lives in arrays of nr_cpu_ids elements, indexed by smp_processor_id(), with interrupts masked
 * while an element is used.
 */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

#include <lib/types.h>

struct cpu {
	unsigned int id; /* 0..nr_cpu_ids - 1; 0 is the boot CPU */
	u64 mpidr;       /* MPIDR_EL1 affinity fields */
	/* Where a translation fault was without reason last, and how often in a row. */
	unsigned long spurious_at;
	u64 spurious_time; /* CNTVCT */
	unsigned int spurious;
};

/* CPUs the device tree describes, at least 1. Known after setup_machine_fdt(). */
extern unsigned int nr_cpu_ids;

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	__asm__("mrs %0, tpidr_el1" : "=r"(cpu));
	return cpu;
}

static inline unsigned int smp_processor_id(void)
{
	return this_cpu()->id;
}

#endif
