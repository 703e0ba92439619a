/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printk: messages go to a ring in memory first, then to the console when there is one and the level
 * allows it. What was said before the console existed is printed when it registers. dmesg reads the ring.
 */
#ifndef LIB_PRINTK_H
#define LIB_PRINTK_H

#include <lib/compiler.h>
#include <lib/types.h>

/* Levels as in Linux: the console shows those below console_loglevel. */
enum { LOGLEVEL_EMERG, LOGLEVEL_ALERT, LOGLEVEL_CRIT, LOGLEVEL_ERR, LOGLEVEL_WARNING,
       LOGLEVEL_NOTICE, LOGLEVEL_INFO, LOGLEVEL_DEBUG };
#define CONSOLE_LOGLEVEL_DEFAULT 7
#define CONSOLE_LOGLEVEL_QUIET   4

extern int console_loglevel;

#define pr_emerg(...)  printk(LOGLEVEL_EMERG, __VA_ARGS__)
#define pr_err(...)    printk(LOGLEVEL_ERR, __VA_ARGS__)
#define pr_warn(...)   printk(LOGLEVEL_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOGLEVEL_NOTICE, __VA_ARGS__)
#define pr_info(...)   printk(LOGLEVEL_INFO, __VA_ARGS__)
/* In dmesg always, on the console only with loglevel=8. */
#define pr_debug(...)  printk(LOGLEVEL_DEBUG, __VA_ARGS__)

/* One message, a line each '\n'; a final newline is implied. Any context, any time after BSS is clear. */
void printk(int level, const char *fmt, ...) __printf(2, 3);

/* Output of monitor commands: to the console only, no time stamp, not recorded. */
void cprintf(const char *fmt, ...) __printf(1, 2);

/*
 * A console. write() gets text with '\n' line ends. Registering prints what the ring holds and allows;
 * unregister_console() returns to ring only.
 */
struct console {
	const char *name;
	void (*write)(struct console *con, const char *text, size_t len);
};
void register_console(struct console *con);
void unregister_console(struct console *con);

/* Nanoseconds since entry, for the time stamps; until set every stamp is 0. */
extern u64 (*printk_clock)(void);

/* Locking hooks: enter returns a cookie for leave. Unset: none. Interrupts are masked between them. */
extern unsigned long (*printk_lock)(void);
extern void (*printk_unlock)(unsigned long cookie);

/* Print the whole ring to the console, every level (dmesg). */
void printk_dump(void);

/* printf family: C99 subset d i u x X o c s p % with flags "-0 +#", width, precision, hh h l ll z t j. */
#include <stdarg.h>
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* Like snprintf but returns what was stored, never more than size - 1. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
