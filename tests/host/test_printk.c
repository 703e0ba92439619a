/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/printk.c: the ring is compared with a list of all lines ever said, the console with the text
 * it must get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture.h"
#include "kernel_string.h"
#include "random.h"

#include <lib/logblock.h>

enum { RING = 16 << 10, CHUNK = 4 << 10, MODEL_TEXT = 16 << 20, MAX_LINES = 400000 };

/* --- the model: every line, as it must look on the console ------------------------------------ */

static char said[MODEL_TEXT];
static size_t said_len;
static struct {
	size_t start, len;
	int level;
} lines[MAX_LINES];
static unsigned int nr_lines;

static u64 now;

static u64 test_clock(void)
{
	return now;
}

static void model_line(int level, const char *text, int len)
{
	char stamp[40];

	snprintf(stamp, sizeof(stamp), "[%5lu.%06lu] ", now / 1000000000, now / 1000 % 1000000);
	assert_true(nr_lines < MAX_LINES && said_len + (size_t)len + 40 < MODEL_TEXT);
	lines[nr_lines].start = said_len;
	lines[nr_lines].level = level;
	said_len += (size_t)sprintf(said + said_len, "%s%.*s\n", stamp, len, text);
	lines[nr_lines].len = said_len - lines[nr_lines].start;
	nr_lines++;
}

static void model_message(int level, const char *text)
{
	const char *newline;

	while ((newline = strchr(text, '\n')) && newline[1]) {
		model_line(level, text, (int)(newline - text));
		text = newline + 1;
	}
	model_line(level, text, (int)strcspn(text, "\n"));
}

static void say(int level, const char *text)
{
	model_message(level, text);
	printk(level, "%s", text);
}

/* The lines from first on that a console at loglevel shows. */
static const char *model_text(unsigned int first, int loglevel)
{
	static char text[MODEL_TEXT];
	size_t len = 0;

	for (unsigned int i = first; i < nr_lines; i++) {
		if (lines[i].level >= loglevel)
			continue;
		memcpy(text + len, said + lines[i].start, lines[i].len);
		len += lines[i].len;
	}
	text[len] = '\0';
	return text;
}

/* Text of 0 to max characters, with newlines in it now and then. */
static const char *random_text(unsigned int max)
{
	static char text[4096];
	unsigned int n = random_below(max + 1),
		     newlines = random_below(4) ? 0 : random_below(max / 2 + 1) + 2;

	for (unsigned int i = 0; i < n; i++)
		text[i] = newlines && random_below(newlines) == 0 ? '\n'
								  : (char)('a' + random_below(26));
	text[n] = '\0';
	return text;
}

static void with_console(void)
{
	register_console(&capture_console);
	capture_clear();
}

/* --- lock hooks: balanced, and the holder gets in again -----------------------------------------
 */

static unsigned long lock_depth, locks;

static unsigned long test_lock(void)
{
	locks++;
	return lock_depth++;
}

static void test_unlock(unsigned long cookie)
{
	assert_true(lock_depth > 0 && cookie == lock_depth - 1);
	lock_depth--;
}

/* What writes records to memory may fault. */
static void (*clean_hook)(void);

static void test_clean(const void *start, const void *end)
{
	void (*hook)(void) = clean_hook;

	assert_true(start < end);
	clean_hook = NULL;
	if (hook)
		hook();
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void test_drain_at_registration(void **state)
{
	unsigned int first = nr_lines;

	(void)state;
	say(LOGLEVEL_INFO, "before any clock");
	printk_clock = test_clock;
	now = 123456;
	say(LOGLEVEL_INFO, "said before the console");
	say(LOGLEVEL_DEBUG, "not for the console");
	say(LOGLEVEL_EMERG, "two\nlines\n");
	assert_string_equal(captured(), "");
	register_console(&capture_console);
	assert_string_equal(captured(), "[    0.000000] before any clock\n"
					"[    0.000123] said before the console\n"
					"[    0.000123] two\n"
					"[    0.000123] lines\n");
	assert_string_equal(captured(), model_text(first, 7));
	assert_int_equal(capture_writes, 4);
	/* What one console has shown another does not repeat. */
	unregister_console(&capture_console);
	capture_clear();
	say(LOGLEVEL_INFO, "without console");
	register_console(&capture_console);
	assert_string_equal(captured(), "[    0.000123] without console\n");
}

static void test_time_stamps(void **state)
{
	static const u64 times[] = {0,          999,         1000,           999999999,
				    1000000000, 59123456789, 99999999999999, 100000000000000};

	(void)state;
	for (unsigned int i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		with_console();
		now = times[i];
		say(LOGLEVEL_INFO, "tick\ntock");
		assert_string_equal(captured(), model_text(nr_lines - 2, 7));
	}
	with_console();
	now = UINT64_MAX;
	say(LOGLEVEL_INFO, "the end");
	assert_string_equal(captured(), "[18446744073.709551] the end\n");
	now = 0;
}

static void test_levels(void **state)
{
	(void)state;
	for (console_loglevel = 0; console_loglevel <= 8; console_loglevel++) {
		unsigned int first = nr_lines;

		with_console();
		for (int level = LOGLEVEL_EMERG; level <= LOGLEVEL_DEBUG; level++)
			say(level, "words");
		assert_string_equal(captured(), model_text(first, console_loglevel));
		assert_int_equal(capture_writes, console_loglevel);
	}
	console_loglevel = CONSOLE_LOGLEVEL_DEFAULT;
}

static void test_newlines(void **state)
{
	static const char *const texts[] = {"",      "\n",  "a",    "a\n",
					    "a\n\n", "\na", "\n\n", "a\nb\nc"};

	(void)state;
	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unsigned int first = nr_lines;

		with_console();
		say(LOGLEVEL_INFO, texts[i]);
		assert_string_equal(captured(), model_text(first, 7));
		assert_int_equal(capture_writes, nr_lines - first);
	}
}

