/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/kernel.h>
#include <lib/printk.h>

enum {
	FLAG_LEFT = BIT(0),  /* - */
	FLAG_ZERO = BIT(1),  /* 0 */
	FLAG_PLUS = BIT(2),  /* + */
	FLAG_SPACE = BIT(3), /* blank */
	FLAG_ALT = BIT(4),   /* # */
};

struct spec {
	unsigned int flags;
	int width;
	int precision;       /* -1: none given */
	unsigned int unused; /* upper bits of a number, by its length */
};

static __force_inline void put(struct printf_sink *sink, char c)
{
	if (unlikely(sink->pos == sink->end))
		sink->full(sink);
	*sink->pos++ = c;
}

/* How many of n characters fit before the sink must make room; at least one, or 0 if n is. */
static __force_inline size_t make_room(struct printf_sink *sink, size_t n)
{
	if (unlikely(sink->pos == sink->end))
		sink->full(sink);
	return min(n, (size_t)(sink->end - sink->pos));
}

static void put_run(struct printf_sink *sink, const char *s, size_t n)
{
	while (n) {
		size_t fits = make_room(sink, n);
		char *p = sink->pos, *stop = p + fits;

		n -= fits;
		while (p != stop)
			*p++ = *s++;
		sink->pos = p;
	}
}

static __noinline void pad(struct printf_sink *sink, char c, int n)
{
	while (n-- > 0)
		put(sink, c);
}

/* What a terminal would obey is not. */
static char visible(char c)
{
	return ((u8)c < ' ' && c != '\n' && c != '\t') || c == 0x7f ? '?' : c;
}

/* A sign, "0x" or nothing. */
static __force_inline int prefix_length(const char *prefix)
{
	return prefix[0] ? prefix[1] ? 2 : 1 : 0;
}

/* Prefix, zeros and n characters of text in their field. odd: with control characters in it. */
static void put_field(struct printf_sink *sink, const struct spec *spec, const char *prefix,
		      int zeros, const char *s, int n, bool odd)
{
	int prefix_len = prefix_length(prefix);
	int blanks = spec->width - prefix_len - zeros - n;

	if (blanks > 0 && !(spec->flags & FLAG_LEFT))
		pad(sink, ' ', blanks);
	put_run(sink, prefix, (size_t)prefix_len);
	if (zeros)
		pad(sink, '0', zeros);
	if (likely(!odd))
		put_run(sink, s, (size_t)n);
	else
		for (; n > 0; n--, s++)
			pad(sink, visible(*s), 1);
	if (spec->flags & FLAG_LEFT)
		pad(sink, ' ', blanks);
}

/* Text comes from trees and command lines, too. */
static void put_string(struct printf_sink *sink, const struct spec *spec, const char *s)
{
	bool odd = false;
	int n = 0;

	if (!s)
		s = "(null)";
	for (u8 c; n != spec->precision && (c = (u8)s[n]) != 0; n++)
		if (unlikely(c - (unsigned int)' ' >= 0x7f - ' '))
			odd = true;
	put_field(sink, spec, "", 0, s, n, odd);
}

/* prefix is the sign or "0x"; conversion one of u o x X. */
static void put_number(struct printf_sink *sink, const struct spec *spec, u64 v, char conversion,
		       const char *prefix)
{
	unsigned int base = conversion == 'u' ? 10 : conversion == 'o' ? 8 : 16;
	char text[24], *end = text + sizeof(text), *digits = end;
	int least = spec->precision, n;

	/* What tells lower case from upper is set in digits too. */
	for (u64 rest = v; rest; rest /= base)
		*--digits = (char)("0123456789ABCDEF"[rest % base] | (conversion & 0x20));
	n = (int)(end - digits);
	if (least < 0)
		least = (spec->flags & (FLAG_ZERO | FLAG_LEFT)) == FLAG_ZERO
				? max(spec->width - prefix_length(prefix), 1)
				: 1;
	if (conversion == 'o' && (spec->flags & FLAG_ALT) && (v || spec->precision == 0))
		least = max(least, n + 1);
	put_field(sink, spec, prefix, max(least - n, 0), digits, n, false);
}

static void put_signed(struct printf_sink *sink, const struct spec *spec, long v)
{
	const char *sign = "";

	v = (long)((u64)v << spec->unused) >> spec->unused;
	if (v < 0)
		sign = "-";
	else if (spec->flags & FLAG_PLUS)
		sign = "+";
	else if (spec->flags & FLAG_SPACE)
		sign = " ";
	put_number(sink, spec, v < 0 ? 0 - (u64)v : (u64)v, 'u', sign);
}

static void put_unsigned(struct printf_sink *sink, const struct spec *spec, u64 v, char conversion)
{
	const char *prefix = "";

	v = v << spec->unused >> spec->unused;
	if ((spec->flags & FLAG_ALT) && v && (conversion | 0x20) == 'x')
		prefix = conversion == 'x' ? "0x" : "0X";
	put_number(sink, spec, v, conversion, prefix);
}

static unsigned int flag_of(char c)
{
	switch (c) {
	case '-':
		return FLAG_LEFT;
	case '0':
		return FLAG_ZERO;
	case '+':
		return FLAG_PLUS;
	case ' ':
		return FLAG_SPACE;
	case '#':
		return FLAG_ALT;
	default:
		return 0;
	}
}

static const char *parse_decimal(const char *p, int *v)
{
	for (*v = 0; *p >= '0' && *p <= '9'; p++)
		*v = *v * 10 + (*p - '0');
	return p;
}

