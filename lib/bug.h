/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ways to stop. BUG: an invariant of our own is broken. panic(): the boot cannot go on.
 * Wrong input (firmware, device tree, user) is neither: it gets an error value and one line of
 * text.
 */
#ifndef LIB_BUG_H
#define LIB_BUG_H

#include <lib/compiler.h>
#include <lib/types.h>

/* Prints "kernel BUG at file:line: text", registers and a backtrace; does not return. Any context.
 */
#define BUG(...) bug_at(__FILE_NAME__, __LINE__, __VA_ARGS__)
/* The place says which: conditions as text would be a hundredth of the image. */
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			BUG("broken invariant");                                                   \
	} while (0)

/* Prints a warning with file, line and backtrace when cond holds; yields cond. Any context. */
#define WARN(cond, ...)                                                                            \
	({                                                                                         \
		bool warn_cond = !!(cond);                                                         \
		if (unlikely(warn_cond))                                                           \
			warn_at(__FILE_NAME__, __LINE__, __VA_ARGS__);                             \
		warn_cond;                                                                         \
	})
#define WARN_ON(cond) WARN(cond, "broken invariant")

void bug_at(const char *file, int line, const char *fmt, ...) __printf(3, 4) __noreturn;
void warn_at(const char *file, int line, const char *fmt, ...) __printf(3, 4);

/* Prints "Kernel panic - in <stage>: text" and a backtrace, then halts by the registered hook. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

/* Stop for good by the registered hook, after the last word has been said. Any context. */
void halt(void) __noreturn;

/* The boot stage a panic names; start_kernel() keeps it current. A string constant. */
extern const char *boot_stage;

/* Hooks of the architecture; unset ones do nothing, an unset halt is an exception. */
struct bug_hooks {
	void (*dump_stack)(int level); /* backtrace of the caller to the log */
	__noreturn void (*halt)(void); /* stop the machine, leaving a reason code */
};
extern struct bug_hooks bug_hooks;

#endif
