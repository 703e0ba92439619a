/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/string.c against the host's C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel_string.h"
#include "random.h"

enum { ROUNDS = 50000, SPAN = 300 };

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void fill(unsigned char *p, size_t n)
{
	while (n--)
		*p++ = (unsigned char)random_u64();
}

/* A string of few different characters, so that searches hit; in its own block for the sanitizer.
 */
static char *random_string(size_t max)
{
	static const char letters[] = "ab\xe1/=";
	size_t n = random_below((unsigned int)max + 1);
	char *s = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		s[i] = letters[random_below(sizeof(letters) - 1)];
	s[n] = '\0';
	return s;
}

static void test_copy_and_move(void **state)
{
	unsigned char ours[SPAN], theirs[SPAN];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = random_below(SPAN / 2),
		       from = random_below((unsigned int)(SPAN - n) + 1);
		size_t to = random_below((unsigned int)(SPAN - n) + 1);

		if (round % 2)
			to = (to & ~7UL) | (from & 7); /* aligned alike */
		if (to + n > SPAN)
			continue;
		fill(ours, SPAN);
		memcpy(theirs, ours, SPAN);
		memmove(theirs + to, theirs + from, n);
		if (round % 3 == 0 && (to >= from + n || from >= to + n))
			assert_ptr_equal(k_memcpy(ours + to, ours + from, n), ours + to);
		else
			assert_ptr_equal(k_memmove(ours + to, ours + from, n), ours + to);
		assert_memory_equal(ours, theirs, SPAN);
	}
}

static void test_memset(void **state)
{
	unsigned char ours[SPAN], theirs[SPAN];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t at = random_below(SPAN), n = random_below((unsigned int)(SPAN - at) + 1);
		int c = (int)random_u64();

		fill(ours, SPAN);
		memcpy(theirs, ours, SPAN);
		memset(theirs + at, c, n);
		assert_ptr_equal(k_memset(ours + at, c, n), ours + at);
		assert_memory_equal(ours, theirs, SPAN);
	}
}

static void test_memcmp(void **state)
{
	unsigned char a[SPAN], b[SPAN];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t i = random_below(20), j = random_below(20), n = random_below(SPAN - 20);

		fill(a, SPAN);
		memcpy(b + j, a + i, n);
		if (n && round % 2)
			b[j + random_below((unsigned int)n)] = (unsigned char)random_u64();
		assert_int_equal(sign(k_memcmp(a + i, b + j, n)), sign(memcmp(a + i, b + j, n)));
	}
}

static void test_memchr(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = random_below(60), skip = random_below((unsigned int)n + 1);
		unsigned char *s = malloc(n + 1);
		int c = (int)random_below(6) + (round % 2 ? 0x7e : -1);

		for (size_t i = 0; i < n; i++)
			s[i] = (unsigned char)(random_below(30) + (random_below(2) ? 0x78 : 0));
		/* One match behind the end, which must not count. */
		s[n] = (unsigned char)c;
		assert_ptr_equal(k_memchr(s + skip, c, n - skip), memchr(s + skip, c, n - skip));
		free(s);
	}
}

static void test_lengths_and_searches(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		char *s = random_string(40), *p = s + random_below((unsigned int)strlen(s) + 1);
		size_t max = random_below(45);
		int c = "ab\xe1/=x"[random_below(7)];

		assert_int_equal(k_strlen(p), strlen(p));
		assert_int_equal(k_strnlen(p, max), strnlen(p, max));
		assert_int_equal(k_strnlen(p, SIZE_MAX), strlen(p));
		assert_ptr_equal(k_strchr(p, c), strchr(p, c));
		assert_ptr_equal(k_strrchr(p, c), strrchr(p, c));
		free(s);
	}
}

static void test_compare(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		char *a = random_string(4), *b = random_string(4);
		size_t n = random_below(6);

		assert_int_equal(sign(k_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(k_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		free(a);
		free(b);
	}
}

static void test_strtoul(void **state)
{
	static const char *const starts[] = {"",   " ", "\t\n-", "+",   "-",    "0x",
					     "0X", "0", "00",    "-0x", "  +0x"};
	static const char *const ends[] = {"", "K", "z", " ", "g", "8", "x", "\x80"};
	static const int bases[] = {0, 2, 8, 10, 16, 36};
	char text[100], *our_end, *their_end;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		const char *format =
			(const char *[]){"%s%lu%s", "%s%lx%s", "%s%lo%s", "%s%lX%s"}[round % 4];
		int base = bases[random_below(6)];

		snprintf(text, sizeof(text), format, starts[random_below(11)], random_magnitude(),
			 ends[random_below(8)]);
		if (round % 8 == 0)
			text[random_below((unsigned int)strlen(text))] = '\0';
		assert_int_equal(k_strtoul(text, &our_end, base), strtoul(text, &their_end, base));
		assert_ptr_equal(our_end, their_end);
	}
	assert_int_equal(k_strtoul("18446744073709551616", NULL, 10), ~0UL);
	assert_int_equal(k_strtoul("-18446744073709551616", NULL, 10), ~0UL);
	assert_int_equal(k_strtoul("-18446744073709551615", NULL, 10), 1);
}

static void test_strscpy(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t size = random_below(20) + 1;
		char *s = random_string(25), *d = malloc(size);

		assert_int_equal(k_strscpy(d, s, size), strnlen(s, size - 1));
		assert_int_equal(strlen(d), strnlen(s, size - 1));
		assert_memory_equal(d, s, strlen(d));
		free(s);
		free(d);
	}
}

static void test_digit_value(void **state)
{
	(void)state;
	for (int c = -128; c < 256; c++) {
		char text[2] = {(char)c, 0}, *end;
		unsigned long n = strtoul(text, &end, 36);
		bool digit = end != text;

		assert_int_equal(digit_value((char)c), digit ? n : 36);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy_and_move),
		cmocka_unit_test(test_memset),
		cmocka_unit_test(test_memcmp),
		cmocka_unit_test(test_memchr),
		cmocka_unit_test(test_lengths_and_searches),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_strtoul),
		cmocka_unit_test(test_strscpy),
		cmocka_unit_test(test_digit_value),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
