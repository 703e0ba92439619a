/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/vsprintf.c against the host's C library, with random formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel_string.h"
#include "random.h"

enum { ROUNDS = 200000, SPAN = 160 };

/* Pointers, because the compiler would check the formats, some of which are wrong on purpose. */
static int (*volatile ours)(char *, size_t, const char *, ...) = k_snprintf;
static int (*volatile theirs)(char *, size_t, const char *, ...) = snprintf;

/*
 * Both into a block of exactly size bytes; then texts and results must agree. The arguments are
 * evaluated twice, with the same random numbers.
 */
#define COMPARE(size_, format_, ...)                                                               \
	do {                                                                                       \
		size_t room = (size_);                                                             \
		u64 random = random_state;                                                         \
		char *text = malloc(room), *wanted_text = malloc(room);                            \
		int length = ours(text, room, format_, __VA_ARGS__);                               \
		random_state = random;                                                             \
		int wanted = theirs(wanted_text, room, format_, __VA_ARGS__);                      \
		if (room && strcmp(text, wanted_text))                                             \
			fail_msg("\"%s\": \"%s\", not \"%s\"", format_, text, wanted_text);        \
		if (length != wanted)                                                              \
			fail_msg("\"%s\" returns %d, not %d", format_, length, wanted);            \
		free(text);                                                                        \
		free(wanted_text);                                                                 \
	} while (0)

/* "<text%" flags width precision into format; the caller adds length and letter. */
static char *random_start(char *p, const char *flags)
{
	p += sprintf(p, "%.*s%%", (int)random_below(4), "<[{");
	while (*flags && random_below(3)) {
		*p++ = flags[random_below((unsigned int)strlen(flags))];
	}
	if (random_below(2))
		p += sprintf(p, "%u", random_below(30) + 1);
	if (random_below(3) == 0)
		p += sprintf(p, random_below(4) ? ".%u" : ".", random_below(30));
	*p = '\0';
	return p;
}

static size_t random_size(void)
{
	return random_below(3) ? SPAN : random_below(40);
}

static void compare_integer(size_t size, const char *format, unsigned int length, u64 v)
{
	switch (length) {
	case 0: /* hh */
	case 1: /* h */
	case 2:
		COMPARE(size, format, (int)v);
		break;
	default:
		COMPARE(size, format, v);
	}
}

static void test_integers(void **state)
{
	static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z", "t", "j"};
	char format[SPAN];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		unsigned int length = random_below(8);
		char letter = "diuxXo"[random_below(6)];
		char *p = random_start(format, letter == 'd' || letter == 'i' ? "-0+ "
					       : letter == 'u'                ? "-0"
									      : "-0#");
		u64 v = random_below(2) ? random_magnitude() : 0 - random_magnitude();

		sprintf(p, "%s%c%.*s", lengths[length], letter, (int)random_below(3), "%%>");
		if (format[strlen(format) - 1] == '%' && format[strlen(format) - 2] != '%')
			strcat(format, "%");
		compare_integer(random_size(), format, length, random_below(8) ? v : 0);
	}
}

static void test_strings_and_characters(void **state)
{
	char format[SPAN], string[31];

	(void)state;
	for (int round = 0; round < ROUNDS / 4; round++) {
		size_t n = random_below(sizeof(string));

		memset(string, 'x', n);
		string[n] = '\0';
		strcpy(random_start(format, "-"), "s|");
		COMPARE(random_size(), format, string);
		COMPARE(random_size(), random_below(2) ? "%-5c|" : "%9c",
			(int)random_below(255) + 1);
	}
}

static void test_stars(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS / 10; round++) {
		int width = (int)random_below(41) - 20, precision = (int)random_below(30) - 5;
		int n = (int)random_magnitude();

		COMPARE(random_size(), "%*d|", width, n);
		COMPARE(random_size(), "%-*.*x|", width, precision, n);
		COMPARE(random_size(), "%0*lu|%.*s", width, random_u64(), precision,
			"some text to be cut");
	}
}

