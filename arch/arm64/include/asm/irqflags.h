/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: mask interrupts on this CPU (PSTATE.DAIF, Arm ARM C5.2.3). */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

#define DAIF_IRQ_FIQ 0xc0UL /* as DAIF shows them; 6 bits lower in DAIFSET */
#define DAIF_SERROR  0x100UL
#define DAIF_ALL     0x3c0UL

static inline unsigned long local_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("mrs %0, daif\n\tmsr daifset, %1"
			 : "=r"(flags)
			 : "i"(DAIF_IRQ_FIQ >> 6)
			 : "memory");
	return flags;
}

/* The same, SErrors too. Back with local_irq_restore(). */
static inline unsigned long local_serror_save(void)
{
	unsigned long flags = local_irq_save();

	__asm__ volatile("msr daifset, %0" ::"i"(DAIF_SERROR >> 6) : "memory");
	return flags;
}

static inline void local_irq_restore(unsigned long flags)
{
	__asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}

#endif
