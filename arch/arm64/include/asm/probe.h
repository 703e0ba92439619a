/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: loads and stores that may fault. */
#ifndef ASM_PROBE_H
#define ASM_PROBE_H

#include <asm/extable.h>
#include <asm/irqflags.h>
#include <lib/types.h>

/*
 * Access *p; false when the access faults (unmapped, external abort), and then *value keeps what it
 * had. One load or store with an exception-table entry, so it costs nothing when it succeeds. Any
 * context once the kernel's vectors are set.
 *
 * probe_read_u64() is for memory. The others are for devices too, and for addresses where there may
 * be nothing at all: what comes back as an SError is waited for (DSB) and taken (ISB; where the CPU
 * has RAS, ESB) before the end, so it is the probe's; PSTATE.A must be clear for that. They load
 * with acquire, as readl() does (asm/io.h).
 */
#define PROBE_SETTLE                                                                               \
	"dsb sy\n"                                                                                 \
	"isb\n"                                                                                    \
	"hint #16\n" /* ESB */

#define PROBE_READ(name, type, insn, reg, settle, extable)                                         \
	static inline bool name(const volatile type *p, type *value)                               \
	{                                                                                          \
		unsigned int ok;                                                                   \
		type v;                                                                            \
		__asm__ volatile("mov %w0, #0\n"                                                   \
				 "1: " insn " %" reg "1, %2\n" settle "mov %w0, #1\n"              \
				 "2:\n" extable("1b", "2b", "2b")                                  \
				 : "=&r"(ok), "=&r"(v)                                             \
				 : "Q"(*p));                                                       \
		if (ok)                                                                            \
			*value = v;                                                                \
		return ok;                                                                         \
	}

#define PROBE_WRITE(name, type, insn)                                                              \
	static inline bool name(volatile type *p, type value)                                      \
	{                                                                                          \
		unsigned int ok;                                                                   \
		__asm__ volatile("mov %w0, #0\n"                                                   \
				 "1: " insn " %w2, %1\n" PROBE_SETTLE "mov %w0, #1\n"              \
				 "2:\n" EXTABLE_SETTLED("1b", "2b", "2b")                          \
				 : "=&r"(ok), "=Q"(*p)                                             \
				 : "r"(value));                                                    \
		return ok;                                                                         \
	}

PROBE_READ(probe_read_u64, u64, "ldr", "x", "", EXTABLE)
PROBE_READ(probe_read_u32, u32, "ldar", "w", PROBE_SETTLE, EXTABLE_SETTLED)
PROBE_READ(probe_read_u8, u8, "ldarb", "w", PROBE_SETTLE, EXTABLE_SETTLED)
PROBE_WRITE(probe_write_u32, u32, "str")
PROBE_WRITE(probe_write_u8, u8, "strb")

#undef PROBE_READ
#undef PROBE_WRITE

/* One access that may fault, and nothing else. */
#define DEVICE_LOAD(insn, value, p, fault)                                                         \
	__asm__ goto("1: " insn " %w0, [%1]\n" EXTABLE("1b", "1b + 4", "%l[" #fault "]")           \
		     : "=r"(value)                                                                 \
		     : "r"(p)                                                                      \
		     :                                                                             \
		     : fault)
#define DEVICE_STORE(insn, value, p, fault)                                                        \
	__asm__ goto("1: " insn " %w0, [%1]\n" EXTABLE("1b", "1b + 4", "%l[" #fault "]")           \
		     :                                                                             \
		     : "r"(value), "r"(p)                                                          \
		     : "memory"                                                                    \
		     : fault)
#define DEVICE_LOAD8(value, p, fault)   DEVICE_LOAD("ldarb", value, p, fault)
#define DEVICE_LOAD32(value, p, fault)  DEVICE_LOAD("ldar", value, p, fault)
#define DEVICE_STORE8(value, p, fault)  DEVICE_STORE("strb", value, p, fault)
#define DEVICE_STORE32(value, p, fault) DEVICE_STORE("str", value, p, fault)

/* Take the SError that is pending, if there is one: true, and ESR_EL1 says which. PSTATE.A is clear
 * behind it. */
static inline bool probe_pending_serror(void)
{
	unsigned int none;

	__asm__ volatile("mov %w0, #0\n"
			 "1: msr daifclr, %1\n" PROBE_SETTLE "mov %w0, #1\n"
			 "2:\n" EXTABLE_SETTLED("1b", "2b", "2b")
			 : "=&r"(none)
			 : "i"(DAIF_SERROR >> 6)
			 : "memory");
	return !none;
}

/* Wait for what earlier accesses may come back as. */
static inline void probe_settle(void)
{
	__asm__ volatile(PROBE_SETTLE ::: "memory");
}

#endif