static void test_several_arguments(void **state)
{
	(void)state;
	/* More than travel in registers, of both kinds. */
	for (int round = 0; round < 1000; round++)
		COMPARE(random_size(), "%d %s %lx%% %c %5u:%-5i|%#llx %zu %hhx %s %ld",
			(int)random_u64(), "a", random_u64(), 'c', (unsigned int)random_u64(),
			(int)random_magnitude(), (unsigned long long)random_u64(),
			(size_t)random_magnitude(), (int)random_u64(), "", (long)random_u64());
	COMPARE(10, "%s", "nothing to convert");
	COMPARE(0, "%s", "no buffer");
	assert_int_equal(k_snprintf(NULL, 0, "%d bytes", 1234), 10);
}

static void test_what_the_host_does_otherwise(void **state)
{
	char text[64];

	(void)state;
	ours(text, sizeof(text), "%p", (void *)0xffff800080210000);
	assert_string_equal(text, "0xffff800080210000");
	ours(text, sizeof(text), "%p %20p|%-20p|", NULL, (void *)0xabc, (void *)1);
	assert_string_equal(text, "0x0000000000000000   0x0000000000000abc|0x0000000000000001  |");
	ours(text, sizeof(text), "%s %.3s", NULL, NULL);
	assert_string_equal(text, "(null) (nu");
	/* What a terminal would obey, in text from outside; the format may. */
	ours(text, sizeof(text), "\033[K%s|%.3s|%-6s|%6s|", "a\033[2J\nb\tc\r\x7f\xff", "\1\2\3\4",
	     "\a", "\x1f\xe9~");
	assert_string_equal(text, "\033[Ka?[2J\nb\tc??\xff|???|?     |   ?\xe9~|");
	ours(text, 4, "%s", "ab\033cd");
	assert_string_equal(text, "ab?");
	ours(text, sizeof(text), "%5.2f %y %d", 7);
	assert_string_equal(text, "%5.2f %y 7");
	ours(text, sizeof(text), "100%");
	assert_string_equal(text, "100%");
	ours(text, sizeof(text), "%-08l", 1);
	assert_string_equal(text, "%-08l");
}

static int name_symbol(unsigned long addr, char *buf, size_t size)
{
	return k_scnprintf(buf, size, "start_kernel+0x%lx", addr & 0xfff);
}

static void test_symbols(void **state)
{
	char text[64];

	(void)state;
	ours(text, sizeof(text), "%pS|%d", (void *)0xffff800080210004, 7);
	assert_string_equal(text, "0xffff800080210004|7");
	printk_symbol = name_symbol;
	ours(text, sizeof(text), "%pS, %p %s", (void *)0x1004, (void *)1, "S");
	assert_string_equal(text, "start_kernel+0x4, 0x0000000000000001 S");
	ours(text, 6, "%pS", (void *)0x1004);
	assert_string_equal(text, "start");
	printk_symbol = NULL;
}

static void nested(char *text, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ours(text, size, "%d <%pV> %s %d", 1, &(struct va_format){fmt, &ap}, "end", 2);
	va_end(ap);
}

static void test_nested(void **state)
{
	char text[64];

	(void)state;
	nested(text, sizeof(text), "%s-%ld", "a", 5L);
	assert_string_equal(text, "1 <a-5> end 2");
	nested(text, sizeof(text), "");
	assert_string_equal(text, "1 <> end 2");
	nested(text, 8, "%d%s", 77, "cut off");
	assert_string_equal(text, "1 <77cu");
}

static void test_scnprintf(void **state)
{
	char text[8] = "unused";

	(void)state;
	assert_int_equal(k_scnprintf(text, 0, "abc"), 0);
	assert_string_equal(text, "unused");
	assert_int_equal(k_scnprintf(text, 8, "%d", 123), 3);
	assert_int_equal(k_scnprintf(text, 8, "%s", "1234567"), 7);
	assert_int_equal(k_scnprintf(text, 8, "%s", "12345678"), 7);
	assert_string_equal(text, "1234567");
	assert_int_equal(k_scnprintf(text, 1, "%s", "x"), 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_strings_and_characters),
		cmocka_unit_test(test_stars),
		cmocka_unit_test(test_several_arguments),
		cmocka_unit_test(test_what_the_host_does_otherwise),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_scnprintf),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
