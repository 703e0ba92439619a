/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/bug.h>

#include <lib/printk.h>

const char *boot_stage = "entry";
struct bug_hooks bug_hooks __ro_after_init;

static void dump_stack(int level)
{
	if (bug_hooks.dump_stack)
		bug_hooks.dump_stack(level);
}

/* Before there is a hook, an exception ends it all. */
void halt(void)
{
	if (bug_hooks.halt)
		bug_hooks.halt();
	__builtin_trap();
}

/* The trap gives the handler the registers as they are here, and with them the backtrace. */
void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pr_emerg("kernel BUG at %s:%d: %pV", file, line, &(struct va_format){fmt, &ap});
	va_end(ap);
	__builtin_trap();
}

void warn_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pr_warn("WARNING at %s:%d: %pV", file, line, &(struct va_format){fmt, &ap});
	va_end(ap);
	dump_stack(LOGLEVEL_WARNING);
}

/* A panic on the way through this one gets its text out but no backtrace; one after that nothing
 * any more. */
void panic(const char *fmt, ...)
{
	static unsigned int depth;
	va_list ap;

	if (depth++ < 2) {
		va_start(ap, fmt);
		pr_emerg("Kernel panic - in %s: %pV", boot_stage, &(struct va_format){fmt, &ap});
		va_end(ap);
	}
	if (depth == 1)
		dump_stack(LOGLEVEL_EMERG);
	halt();
}
