/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/cmdline.c, and the parameters of lib/printk.c: command lines are made from parts whose
 * meaning is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lib/cmdline.h>
#include <lib/errno.h>

#include "capture.h"
#include "kernel_string.h"
#include "random.h"

/* What the handlers have got, "name=value;" or "name;" each, and what they answer. */
static char got[4096];
static int answer;

static int note(const char *name, const char *val, size_t len)
{
	size_t n = strlen(got);

	n += (size_t)sprintf(got + n, "%s", name);
	if (val)
		n += (size_t)sprintf(got + n, "=%.*s", (int)len, val);
	else
		assert_int_equal(len, 0);
	strcpy(got + n, ";");
	return answer;
}

static int note_mem(const char *val, size_t len)
{
	return note("mem", val, len);
}
EARLY_PARAM("mem", note_mem, "=<size> is what is used");

static int note_dash(const char *val, size_t len)
{
	return note("with-dash_too", val, len);
}
EARLY_PARAM("with-dash_too", note_dash, "");

static int note_m(const char *val, size_t len)
{
	return note("m", val, len);
}
EARLY_PARAM("m", note_m, "");

static int note_first(const char *val, size_t len)
{
	return note("sooner", val, len);
}
EARLY_PARAM_FIRST("sooner", note_first, "");

static void parse(const char *cmdline)
{
	/* In a block of its own, so that the sanitizer sees a step behind its end. */
	char *copy = strdup(cmdline);

	got[0] = '\0';
	register_console(&capture_console);
	capture_clear();
	parse_early_params(copy);
	free(copy);
}

static void expect(const char *cmdline, const char *calls, const char *unknown)
{
	char wanted[8192] = "";

	parse(cmdline);
	assert_string_equal(got, calls);
	if (unknown)
		snprintf(wanted, sizeof(wanted),
			 "[    0.000000] Unknown kernel command line parameters \"%s\", ignored\n",
			 unknown);
	assert_string_equal(captured(), wanted);
}

static void test_words(void **state)
{
	(void)state;
	parse_early_params(NULL);
	expect("", "", NULL);
	expect(" \t\n ", "", NULL);
	expect("mem=1G", "mem=1G;", NULL);
	expect("  mem\t\tmem=  mem==", "mem;mem=;mem==;", NULL);
	expect("m me mem memo=1 =mem ==", "m;mem;", "me memo=1 =mem ==");
	expect("mem=a=b", "mem=a=b;", NULL);
}

static void test_quotes(void **state)
{
	(void)state;
	expect("mem=\"a b;  c\" m", "mem=a b;  c;m;", NULL);
	expect("\"mem=a b\" m", "mem=a b;m;", NULL);
	expect("mem=a\" b\"c m", "mem=a\" b\"c;m;", NULL);
	expect("mem=\"\" \"mem\" \"\"", "mem=;mem;", "\"\"");
	expect("mem=\"open to the end", "mem=open to the end;", NULL);
	expect("mem=\"", "mem=;", NULL);
	expect("\"mem=\"", "mem=;", NULL);
	expect("\"", "", "\"");
	expect("x=\"a b\" y", "", "x=\"a b\" y");
}

static void test_dashes(void **state)
{
	(void)state;
	expect("with_dash-too=1 with-dash_too", "with-dash_too=1;with-dash_too;", NULL);
	expect("mem -- mem unknown", "mem;", NULL);
	expect("--mem -- mem", "", "--mem");
}

static void test_first(void **state)
{
	(void)state;
	expect("m sooner=1 mem sooner=2 x", "sooner=1;sooner=2;m;mem;", "x");
}

static void test_refused(void **state)
{
	(void)state;
	answer = -EINVAL;
	parse("mem=\"1 Q\" m");
	assert_string_equal(got, "mem=1 Q;m;");
	assert_string_equal(
		captured(),
		"[    0.000000] Kernel parameter \"mem=\"1 Q\"\" ignored: not understood; "
		"mem=<size> is what is used\n"
		"[    0.000000] Kernel parameter \"m\" ignored: not understood; m\n");
	answer = -ERANGE;
	parse("mem=9");
	assert_non_null(strstr(captured(), "\"mem=9\" ignored: out of range; mem=<size>"));
	answer = 0;
}

