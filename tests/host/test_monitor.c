/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/monitor.c: keys go in, commands and the text on the screen come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lib/bug.h>
#include <lib/errno.h>
#include <lib/monitor.h>

#include "capture.h"
#include "kernel_string.h"
#include "random.h"

#define PROMPT  "firstlight> "
#define REDRAW  "\r\033[K" PROMPT
#define UP      "\033[A"
#define DOWN    "\033OB"
#define LONGEST 255

/* Calls of the test's commands, "name(word,word)" each. */
static char calls[100000];
static int answer;

static int note(int argc, char **argv)
{
	char *p = calls + strlen(calls);

	p += sprintf(p, "%s(", argv[0]);
	for (int i = 1; i < argc; i++)
		p += sprintf(p, "%s%s", i > 1 ? "," : "", argv[i]);
	strcpy(p, ")");
	assert_null(argv[argc]);
	return answer;
}
MONITOR_COMMAND(note, "<words>", "note the words", note);
MONITOR_COMMAND(aaa, "", "first in the alphabet", note);
MONITOR_COMMAND(many, "<a>|<b>|<c>|<d>|<e>", "more words than the column", note);

/* --- input
 * ---------------------------------------------------------------------------------------- */

static const char *keys;
static jmp_buf no_more_keys;

static int test_getc(void)
{
	static unsigned int polls;

	if (polls++ % 3)
		return -1;
	if (!*keys)
		longjmp(no_more_keys, 1);
	return (unsigned char)*keys++;
}

static void type(const char *input)
{
	keys = input;
	calls[0] = '\0';
	capture_clear();
	if (setjmp(no_more_keys) == 0)
		monitor_loop();
}

static void expect(const char *input, const char *wanted_calls, const char *screen)
{
	type(input);
	assert_string_equal(calls, wanted_calls);
	if (screen)
		assert_string_equal(captured(), screen);
}

static void expect_run(const char *commands, int result, const char *wanted_calls,
		       const char *screen)
{
	calls[0] = '\0';
	capture_clear();
	assert_int_equal(monitor_run(commands), result);
	assert_string_equal(calls, wanted_calls);
	assert_string_equal(captured(), screen);
}

/* --- commands
 * ------------------------------------------------------------------------------------- */

static void test_words(void **state)
{
	(void)state;
	expect_run("", 0, "", "");
	expect_run(" ; ;; \t", 0, "", "");
	expect_run("note", 0, "note()", "");
	expect_run("  note a  b\tc ;note d;", 0, "note(a,b,c)note(d)", "");
	expect_run("note 'a  ;b' \"it's\" c'd 'e \"\" ''", 0, "note(a  ;b,it's,cd e,,)", "");
	expect_run("note \"a", -EINVAL, "", "a quote has no end; nothing was done\n");
	expect_run("note 'a; note b", -EINVAL, "", "a quote has no end; nothing was done\n");
}

static void test_failures(void **state)
{
	(void)state;
	expect_run("nope a; note", -ENOENT, "note()", "nope: unknown command, 'help' lists them\n");
	answer = -EINVAL;
	expect_run("note x; aaa; nope", -EINVAL, "note(x)aaa()",
		   "usage: note <words>\nusage: aaa\nnope: unknown command, 'help' lists them\n");
	answer = -ENOMEM;
	expect_run("note", -ENOMEM, "note()", "");
	answer = 0;
}

static void test_length_of_commands(void **state)
{
	char line[400];

	(void)state;
	/* As many words as fit. */
	strcpy(line, "note");
	while (strlen(line) < LONGEST - 1)
		strcat(line, " x");
	assert_int_equal(monitor_run(line), 0);
	memset(line, 'y', LONGEST);
	line[LONGEST] = '\0';
	memcpy(line, "note ", 5);
	assert_int_equal(monitor_run(line), 0);
	strcat(line, "y; note");
	expect_run(line, -E2BIG, "note()",
		   "256 characters are too many for a command, 255 are possible\n");
}

static void test_builtin_commands(void **state)
{
	(void)state;
	expect_run("echo; echo a 'b  c' d", 0, "", "\na b  c d\n");
	expect_run("help", 0, "",
		   "aaa                     first in the alphabet\n"
		   "dmesg [-p]              the log, every level; -p: the previous boot's\n"
		   "echo [text...]          print its words\n"
		   "help [command]          what the commands do\n"
		   "many <a>|<b>|<c>|<d>|<e>\n"
		   "                        more words than the column\n"
		   "note <words>            note the words\n");
	expect_run("help note; help x; help a b", -ENOENT, "",
		   "note <words>            note the words\n"
		   "help: there is no command x\n"
		   "usage: help [command]\n");
	expect_run("dmesg x", -EINVAL, "", "usage: dmesg [-p]\n");
	expect_run("dmesg -p -p", -EINVAL, "", "usage: dmesg [-p]\n");
	expect_run("dmesg -p", -ENOENT, "", "no log of a previous boot\n");
	printk(LOGLEVEL_DEBUG, "for dmesg only");
	capture_clear();
	assert_int_equal(monitor_run("dmesg"), 0);
	assert_non_null(strstr(captured(), "] for dmesg only\n"));
}

/* --- line editor
 * ---------------------------------------------------------------------------------- */

