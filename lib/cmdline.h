/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel command line: words separated by white space, each "name" or "name=value". Double
 * quotes keep white space together, around a value or a whole word; "--" ends the kernel's part. In
 * names - and _ are the same.
 */
#ifndef LIB_CMDLINE_H
#define LIB_CMDLINE_H

#include <lib/compiler.h>
#include <lib/types.h>

/*
 * One parameter. The handler gets the value without its quotes, len characters and not
 * zero-terminated, or NULL where there was no '='. What follows the value can be no part of a
 * number, so memparse() may be used on it. The value stays where it is as long as the command line
 * does. An error (-EINVAL, -ERANGE) makes the parser say what was wrong, with help: text to go
 * behind the name, such as "=<n> does this".
 */
struct early_param {
	const char *text; /* maybe PARAM_FIRST; the name; behind its NUL help */
	int (*handler)(const char *val, size_t len);
};

/* Served before the others, wherever it stands. */
#define PARAM_FIRST "<"

/* For file scope. The handler may be __init: the table is for the boot only. */
#define EARLY_PARAM(name, handler, help)       EARLY_PARAM_ENTRY(name "\0" help, handler, __LINE__)
#define EARLY_PARAM_FIRST(name, handler, help) EARLY_PARAM(PARAM_FIRST name, handler, help)

#define EARLY_PARAM_ENTRY(text, handler, line) EARLY_PARAM_ENTRY_(text, handler, line)
#define EARLY_PARAM_ENTRY_(text, handler, line)                                                    \
	static const struct early_param early_param_##line __used __section("early_params")        \
		__aligned(_Alignof(struct early_param)) = {text, handler}

/*
 * Call the handlers for all words of cmdline (NULL: none), in the order they stand,
 * EARLY_PARAM_FIRST ones first. Words nobody knows are listed in one message. Once, in the boot.
 */
void parse_early_params(const char *cmdline);

/* The value of the first word called name, without its quotes, *len characters; "" where it has no
 * '='. NULL: there is no such word. Before the MMU is on, too. */
const char *cmdline_value(const char *cmdline, const char *name, size_t *len);

/*
 * A number, decimal or 0x..., with an optional suffix K M G T P E (powers of 1024, either case; in
 * hexadecimal E is a digit). end (may be NULL) is set behind what was understood; to s, with result
 * 0, if that is nothing or does not fit 64 bits.
 */
u64 memparse(const char *s, const char **end);

/*
 * The len characters at s as an int, decimal or 0x..., maybe signed. 0, -EINVAL if they are
 * something else (s may be NULL), -ERANGE.
 */
int parse_int(const char *s, size_t len, int *value);

/* The whole string s as memparse() reads it. */
bool parse_u64(const char *s, u64 *value);

#endif