static void test_many_unknown(void **state)
{
	static char cmdline[4000], unknown[4000];
	char *p = cmdline, *q = unknown;

	(void)state;
	for (int i = 0; i < 300; i++) {
		p += sprintf(p, "  word%d=%d%s", i, i, i % 10 ? "" : " mem");
		q += sprintf(q, "%sword%d=%d", i ? " " : "", i, i);
	}
	parse(cmdline);
	assert_non_null(strstr(captured(), unknown));
	assert_ptr_equal(strchr(captured(), '\n'), captured() + strlen(captured()) - 1);
}

static void random_word(char **cmdline, char **calls, char **unknown)
{
	static const char *const spaces[] = {" ", "\t", "  ", " \n "};
	static const char *const values[] = {"1", "", "a b", "x=y", "a;\tb", "--"};
	static const char *const names[] = {"mem", "m", "me", "memx", "x.y"};
	unsigned int name = random_below(5), value = random_below(7);
	char word[80];

	if (value == 6)
		strcpy(word, names[name]);
	else if (random_below(2) || value == 2 || value == 4)
		sprintf(word, random_below(2) ? "%s=\"%s\"" : "\"%s=%s\"", names[name],
			values[value]);
	else
		sprintf(word, "%s=%s", names[name], values[value]);
	*cmdline += sprintf(*cmdline, "%s%s", word, spaces[random_below(4)]);
	if (name >= 2)
		*unknown += sprintf(*unknown, " %s", word);
	else if (value == 6)
		*calls += sprintf(*calls, "%s;", names[name]);
	else
		*calls += sprintf(*calls, "%s=%s;", names[name], values[value]);
}

static void test_random_lines(void **state)
{
	char cmdline[2000], calls[2000], unknown[2000];

	(void)state;
	for (int round = 0; round < 5000; round++) {
		char *c = cmdline, *k = calls, *u = unknown;

		*c = *k = *u = '\0';
		for (unsigned int n = random_below(12); n > 0; n--)
			random_word(&c, &k, &u);
		/* A tab or newline inside quotes would be a line of its own in the log; only calls
		 * are compared. */
		parse(cmdline);
		assert_string_equal(got, calls);
		if (unknown[0] && !strpbrk(unknown, "\n"))
			assert_non_null(strstr(captured(), unknown + 1));
		assert_int_equal(captured()[0] != '\0', unknown[0] != '\0');
	}
}

/* Whatever the bytes: no step outside the string, no hang. */
static void test_noise(void **state)
{
	char cmdline[41];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		unsigned int n = random_below(41);

		for (unsigned int i = 0; i < n; i++)
			cmdline[i] = "\"\" =-m\t"[random_below(7)];
		cmdline[n] = '\0';
		parse(cmdline);
	}
}

static void test_log_parameters(void **state)
{
	(void)state;
	parse("quiet");
	assert_int_equal(console_loglevel, 4);
	parse("loglevel=8");
	assert_int_equal(console_loglevel, 8);
	parse("loglevel=0");
	assert_int_equal(console_loglevel, 1);
	parse("loglevel=7");
	assert_string_equal(captured(), "");
	parse("loglevel loglevel=x loglevel=-1 quiet=1");
	assert_int_equal(console_loglevel, 7);
	/* Once for each. */
	assert_non_null(strstr(captured(), "\"loglevel\" ignored: not understood; loglevel=<n> "));
	assert_null(strstr(captured(), "\"loglevel="));
	assert_non_null(strstr(captured(), "\"quiet=1\" ignored"));
	parse("loglevel=-1");
	assert_non_null(strstr(captured(), "\"loglevel=-1\" ignored: out of range"));
	parse("loglevel=99999999999");
	assert_non_null(strstr(captured(), "\"loglevel=99999999999\" ignored: out of range"));
}

