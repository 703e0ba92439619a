/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: a CPU is a thread, nothing interrupts it; whether it could is what
 * asserts ask. */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

extern __thread unsigned long host_irqs_masked;

static inline unsigned long local_irq_save(void)
{
	unsigned long flags = host_irqs_masked;

	host_irqs_masked = 1;
	return flags;
}

static inline unsigned long local_serror_save(void)
{
	return local_irq_save();
}

static inline void local_irq_restore(unsigned long flags)
{
	host_irqs_masked = flags;
}

#endif
