/* SPDX-License-Identifier: BSD-2-Clause */
#include "stubs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <lib/bug.h>
#include <lib/printk.h>

jmp_buf *stub_trap;
char stub_text[1024];
char stub_warning[1024];
unsigned int stub_warnings;
const char *boot_stage = "host test";

static __noreturn void stop(const char *fmt, va_list ap)
{
	vsnprintf(stub_text, sizeof(stub_text), fmt, ap);
	if (stub_trap)
		longjmp(*stub_trap, 1);
	fprintf(stderr, "unexpected stop: %s\n", stub_text);
	abort();
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	(void)file;
	(void)line;
	va_start(ap, fmt);
	stop(fmt, ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	stop(fmt, ap);
}

void warn_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	(void)file;
	(void)line;
	va_start(ap, fmt);
	vsnprintf(stub_warning, sizeof(stub_warning), fmt, ap);
	va_end(ap);
	stub_warnings++;
}

void printk(int level, const char *fmt, ...)
{
	va_list ap;

	if (level > 4)
		return;
	va_start(ap, fmt);
	vsnprintf(stub_warning, sizeof(stub_warning), fmt, ap);
	va_end(ap);
	stub_warnings++;
}

/* What is put together piece by piece ends as the last warning, in its last piece. */
void log_begin(struct log_message *msg, int level)
{
	msg->level = level;
}

void log_add(struct log_message *msg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (msg->level <= 4)
		vsnprintf(stub_warning, sizeof(stub_warning), fmt, ap);
	va_end(ap);
}

void log_end(struct log_message *msg)
{
	stub_warnings += msg->level <= 4;
}

void cprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n < (int)size ? n : (int)size - 1;
}