/* Neither the log nor a command's output hands on what a terminal would obey. */
static void test_control_characters(void **state)
{
	static const char evil[] = "a\033[2J\x7f\r\b\tb\nc\a\xe9";

	(void)state;
	with_console();
	pr_warn("\"%s\", %.3s", evil, "\033[K");
	model_line(LOGLEVEL_WARNING, "\"a?[2J???\tb", 11);
	model_line(LOGLEVEL_WARNING, "c?\xe9\", ?[K", 9);
	assert_string_equal(captured(), model_text(nr_lines - 2, 7));
	capture_clear();
	cprintf("\r%s\n", evil);
	assert_string_equal(captured(), "\ra?[2J???\tb\nc?\xe9\n");
}

/* Any length, any newlines: every character arrives, each line with one stamp. */
static void test_long_messages(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		unsigned int first = nr_lines;

		with_console();
		now = random_magnitude();
		say(LOGLEVEL_INFO, random_text(round % 2 ? 60 : 3000));
		assert_string_equal(captured(), model_text(first, 7));
	}
	now = 0;
}

static void test_pieces(void **state)
{
	struct log_message msg;

	(void)state;
	with_console();
	log_begin(&msg, LOGLEVEL_INFO);
	for (int i = 0; i < 300; i++)
		log_add(&msg, "%d,", i);
	log_add(&msg, "end");
	assert_true(capture_writes > 0);
	log_end(&msg);
	assert_string_equal(captured() + strlen(captured()) - 8, "299,end\n");
	assert_int_equal(strncmp(captured(), "[    0.000000] 0,1,2,", 20), 0);
	assert_ptr_equal(strchr(captured() + 1, '['), NULL);
	assert_ptr_equal(strchr(captured(), '\n'), captured() + strlen(captured()) - 1);
	model_message(LOGLEVEL_INFO, captured() + 15);
}

/* Records the ring has counted above the number of lines: the parts of long lines. */
static unsigned long extra_records;

/* dmesg shows the last of what was said, as much as the ring can hold, and counts the rest. */
static void check_dump(void)
{
	unsigned long lost = 0, pos = 0;
	size_t kept = 0, len;
	const char *text, *line;

	with_console();
	printk_dump();
	text = captured();
	if (sscanf(text, "** %lu older lines are gone\n", &lost) == 1)
		text = strchr(text, '\n') + 1;
	lost -= extra_records;
	assert_true(lost <= nr_lines);
	assert_string_equal(text, model_text((unsigned int)lost, 8));
	for (unsigned int i = (unsigned int)lost; i < nr_lines; i++)
		kept += (lines[i].len + 8 + 7) / 8 * 8;
	assert_true(kept <= RING);
	if (lost)
		assert_true(kept > RING - (RING / CHUNK + 1) * 512);
	/* Line by line: what a console would have shown of it. */
	text = model_text((unsigned int)lost, console_loglevel);
	while ((line = printk_next(&pos, &len)) != NULL) {
		assert_true(strlen(text) >= len && !memcmp(text, line, len));
		text += len;
	}
	assert_string_equal(text, "");
}

static void test_wrap(void **state)
{
	unsigned long lost;

	(void)state;
	/* Push out the lines in parts that the tests before have said, with records of 32 bytes. */
	for (int i = 0; i < 3000; i++)
		say(LOGLEVEL_DEBUG, "filler");
	with_console();
	printk_dump();
	assert_int_equal(sscanf(captured(), "** %lu", &lost), 1);
	extra_records = lost - (nr_lines - RING / 32);
	check_dump();
	for (int round = 0; round < 100; round++) {
		for (unsigned int i = random_below(200); i > 0; i--)
			say((int)random_below(8), random_text(random_below(4) ? 40 : 400));
		check_dump();
	}
}

