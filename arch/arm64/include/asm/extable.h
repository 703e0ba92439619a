/* SPDX-License-Identifier: BSD-2-Clause */
/* The exception table: instructions that may fault, and where to go on when they do. */
#ifndef ASM_EXTABLE_H
#define ASM_EXTABLE_H

#include <lib/types.h>

/* For inline assembly, labels as strings ("1b"): what faults in [start, end) goes on at fixup.
 * Entries are relative to themselves, so nothing needs relocation. */
#define EXTABLE(start, end, fixup) EXTABLE_ENTRY(start, end, fixup, "0")
/* The same also for an SError taken there: the code waits for what its access comes back as. */
#define EXTABLE_SETTLED(start, end, fixup) EXTABLE_ENTRY(start, end, fixup, "1")
#define EXTABLE_ENTRY(start, end, fixup, settled)                                                  \
	".pushsection __ex_table, \"a\"\n"                                                         \
	".balign 4\n"                                                                              \
	".long " start " - .\n"                                                                    \
	".short " end " - (" start ") + " settled ", " fixup " - (" start ")\n"                    \
	".popsection\n"

/* Where to go on after a fault (serror: an SError) at pc (virtual), or 0 when that instruction may
 * have none. Any context. */
unsigned long extable_fixup(unsigned long pc, bool serror);

#endif