static void test_memparse(void **state)
{
	static const char suffixes[] = "\0KMGTPE";
	char text[64];
	const char *end;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		unsigned int power = random_below(7);
		u64 n = random_magnitude(), max = ~0UL >> (10 * power);
		char suffix = suffixes[power];
		/* In hexadecimal E is a digit. */
		int len = sprintf(text, random_below(2) || suffix == 'E' ? "%lu" : "0x%lx", n);

		if (suffix)
			text[len++] = random_below(2) ? suffix : (char)(suffix | 0x20);
		strcpy(text + len, random_below(2) ? "" : "@x");
		if (n <= max) {
			assert_int_equal(memparse(text, &end), n << (10 * power));
			assert_ptr_equal(end, text + len);
		} else {
			assert_int_equal(memparse(text, &end), 0);
			assert_ptr_equal(end, text);
		}
	}
	assert_int_equal(memparse("18446744073709551616", &end), 0);
	assert_int_equal(memparse("0x", &end), 0);
	assert_int_equal(memparse("010", NULL), 10);
	assert_int_equal(memparse("1Gi", &end), 1 << 30);
	assert_string_equal(end, "i");
}

static void test_parse_u64(void **state)
{
	static const char *const bad[] = {
		"", " 1", "1 ", "-1", "x", "0x", "1KK", "1z", "99999999999999999999", "16E"};
	u64 value = 7;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(parse_u64(bad[i], &value));
	assert_int_equal(value, 7);
	assert_true(parse_u64("0xFfffffffffffffff", &value));
	assert_int_equal(value, ~0UL);
	assert_true(parse_u64("3m", &value));
	assert_int_equal(value, 3 << 20);
}

static void test_parse_int(void **state)
{
	static const char *const bad[] = {"",    "-",  "+",  "x",   "1x", "0x",
					  "-0x", "1 ", " 1", "--1", "1K"};
	char text[40];
	int value = 7;

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_int(bad[i], strlen(bad[i]), &value), -EINVAL);
	assert_int_equal(parse_int(NULL, 0, &value), -EINVAL);
	assert_int_equal(value, 7);
	for (int round = 0; round < 50000; round++) {
		long n = (long)random_magnitude() >> random_below(34);
		/* What follows the len characters does not count. */
		int len = sprintf(text, random_below(2) ? "%ld" : "%+ld", n), result;

		strcpy(text + len, &"123"[random_below(4)]);
		result = parse_int(text, (size_t)len, &value);
		assert_int_equal(result, n == (int)n ? 0 : -ERANGE);
		if (result == 0)
			assert_int_equal(value, n);
	}
	assert_int_equal(parse_int("-0x80000000", 11, &value), 0);
	assert_int_equal(value, INT32_MIN);
	assert_int_equal(parse_int("0x80000000", 10, &value), -ERANGE);
}

static void test_value(void **state)
{
	static const struct {
		const char *line, *value; /* NULL: no such word */
	} cases[] = {
		{"", NULL},
		{"earlycon", ""},
		{"quiet earlycon=pl011,0x9000000 earlycon=x", "pl011,0x9000000"},
		{"earlycon= x", ""},
		{"\"earlycon=a b\" c", "a b"},
		{"earlycon=\"a b\"", "a b"},
		{"early-con=x earlycons=y earlyco=z", NULL},
		{"run=\"x earlycon=y\"", NULL},
		{"-- earlycon=x", NULL},
	};
	const char *value;
	size_t len;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = cmdline_value(cases[i].line, "earlycon", &len);
		if (!cases[i].value) {
			assert_null(value);
			continue;
		}
		assert_non_null(value);
		assert_int_equal(len, strlen(cases[i].value));
		assert_memory_equal(value, cases[i].value, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),          cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_dashes),         cmocka_unit_test(test_first),
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_many_unknown),
		cmocka_unit_test(test_random_lines),   cmocka_unit_test(test_noise),
		cmocka_unit_test(test_log_parameters), cmocka_unit_test(test_memparse),
		cmocka_unit_test(test_parse_u64),      cmocka_unit_test(test_parse_int),
		cmocka_unit_test(test_value),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
