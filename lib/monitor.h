/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor: a prompt on the console, and the commands in run= before it. A command is words
 * separated by white space; ' and " keep white space and ; together; ; ends a command. Commands
 * print with cprintf().
 */
#ifndef LIB_MONITOR_H
#define LIB_MONITOR_H

#include <lib/cmdline.h>
#include <lib/compiler.h>
#include <lib/types.h>

/*
 * handler: argv[0] is the command's name, argv[argc] NULL; the words may be changed. It returns 0,
 * -EINVAL for wrong arguments (the usage is printed then), or another error it has put in words
 * itself.
 */
struct monitor_command {
	const char *text; /* name, arguments for the usage line, help: strings behind each other */
	int (*handler)(int argc, char **argv);
};

/* For file scope: MONITOR_COMMAND(mem, "", "what memory is used for", mem_command). */
#define MONITOR_COMMAND(name, args, help, handler)                                                 \
	static const struct monitor_command monitor_##name __used __section("monitor_commands")    \
		__aligned(_Alignof(struct monitor_command)) = {#name "\0" args "\0" help, handler}

/* Run the commands in the string. Returns 0, or the error of the first one that failed; the others
 * run too. */
int monitor_run(const char *commands);

/* Run what run= says, then serve the prompt for ever. Without monitor_getc this is where the kernel
 * halts. */
void monitor_loop(void) __noreturn;

/* The next character from the console, -1 if there is none now. Polled: may wait a little. Unset:
 * no input. */
extern int (*monitor_getc)(void);

#endif
