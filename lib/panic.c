/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/bug.h>

#include <lib/printk.h>

const char *boot_stage = "entry";
struct bug_hooks bug_hooks __ro_after_init;

static void dump_stack(void)
{
	if (bug_hooks.dump_stack)
		bug_hooks.dump_stack();
}

void halt(void)
{
	if (bug_hooks.halt)
		bug_hooks.halt();
	for (;;)
		barrier();
}

static void log_at(int level, const char *what, const char *file, int line, const char *fmt,
		   va_list *ap) __printf(5, 0);
static void log_at(int level, const char *what, const char *file, int line, const char *fmt,
		   va_list *ap)
{
	struct log_message msg;

	log_begin(&msg, level);
	log_add(&msg, "%s %s:%d: ", what, file, line);
	log_vadd(&msg, fmt, ap);
	log_end(&msg);
}

/* The trap gives the handler the registers as they are here, and with them the backtrace. */
void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOGLEVEL_EMERG, "kernel BUG at", file, line, fmt, &ap);
	va_end(ap);
	__builtin_trap();
}

void warn_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOGLEVEL_WARNING, "WARNING at", file, line, fmt, &ap);
	va_end(ap);
	dump_stack();
}

/* A panic on the way through this one gets its text out but no backtrace; one after that nothing
 * any more. */
void panic(const char *fmt, ...)
{
	static unsigned int depth;
	struct log_message msg;
	va_list ap;

	if (depth++ < 2) {
		log_begin(&msg, LOGLEVEL_EMERG);
		log_add(&msg, "Kernel panic - in %s: ", boot_stage);
		va_start(ap, fmt);
		log_vadd(&msg, fmt, &ap);
		va_end(ap);
		log_end(&msg);
	}
	if (depth == 1)
		dump_stack();
	halt();
}
