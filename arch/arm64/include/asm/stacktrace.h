/* SPDX-License-Identifier: BSD-2-Clause */
/* Backtraces in symbols. Any context; nothing here can fault. */
#ifndef ASM_STACKTRACE_H
#define ASM_STACKTRACE_H

#include <lib/types.h>

/* "function+0x12/0x34", place in it and its size, for a text address, be it init text that is freed
 * by now; else the number. Returns the length stored in buf. */
int format_symbol(unsigned long addr, char *buf, size_t size);

/* Log pc and the callers found from frame pointer fp (virtual), at this level. */
void show_backtrace(int level, unsigned long pc, unsigned long fp);

/* The same for the caller. */
void dump_stack(int level);

#endif
