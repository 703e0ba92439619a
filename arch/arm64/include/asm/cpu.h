/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU: identity, clock, physical address size. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include <lib/types.h>

extern struct cpu boot_cpu;

/* First line of the log; starts the clock of its time stamps. Boot CPU, once. */
void boot_cpu_init(void);

/* The generic timer's virtual count (CNTVCT_EL0, not before earlier instructions), nanoseconds
 * since entry, and a number of ticks in nanoseconds (0 until boot_cpu_init()). Any context. */
u64 clock_ticks(void);
u64 clock_ns(void);
u64 ticks_to_ns(u64 ticks);

/* Let SErrors in (PSTATE.A) from here on: an error of the memory system is reported when it comes.
 * One that is pending is named and dropped. */
void unmask_serror(void);

/* A stack canary nobody can foresee. Only a function that never returns may call it: canaries in
 * use would not match. */
static inline void seed_stack_guard(u64 seed)
{
	extern unsigned long __stack_chk_guard;

	__stack_chk_guard = (__stack_chk_guard ^ seed * 0x9e3779b97f4a7c15) & ~0xffUL;
}

/* printk's lock: masks interrupts, may be taken again by its holder. The cookie goes to
 * console_unlock(). Any context. */
unsigned long console_lock(void);
void console_unlock(unsigned long cookie);

#endif
