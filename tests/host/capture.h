/* SPDX-License-Identifier: BSD-2-Clause */
/* A console that keeps what is written to it. */
#ifndef HOST_CAPTURE_H
#define HOST_CAPTURE_H

#include <lib/printk.h>

extern struct console capture_console;
extern unsigned int capture_writes; /* write() calls since capture_clear() */
/* Called at the start of each write(), when set. */
extern void (*capture_hook)(void);

/* What was written since capture_clear(), terminated. */
const char *captured(void);
void capture_clear(void);

#endif
