/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printk: messages go to a ring in memory first, then to the console when there is one and the
 * level allows it. What was said before the console existed is printed when it registers. dmesg
 * reads the ring.
 */
#ifndef LIB_PRINTK_H
#define LIB_PRINTK_H

#include <lib/compiler.h>
#include <lib/types.h>
#include <stdarg.h>

/* Levels as in Linux: the console shows those below console_loglevel. */
enum {
	LOGLEVEL_EMERG,
	LOGLEVEL_ALERT,
	LOGLEVEL_CRIT,
	LOGLEVEL_ERR,
	LOGLEVEL_WARNING,
	LOGLEVEL_NOTICE,
	LOGLEVEL_INFO,
	LOGLEVEL_DEBUG
};
#define CONSOLE_LOGLEVEL_DEFAULT 7
#define CONSOLE_LOGLEVEL_QUIET   4

extern int console_loglevel;

#define pr_emerg(...)  printk(LOGLEVEL_EMERG, __VA_ARGS__)
#define pr_err(...)    printk(LOGLEVEL_ERR, __VA_ARGS__)
#define pr_warn(...)   printk(LOGLEVEL_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOGLEVEL_NOTICE, __VA_ARGS__)
#define pr_info(...)   printk(LOGLEVEL_INFO, __VA_ARGS__)
/* In dmesg always, on the console only with loglevel=8. */
#define pr_debug(...) printk(LOGLEVEL_DEBUG, __VA_ARGS__)

/* One message, a line each '\n'; a final newline is implied. Any context, any time after BSS is
 * clear. */
void printk(int level, const char *fmt, ...) __printf(2, 3);

/* Output of monitor commands: to the console only, no time stamp, not recorded. */
void cprintf(const char *fmt, ...) __printf(1, 2);

/* Where formatted text goes: to pos and up; when pos has reached end, full() must make room (one
 * byte or more). */
struct printf_sink {
	char *pos, *end;
	void (*full)(struct printf_sink *sink);
};
/* ap: left behind the last argument. */
void vsinkf(struct printf_sink *sink, const char *fmt, va_list *ap) __printf(2, 0);

/*
 * A message put together piece by piece: log_begin(), any number of log_add(), log_end(). Nothing
 * is locked in between. It may be of any length: whole lines go to the ring once the buffer is
 * full, and a line longer than that in parts.
 */
enum { LOG_HEADROOM = 31, LOG_BUFFER = 480 };
struct log_message {
	struct printf_sink sink;
	u64 time;
	int level;
	bool mid_line;  /* the start of the line is out already */
	bool need_line; /* a newline is still owed */
	char buf[LOG_BUFFER] __aligned(
		8); /* time stamp, ending at LOG_HEADROOM; text; the newline */
};
void log_begin(struct log_message *msg, int level);
void log_add(struct log_message *msg, const char *fmt, ...) __printf(2, 3);
void log_end(struct log_message *msg);

/*
 * A console. write() gets text with '\n' line ends, a line a call; it runs inside the lock below
 * and may call printk() and unregister_console(). Registering prints those lines of the ring that
 * no console has shown yet and the level allows; unregister_console() returns to ring only.
 */
struct console {
	const char *name;
	void (*write)(struct console *con, const char *text, size_t len);
};
void register_console(struct console *con);
void unregister_console(struct console *con);

/* Nanoseconds since entry, for the time stamps; until set every stamp is 0. */
extern u64 (*printk_clock)(void);

/*
 * Locking hooks: enter returns a cookie for leave. Unset: none. Interrupts are masked between them.
 * The CPU that holds the lock must get it again at once: an exception inside printk() is reported
 * by printk().
 */
extern unsigned long (*printk_lock)(void);
extern void (*printk_unlock)(unsigned long cookie);

/* The ring as it is in memory, so that it can be written there from the caches. */
const void *printk_area(size_t *size);

/* Move the ring to memory of LOG_RING_SIZE bytes (lib/logblock.h), where sums begin with seed.
 * Those of lines at positions below what is returned begin with 0; *first: where the oldest is. */
u64 printk_move(char *to, u64 seed, u64 *first);

/*
 * The next line of the ring from *pos (0: the oldest) on that a console at today's level would
 * show, len bytes. NULL: there is none. Looks and locks nothing: for a machine that prints no more.
 */
const char *printk_next(unsigned long *pos, size_t *len);

/* False inside of a console's write() that faulted twice: what is logged goes to the ring alone. */
bool printk_shows(void);

/* The ring is, or will be, found there: for who changes what addresses mean. */
void printk_at(char *data);

/* Print the whole ring to the console, every level (dmesg). */
void printk_dump(void);

/*
 * printf family: C99 subset d i u x X o c s p % with flags "-0 +#", width, precision, hh h l ll z t
 * j. %p is 0x and 16 digits, %pS the same or what printk_symbol makes of it: a function's name; %pV
 * a struct va_format, for who puts something before or behind a message. A conversion that is not
 * known is shown as it is written. Of %s a terminal has nothing to obey: control characters but
 * '\n' and '\t' become '?'.
 */
struct va_format {
	const char *fmt;
	va_list *va;
};
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
/* Like snprintf but returns what was stored, never more than size - 1. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Put the symbol of a text address, or what can be said of another, into buf; returns the length.
 * Unset: numbers. */
extern int (*printk_symbol)(unsigned long addr, char *buf, size_t size);

#endif