/* hh, h, l, ll, z, t, j. The last five are the same 64 bits. */
static const char *parse_length(const char *p, struct spec *spec)
{
	const char *start = p;

	if (*p == 'h' || *p == 'l' || *p == 'z' || *p == 't' || *p == 'j')
		p += (*p == 'h' || *p == 'l') && p[1] == p[0] ? 2 : 1;
	spec->unused = p == start ? 32 : *start != 'h' ? 0 : p == start + 1 ? 48 : 56;
	return p;
}

/* One place for all of them: taking one is a dozen instructions. */
static __noinline long next_arg(va_list *args, bool is_long)
{
	return is_long ? va_arg(*args, long) : va_arg(*args, int);
}

/* p is behind the '%'. Returns the conversion letter's place. */
static const char *parse_spec(const char *p, struct spec *spec, va_list *args)
{
	unsigned int flag;

	spec->flags = 0;
	spec->width = 0;
	spec->precision = -1;
	/* Flags, width and precision all begin with a character up to '9', the letters are above.
	 */
	if (*p > '9')
		return parse_length(p, spec);
	while ((flag = flag_of(*p)) != 0) {
		spec->flags |= flag;
		p++;
	}
	if (*p == '*') {
		spec->width = (int)next_arg(args, false);
		if (spec->width < 0) {
			spec->flags |= FLAG_LEFT;
			spec->width = -spec->width;
		}
		p++;
	} else if (*p >= '1' && *p <= '9') {
		p = parse_decimal(p, &spec->width);
	}
	if (*p != '.')
		return parse_length(p, spec);
	if (*++p == '*') {
		spec->precision = max((int)next_arg(args, false), -1);
		p++;
	} else {
		p = parse_decimal(p, &spec->precision);
	}
	return parse_length(p, spec);
}

int (*printk_symbol)(unsigned long addr, char *buf, size_t size) __ro_after_init;

static void put_symbol(struct printf_sink *sink, unsigned long addr)
{
	char symbol[80];
	int len = printk_symbol(addr, symbol, sizeof(symbol));

	put_run(sink, symbol, (size_t)len);
}

static void put_nested(struct printf_sink *sink, const struct va_format *nested)
{
	vsinkf(sink, nested->fmt, nested->va);
}

/* One conversion; p is behind its '%'. Returns what follows it. */
static const char *convert(struct printf_sink *sink, const char *p, va_list *args)
{
	const char *start = p - 1;
	struct spec spec;
	long value;
	char c;

	p = parse_spec(p, &spec, args);
	switch (*p) {
	case 'd':
	case 'i':
		put_signed(sink, &spec, next_arg(args, !spec.unused));
		return p + 1;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(sink, &spec, (u64)next_arg(args, !spec.unused), *p);
		return p + 1;
	case 'p':
		value = next_arg(args, true);
		spec.precision = 16;
		if (p[1] == 'V')
			put_nested(sink, (const struct va_format *)value);
		else if (p[1] == 'S' && printk_symbol)
			put_symbol(sink, (unsigned long)value);
		else
			put_number(sink, &spec, (u64)value, 'x', "0x");
		return p + 1 + (p[1] == 'S' || p[1] == 'V');
	case 's':
		put_string(sink, &spec, (const char *)next_arg(args, true));
		return p + 1;
	case 'c':
		c = (char)next_arg(args, false);
		put_field(sink, &spec, "", 0, &c, 1, false);
		return p + 1;
	case '%':
		put_run(sink, p, 1);
		return p + 1;
	default:
		/* Unknown: show it as it is written; its arguments stay where they are. */
		p += *p != '\0';
		put_run(sink, start, (size_t)(p - start));
		return p;
	}
}

/* Text up to the next '%' or the end; returns that. */
static const char *put_literal(struct printf_sink *sink, const char *fmt)
{
	while (*fmt && *fmt != '%') {
		size_t fits = make_room(sink, SIZE_MAX);
		char *p = sink->pos, *stop = p + fits;

		for (; p != stop && *fmt && *fmt != '%'; p++)
			*p = *fmt++;
		sink->pos = p;
	}
	return fmt;
}

void vsinkf(struct printf_sink *sink, const char *fmt, va_list *ap)
{
	for (;;) {
		fmt = put_literal(sink, fmt);
		if (!*fmt)
			return;
		fmt = convert(sink, fmt + 1, ap);
	}
}

/* Once the buffer is full, characters go round in spill, only to be counted. */
struct string_sink {
	struct printf_sink sink;
	char *start;
	size_t stored;
	char spill[16];
};

static void string_full(struct printf_sink *sink)
{
	struct string_sink *s = container_of(sink, struct string_sink, sink);

	s->stored += (size_t)(sink->pos - s->start);
	s->start = s->spill;
	sink->pos = s->spill;
	sink->end = s->spill + sizeof(s->spill);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	size_t room = size ? size - 1 : 0, total;
	struct string_sink s = {{buf, buf ? buf + room : buf, string_full}, buf, 0, {0}};
	va_list args;

	/* Where va_list is an array, ap is no more than a pointer. */
	va_copy(args, ap);
	vsinkf(&s.sink, fmt, &args);
	va_end(args);
	total = s.stored + (size_t)(s.sink.pos - s.start);
	if (size)
		buf[min(total, room)] = '\0';
	return (int)total;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return size ? min(n, (int)size - 1) : 0;
}
