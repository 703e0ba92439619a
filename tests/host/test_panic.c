/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/panic.c: what BUG, WARN and panic print, and how they end. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lib/bug.h>

#include "capture.h"
#include "kernel_string.h"

static sigjmp_buf stopped;
static unsigned int dumps;
static int dump_level;

static __noreturn void test_halt(void)
{
	siglongjmp(stopped, 1);
}

static void test_dump(int level)
{
	dumps++;
	dump_level = level;
	printk(level, "backtrace\n");
}

static void on_trap(int number)
{
	(void)number;
	siglongjmp(stopped, 2);
}

/* cmocka has handlers of its own in each test. */
static void catch_traps(void)
{
	struct sigaction action = {.sa_handler = on_trap};

	sigaction(SIGILL, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
}

/* 0: went on; 1: halted; 2: trapped. */
#define HOW_IT_ENDS(stmt)                                                                          \
	({                                                                                         \
		int how;                                                                           \
		capture_clear();                                                                   \
		dumps = 0;                                                                         \
		how = sigsetjmp(stopped, 1);                                                       \
		if (how == 0) {                                                                    \
			stmt;                                                                      \
		}                                                                                  \
		how;                                                                               \
	})

static void test_bug(void **state)
{
	int line = __LINE__ + 5;
	char wanted[100];

	(void)state;
	catch_traps();
	assert_int_equal(HOW_IT_ENDS(BUG("%d pages, not %s", 5, "six")), 2);
	snprintf(wanted, sizeof(wanted),
		 "[    0.000000] kernel BUG at test_panic.c:%d: 5 pages, not six\n", line);
	assert_string_equal(captured(), wanted);
	line = __LINE__ + 1;
	assert_int_equal(HOW_IT_ENDS(BUG_ON(line != 0)), 2);
	snprintf(wanted, sizeof(wanted), "kernel BUG at test_panic.c:%d: broken invariant\n", line);
	assert_non_null(strstr(captured(), wanted));
	assert_int_equal(HOW_IT_ENDS(BUG_ON(line == 0)), 0);
}

static void test_warning(void **state)
{
	(void)state;
	capture_clear();
	dumps = 0;
	assert_true(WARN(1 + 1 == 2, "reason %d", 3));
	assert_int_equal(dumps, 1);
	/* A line of EMERG is a boot's end to the next one. */
	assert_int_equal(dump_level, LOGLEVEL_WARNING);
	assert_non_null(strstr(captured(), "] WARNING at test_panic.c:"));
	assert_non_null(strstr(captured(), ": reason 3\n"));
	capture_clear();
	assert_false(WARN_ON(1 + 1 == 3));
	assert_string_equal(captured(), "");
}

static void panicking_dump(int level)
{
	assert_int_equal(level, LOGLEVEL_EMERG);
	dumps++;
	panic("in the dump");
}

/* The first with backtrace, one inside it without, and the next without a word. */
static void test_panic(void **state)
{
	(void)state;
	console_loglevel = 1;
	boot_stage = "paging_init";
	bug_hooks.dump_stack = panicking_dump;
	assert_int_equal(HOW_IT_ENDS(panic("no memory for %s", "tables")), 1);
	assert_string_equal(captured(),
			    "[    0.000000] Kernel panic - in paging_init: no memory for tables\n"
			    "[    0.000000] Kernel panic - in paging_init: in the dump\n");
	assert_int_equal(dumps, 1);
	assert_int_equal(HOW_IT_ENDS(panic("again")), 1);
	assert_string_equal(captured(), "");
	assert_int_equal(dumps, 0);
	/* Nobody to halt the machine yet: no loop, but an exception, which is reported. */
	catch_traps();
	bug_hooks.halt = NULL;
	assert_int_equal(HOW_IT_ENDS(panic("too early")), 2);
}

static int setup(void **state)
{
	(void)state;
	bug_hooks.dump_stack = test_dump;
	bug_hooks.halt = test_halt;
	register_console(&capture_console);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bug),
		cmocka_unit_test(test_warning),
		cmocka_unit_test(test_panic),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