/* More than fits is said before a console registers: it says how much it has missed. */
static void test_lost_before_console(void **state)
{
	for (int round = 0; round < 20; round++) {
		unsigned int first = nr_lines, allowed = 0, shown = 0;
		unsigned long lost;
		const char *text;

		(void)state;
		with_console();
		unregister_console(&capture_console);
		for (int i = 0; i < 2000; i++)
			say((int)random_below(8), random_text(40));
		for (unsigned int i = first; i < nr_lines; i++)
			allowed += lines[i].level < 7;
		register_console(&capture_console);
		assert_int_equal(sscanf(captured(), "** %lu lines lost", &lost), 1);
		text = strchr(captured(), '\n') + 1;
		for (const char *p = text; (p = strchr(p, '\n')); p++)
			shown++;
		assert_int_equal(lost + shown, allowed);
		assert_string_equal(text, model_text(first, 7) + strlen(model_text(first, 7)) -
						  strlen(text));
		/* Said once. */
		capture_clear();
		say(LOGLEVEL_INFO, "on");
		assert_string_equal(captured(), "[    0.000000] on\n");
	}
	check_dump();
}

static int interruptions;

static void interrupt(void)
{
	if (interruptions-- > 0)
		printk(LOGLEVEL_ERR, "fault inside, %d to come", interruptions);
}

/* A fault in the console driver, reported by printk: the report comes out at once, nothing twice.
 */
static void test_nested_in_console(void **state)
{
	(void)state;
	with_console();
	capture_hook = interrupt;
	interruptions = 1;
	printk(LOGLEVEL_INFO, "outer");
	assert_string_equal(captured(),
			    "[    0.000000] fault inside, 0 to come\n[    0.000000] outer\n");
	/* One that faults each time it is used must not recurse for ever; the ring has it all. */
	capture_clear();
	interruptions = 1000;
	printk(LOGLEVEL_INFO, "outer");
	assert_in_range(interruptions, 990, 999);
	capture_hook = NULL;
	assert_int_equal(lock_depth, 0);
	/* The counts are those of the ring again after a refill. */
	capture_clear();
	printk(LOGLEVEL_INFO, "after");
	assert_non_null(strstr(captured(), "] after\n"));
}

/* A fault while the ring is being changed: the report goes to the console only, the ring stays
 * sound. */
static void test_nested_in_ring(void **state)
{
	(void)state;
	with_console();
	interruptions = 1;
	logblock_clean = test_clean;
	clean_hook = interrupt;
	printk(LOGLEVEL_INFO, "outer");
	assert_string_equal(captured(),
			    "[    0.000000] fault inside, 0 to come\n[    0.000000] outer\n");
	capture_clear();
	printk_dump();
	assert_non_null(strstr(captured(), "] outer\n"));
	assert_string_equal(strrchr(captured(), ']'), "] outer\n");
}

static void drop_console(void)
{
	unregister_console(&capture_console);
}

/* A driver whose UART does not answer takes itself out; the rest waits for the next console. */
static void test_console_that_gives_up(void **state)
{
	(void)state;
	with_console();
	capture_hook = drop_console;
	printk(LOGLEVEL_INFO, "one\ntwo\nthree");
	assert_string_equal(captured(), "[    0.000000] one\n");
	capture_hook = NULL;
	capture_clear();
	register_console(&capture_console);
	assert_string_equal(captured(), "[    0.000000] two\n[    0.000000] three\n");
}

/* What is written to memory at the end has the text in it, the last line too. */
static void test_area(void **state)
{
	size_t size;
	const char *area = printk_area(&size), *p;

	(void)state;
	say(LOGLEVEL_EMERG, "the last word");
	assert_in_range(size, RING, RING + 256);
	for (p = area; p + 16 <= area + size && memcmp(p, "] the last word\n", 16); p++)
		;
	assert_true(p + 16 <= area + size);
}

static void test_cprintf(void **state)
{
	char text[1000];

	(void)state;
	with_console();
	cprintf("%s %d\n", "plain", 5);
	assert_string_equal(captured(), "plain 5\n");
	assert_int_equal(capture_writes, 1);
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture_clear();
	cprintf("%s", text);
	assert_string_equal(captured(), text);
	capture_clear();
	printk_dump();
	assert_null(strstr(captured(), "plain"));
	unregister_console(&capture_console);
	capture_clear();
	cprintf("nobody listens\n");
	register_console(&capture_console);
	assert_string_equal(captured(), "");
}

static int lock_setup(void **state)
{
	printk_lock = test_lock;
	printk_unlock = test_unlock;
	return random_setup(state);
}

static int lock_teardown(void **state)
{
	(void)state;
	return !(locks > 0 && lock_depth == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drain_at_registration),
		cmocka_unit_test(test_time_stamps),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_newlines),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_long_messages),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_lost_before_console),
		cmocka_unit_test(test_nested_in_console),
		cmocka_unit_test(test_nested_in_ring),
		cmocka_unit_test(test_console_that_gives_up),
		cmocka_unit_test(test_area),
		cmocka_unit_test(test_cprintf),
	};

	return cmocka_run_group_tests(tests, lock_setup, lock_teardown);
}
