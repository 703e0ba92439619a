/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: a CPU is a thread, nothing interrupts it. */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

static inline unsigned long local_irq_save(void)
{
	return 0;
}

static inline void local_irq_restore(unsigned long flags)
{
	(void)flags;
}

#endif
