/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: mask interrupts on this CPU (PSTATE.DAIF, Arm ARM C5.2.3). */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

#define DAIF_MASK_IRQ_FIQ 3

static inline unsigned long local_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("mrs %0, daif\n\tmsr daifset, %1"
			 : "=r"(flags)
			 : "i"(DAIF_MASK_IRQ_FIQ)
			 : "memory");
	return flags;
}

static inline void local_irq_restore(unsigned long flags)
{
	__asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}

/* Let SErrors in (PSTATE.A): an error of the memory system is reported when it comes. Needs vectors
 * and a log. */
static inline void unmask_serror(void)
{
	__asm__ volatile("msr daifclr, #4" ::: "memory");
}

#endif
