/* SPDX-License-Identifier: BSD-2-Clause */
/* Stands in for lib/panic.c and lib/printk.c where those are not what is tested. */
#ifndef HOST_STUBS_H
#define HOST_STUBS_H

#include <setjmp.h>
#include <stdbool.h>

extern jmp_buf *stub_trap;      /* where BUG and panic go; NULL: the test fails */
extern char stub_text[1024];    /* text of the last BUG or panic */
extern char stub_warning[1024]; /* text of the last WARN or pr_warn */
extern unsigned int stub_warnings;

/* Run stmt; true if it ended in BUG or panic (the text is in stub_text). */
#define ENDS_IN_BUG(stmt)                                                                          \
	({                                                                                         \
		jmp_buf trap;                                                                      \
		volatile bool hit = true;                                                          \
		stub_trap = &trap;                                                                 \
		if (!setjmp(trap)) {                                                               \
			stmt;                                                                      \
			hit = false;                                                               \
		}                                                                                  \
		stub_trap = NULL;                                                                  \
		hit;                                                                               \
	})

#endif
