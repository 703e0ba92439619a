/* SPDX-License-Identifier: BSD-2-Clause */
/* The exception table: instructions that may fault, and where to go on when they do. */
#ifndef ASM_EXTABLE_H
#define ASM_EXTABLE_H

#include <lib/types.h>

/* For inline assembly, labels as strings ("1b"): what faults in [start, end) goes on at fixup.
 * Entries are relative to themselves, so nothing needs relocation. */
#define EXTABLE(start, end, fixup)                                                                 \
	".pushsection __ex_table, \"a\"\n"                                                         \
	".balign 4\n"                                                                              \
	".long " start " - .\n"                                                                    \
	".short " end " - (" start "), " fixup " - (" start ")\n"                                  \
	".popsection\n"

/* Where to go on after a fault at pc (virtual), or 0 when that instruction may not fault. Any
 * context. */
unsigned long extable_fixup(unsigned long pc);

#endif
