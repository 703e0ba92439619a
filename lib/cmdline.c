/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/cmdline.h>

#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

extern const struct early_param __start_early_params[], __stop_early_params[];

/* One word: all of it, quotes included; and what it means. Nothing is terminated. */
struct word {
	const char *text;
	size_t text_len;
	const char *name;
	size_t name_len;
	const char *val; /* NULL: no '=' */
	size_t val_len;
};

/* Cut [*start, *end) free of a quote in front, and if there was one, of the one at the end. */
static void __init strip_quotes(const char **start, const char **end)
{
	if (*start == *end || **start != '"')
		return;
	++*start;
	if (*end > *start && (*end)[-1] == '"')
		--*end;
}

/* The next word at s; returns what follows it, NULL if there is none or it ends the kernel's part.
 */
static const char *__init next_word(const char *s, struct word *word)
{
	const char *end, *inner, *inner_end, *equals = NULL;
	bool quoted = false;

	while (is_space(*s))
		s++;
	if (!*s)
		return NULL;
	for (end = s; *end && (quoted || !is_space(*end)); end++) {
		quoted ^= *end == '"';
		if (*end == '=' && !equals)
			equals = end;
	}
	word->text = s;
	word->text_len = (size_t)(end - s);
	if (word->text_len == 2 && s[0] == '-' && s[1] == '-')
		return NULL;

	inner = s;
	inner_end = end;
	strip_quotes(&inner, &inner_end);
	word->name = inner;
	word->name_len = (size_t)((equals ? equals : inner_end) - inner);
	word->val = NULL;
	word->val_len = 0;
	if (equals) {
		word->val = equals + 1;
		strip_quotes(&word->val, &inner_end);
		word->val_len = (size_t)(inner_end - word->val);
	}
	return end;
}

static __force_inline char fold_dash(char c)
{
	return c == '-' ? '_' : c;
}

static bool __init has_name(const struct word *word, const char *name)
{
	for (size_t i = 0; i < word->name_len; i++)
		if (!name[i] || fold_dash(name[i]) != fold_dash(word->name[i]))
			return false;
	return !name[word->name_len];
}

static bool __init is_first(const struct early_param *param)
{
	return *param->text == *PARAM_FIRST;
}

static const char *__init param_name(const struct early_param *param)
{
	return param->text + is_first(param);
}

static const struct early_param *__init find_param(const struct word *word)
{
	for (const struct early_param *p = __start_early_params; p != __stop_early_params; p++)
		if (has_name(word, param_name(p)))
			return p;
	return NULL;
}

/* A bit for each parameter that was complained about. */
static u64 told;

static void __init serve(const struct early_param *param, const struct word *word)
{
	u64 bit = UL(1) << (param - __start_early_params) % 64;
	const char *name = param_name(param);
	int err = param->handler(word->val, word->val_len);

	if (err && !(told & bit))
		pr_warn("Kernel parameter \"%.*s\" ignored: %s; %s%s\n", (int)word->text_len,
			word->text, err == -ERANGE ? "out of range" : "not understood", name,
			nth_string(name, 1));
	told |= err ? bit : 0;
}

/* Serve all known words whose parameter is (not) a first one. Returns the number of words nobody
 * knows. */
static unsigned int __init serve_all(const char *cmdline, bool first)
{
	const struct early_param *param;
	unsigned int unknown = 0;
	struct word word;

	while ((cmdline = next_word(cmdline, &word)) != NULL) {
		param = find_param(&word);
		if (!param)
			unknown++;
		else if (is_first(param) == first)
			serve(param, &word);
	}
	return unknown;
}

static void __init list_unknown(const char *cmdline)
{
	const char *separator = "";
	struct log_message msg;
	struct word word;

	log_begin(&msg, LOGLEVEL_NOTICE);
	log_add(&msg, "Unknown kernel command line parameters \"");
	while ((cmdline = next_word(cmdline, &word)) != NULL) {
		if (find_param(&word))
			continue;
		log_add(&msg, "%s%.*s", separator, (int)word.text_len, word.text);
		separator = " ";
	}
	log_add(&msg, "\", ignored");
	log_end(&msg);
}

void __init parse_early_params(const char *cmdline)
{
	if (!cmdline)
		return;
	told = 0;
	serve_all(cmdline, true);
	if (serve_all(cmdline, false))
		list_unknown(cmdline);
}

const char *__init cmdline_value(const char *cmdline, const char *name, size_t *len)
{
	struct word word;

	while ((cmdline = next_word(cmdline, &word)) != NULL) {
		if (!has_name(&word, name))
			continue;
		*len = word.val_len;
		return word.val ?: "";
	}
	return NULL;
}

static unsigned int suffix_shift(char c)
{
	static const char suffixes[] = "kmgtpe";
	const char *found = c ? strchr(suffixes, c | 0x20) : NULL;

	return found ? 10 * (unsigned int)(found - suffixes + 1) : 0;
}

/*
 * The number at *s, no further than stop (NULL: as far as it goes); *s moves behind it. -EINVAL if
 * there is none, -ERANGE if it does not fit.
 */
static int parse_digits(const char **s, const char *stop, u64 *value)
{
	const char *p = *s, *first;
	unsigned int base = 10, digit;
	bool overflow = false;
	u64 n = 0;

	if (p != stop && p[0] == '0' && p + 1 != stop && (p[1] | 0x20) == 'x') {
		base = 16;
		p += 2;
	}
	for (first = p; p != stop && (digit = digit_value(*p)) < base; p++) {
		overflow |= n > (UINT64_MAX - digit) / base;
		n = n * base + digit;
	}
	*value = n;
	if (p == first)
		return -EINVAL;
	*s = p;
	return overflow ? -ERANGE : 0;
}

u64 memparse(const char *s, const char **end)
{
	const char *p = s;
	unsigned int shift;
	u64 value;
	bool fits;

	fits = parse_digits(&p, NULL, &value) == 0;
	shift = suffix_shift(*p);
	fits = fits && (shift == 0 || value >> (64 - shift) == 0);
	if (end)
		*end = fits ? p + (shift != 0) : s;
	return fits ? value << shift : 0;
}

int parse_int(const char *s, size_t len, int *value)
{
	const char *stop;
	bool negative;
	u64 n;
	int err;

	if (!s || len == 0)
		return -EINVAL;
	stop = s + len;
	negative = *s == '-';
	s += negative || *s == '+';
	err = parse_digits(&s, stop, &n);
	if (err == -EINVAL || s != stop)
		return -EINVAL;
	if (err || n > (u64)INT32_MAX + negative)
		return -ERANGE;
	*value = (int)(negative ? 0 - n : n);
	return 0;
}

bool parse_u64(const char *s, u64 *value)
{
	const char *end;
	u64 n = memparse(s, &end);

	if (end == s || *end)
		return false;
	*value = n;
	return true;
}