static void test_typing(void **state)
{
	(void)state;
	expect("note a\r", "note(a)", PROMPT "note a\n" PROMPT);
	expect("\r\n\n", "", PROMPT "\n" PROMPT "\n" PROMPT);
	expect("note 1\nnote 2\r\nnote 3\r", "note(1)note(2)note(3)", NULL);
	expect("note\ta\r", "note(a)", PROMPT "note a\n" PROMPT);
	/* An unfinished line is not run. */
	expect("note a", "", PROMPT "note a");
}

static void test_editing(void **state)
{
	(void)state;
	expect("nott\x7f"
	       "e\b\be\r",
	       "", NULL);
	expect("nott\x7f"
	       "e\r",
	       "note()", PROMPT "nott\b \be\n" PROMPT);
	expect("\x7f", "", PROMPT "\a");
	expect("x\b\bnote\r", "note()", PROMPT "x\b \b\anote\n" PROMPT);
	expect("rubbish\x15note\r", "note()", PROMPT "rubbish" REDRAW "note\n" PROMPT);
	expect("rubbish\003note\r", "note()", PROMPT "rubbish^C\n" PROMPT "note\n" PROMPT);
	/* Keys that mean nothing here. */
	expect("no\033[Ct\033[1;5De\033[3~\r", "note()", PROMPT "note\n" PROMPT);
	expect("note\001\xc3\xa4\r", "note()", PROMPT "note\a\a\a\n" PROMPT);
}

static void test_long_line(void **state)
{
	char line[LONGEST + 20];
	size_t bells = 0;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "note ", 5);
	/* What is not there as a whole is not run. */
	strcpy(line + LONGEST + 3, "\r");
	type(line);
	assert_string_equal(calls, "");
	for (const char *p = captured(); (p = strchr(p, '\a')); p++)
		bells++;
	assert_int_equal(bells, 3);
	assert_non_null(strstr(captured(), "\n258 characters are too many for a command, 255 are "
					   "possible\n" PROMPT));
	/* Once it is edited, what stands there is meant. */
	strcpy(line + LONGEST + 3, "\b\r");
	type(line);
	assert_int_equal(strlen(calls), LONGEST - 1 - 5 + 6);
	/* As long as can be. */
	strcpy(line + LONGEST, "\r");
	type(line);
	assert_int_equal(strlen(calls), LONGEST - 5 + 6);
}

static void test_history(void **state)
{
	(void)state;
	expect("note 1\rnote 2\r" UP "\r" UP UP "\r", "note(1)note(2)note(2)note(1)", NULL);
	expect("note 3\r" UP "\b4\r", "note(3)note(4)",
	       PROMPT "note 3\n" PROMPT REDRAW "note 3\b \b4\n" PROMPT);
	expect(UP UP DOWN "\r", "note(4)", NULL);
	expect(UP DOWN "aaa\r", "aaa()", PROMPT REDRAW "note 4" REDRAW "aaa\n" PROMPT);
	expect(DOWN, "", PROMPT "\a");
	/* A line repeated is kept once, empty ones never. */
	expect("note 5\rnote 5\r\r" UP UP "\r", "note(5)note(5)aaa()", NULL);
	for (int i = 0; i < 20; i++) {
		char line[20];

		sprintf(line, "note %d\r", 100 + i);
		type(line);
	}
	expect(UP UP UP UP UP UP UP UP "\r", "note(112)", NULL);
	type(UP UP UP UP UP UP UP UP UP);
	assert_string_equal(captured() + strlen(captured()) - 9, "note 113\a");
}

/* Noise on the line is harmless. */
static void test_noise(void **state)
{
	char input[2001];

	(void)state;
	for (int round = 0; round < 100; round++) {
		for (unsigned int i = 0; i < sizeof(input) - 1; i++)
			input[i] = random_below(2) ? (char)(random_below(255) + 1)
						   : "\r\b\033[AB\"';\x15 n"[random_below(12)];
		input[sizeof(input) - 1] = '\0';
		type(input);
	}
	type("\003\rnote fine\r");
	assert_string_equal(calls, "note(fine)");
}

/* --- run=
 * ------------------------------------------------------------------------------------------ */

static jmp_buf halted;

static __noreturn void test_halt(void)
{
	longjmp(halted, 1);
}

static void test_run_parameter(void **state)
{
	(void)state;
	parse_early_params("run=\"note a; nope; note 'b c'\" quiet");
	expect("note d\r", "note(a)note(b c)note(d)",
	       PROMPT "note a\n" PROMPT "nope\nnope: unknown command, 'help' lists them\n" PROMPT
		      "note 'b c'\n" PROMPT "note d\n" PROMPT);
	parse_early_params("run");
	parse_early_params("run=note");
	expect("", "note()", PROMPT "note\n" PROMPT);
	monitor_getc = NULL;
	bug_hooks.halt = test_halt;
	console_loglevel = 7;
	calls[0] = '\0';
	capture_clear();
	if (setjmp(halted) == 0)
		monitor_loop();
	assert_string_equal(calls, "note()");
	assert_non_null(strstr(captured(), "This console has no input"));
}

static int setup(void **state)
{
	register_console(&capture_console);
	monitor_getc = test_getc;
	return random_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_length_of_commands),
		cmocka_unit_test(test_builtin_commands),
		cmocka_unit_test(test_typing),
		cmocka_unit_test(test_editing),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_run_parameter),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
