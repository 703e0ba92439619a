/* SPDX-License-Identifier: BSD-2-Clause */
/* Host side of the contract: the ticket lock in C11 atomics, so that ThreadSanitizer sees the
 * ordering. */
#ifndef ASM_SPINLOCK_H
#define ASM_SPINLOCK_H

#include <asm/irqflags.h>
#include <lib/types.h>
#include <assert.h>
#include <sched.h>

typedef struct {
	u16 owner, next;
} spinlock_t;

#define SPIN_LOCK_UNLOCKED                                                                         \
	{                                                                                          \
		0, 0                                                                               \
	}

/* Called behind each unlock, by who unlocked: there a test does what another CPU might just then,
 * or yields. NULL: nothing. */
extern void (*host_unlock_hook)(void);

static inline void spin_lock(spinlock_t *lock)
{
	u16 ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);

	assert(host_irqs_masked);
	while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
		sched_yield();
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->owner, (u16)(lock->owner + 1), __ATOMIC_RELEASE);
	if (host_unlock_hook)
		host_unlock_hook();
}

static inline unsigned long spin_lock_irqsave(spinlock_t *lock)
{
	unsigned long flags = local_irq_save();

	spin_lock(lock);
	return flags;
}

static inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	spin_unlock(lock);
	local_irq_restore(flags);
}

#endif
