/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables for people. */
#ifndef ASM_PTDUMP_H
#define ASM_PTDUMP_H

/* Tell, a line a level, what the live tables have for va, and how the MMU translates it. Any
 * context. */
void pt_show_walk(unsigned long va, void (*print_line)(const char *line));

#endif
