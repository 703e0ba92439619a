/* SPDX-License-Identifier: BSD-2-Clause */
/* Contract with mm/: loads and stores that may fault. */
#ifndef ASM_PROBE_H
#define ASM_PROBE_H

#include <asm/extable.h>
#include <lib/types.h>

/*
 * Access *p; false when the access faults (unmapped, external abort), and then *value keeps what it
 * had. One load or store with an exception-table entry, so it costs nothing when it succeeds. Any
 * context once the kernel's vectors are set.
 */
#define PROBE_READ(name, type, insn, reg)                                                          \
	static inline bool name(const volatile type *p, type *value)                               \
	{                                                                                          \
		unsigned int ok;                                                                   \
		type v;                                                                            \
		__asm__ volatile("mov %w0, #0\n"                                                   \
				 "1: " insn " %" reg "1, %2\n"                                     \
				 "mov %w0, #1\n"                                                   \
				 "2:\n" EXTABLE("1b", "2b")                                        \
				 : "=&r"(ok), "=&r"(v)                                             \
				 : "Q"(*p));                                                       \
		if (ok)                                                                            \
			*value = v;                                                                \
		return ok;                                                                         \
	}

/* A write that nobody takes may come back as an SError: behind the DSB it is taken at one of the
 * next instructions. */
#define PROBE_WRITE(name, type, insn)                                                              \
	static inline bool name(volatile type *p, type value)                                      \
	{                                                                                          \
		unsigned int ok;                                                                   \
		__asm__ volatile("mov %w0, #0\n"                                                   \
				 "1: " insn " %w2, %1\n"                                           \
				 "dsb sy\n"                                                        \
				 "3: isb\n"                                                        \
				 "4: mov %w0, #1\n"                                                \
				 "2:\n" EXTABLE("1b", "2b") EXTABLE("3b", "2b")                    \
					 EXTABLE("4b", "2b")                                       \
				 : "=&r"(ok), "=Q"(*p)                                             \
				 : "r"(value));                                                    \
		return ok;                                                                         \
	}

PROBE_READ(probe_read_u64, u64, "ldr", "x")
PROBE_READ(probe_read_u32, u32, "ldr", "w")
PROBE_READ(probe_read_u8, u8, "ldrb", "w")
PROBE_WRITE(probe_write_u32, u32, "str")
PROBE_WRITE(probe_write_u8, u8, "strb")

#undef PROBE_READ
#undef PROBE_WRITE

#endif
