/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/string.h>

#include <lib/bits.h>
#include <lib/compiler.h>

/*
 * Words are only read and written at their natural alignment: the kernel is built for strict
 * alignment, and before the MMU is on all memory is Device memory.
 */
typedef u64 __attribute__((__may_alias__)) word_t;

#define WORD_SIZE sizeof(word_t)
#define BLOCK     (4 * WORD_SIZE)
#define ONES      UL(0x0101010101010101)

static inline size_t misalignment(const void *p)
{
	return (uintptr_t)p % WORD_SIZE;
}

/* Upwards, so dst may overlap src from below. */
static void *copy_up(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	if (misalignment(d) == misalignment(s)) {
		for (; n && misalignment(d); n--)
			*d++ = *s++;
		for (; n >= BLOCK; n -= BLOCK, d += BLOCK, s += BLOCK) {
			word_t a = ((const word_t *)s)[0], b = ((const word_t *)s)[1];
			word_t e = ((const word_t *)s)[2], f = ((const word_t *)s)[3];

			((word_t *)d)[0] = a;
			((word_t *)d)[1] = b;
			((word_t *)d)[2] = e;
			((word_t *)d)[3] = f;
		}
		for (; n >= WORD_SIZE; n -= WORD_SIZE, d += WORD_SIZE, s += WORD_SIZE)
			*(word_t *)d = *(const word_t *)s;
	}
	while (n--)
		*d++ = *s++;
	return dst;
}

/* The compiler calls it where the source does not: a link-time optimiser must not drop it. */
__used __attribute__((weak, alias("copy_up"))) void *memcpy(void *restrict dst,
							    const void *restrict src, size_t n);

/* Downwards from the ends, so dst may overlap src from above. */
static void copy_down(u8 *d, const u8 *s, size_t n)
{
	d += n;
	s += n;
	if (misalignment(d) == misalignment(s)) {
		for (; n && misalignment(d); n--)
			*--d = *--s;
		for (; n >= WORD_SIZE; n -= WORD_SIZE) {
			d -= WORD_SIZE;
			s -= WORD_SIZE;
			*(word_t *)d = *(const word_t *)s;
		}
	}
	while (n--)
		*--d = *--s;
}

void *memmove(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return copy_up(dst, src, n);
	copy_down(dst, src, n);
	return dst;
}

__attribute__((weak)) void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;
	word_t pattern = (u8)c * ONES;

	for (; n && misalignment(d); n--)
		*d++ = (u8)c;
	for (; n >= BLOCK; n -= BLOCK, d += BLOCK) {
		((word_t *)d)[0] = pattern;
		((word_t *)d)[1] = pattern;
		((word_t *)d)[2] = pattern;
		((word_t *)d)[3] = pattern;
	}
	for (; n >= WORD_SIZE; n -= WORD_SIZE, d += WORD_SIZE)
		*(word_t *)d = pattern;
	while (n--)
		*d++ = (u8)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	if (misalignment(p) == 0 && misalignment(q) == 0)
		for (; n >= WORD_SIZE && *(const word_t *)p == *(const word_t *)q; n -= WORD_SIZE) {
			p += WORD_SIZE;
			q += WORD_SIZE;
		}
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

/* The top bit of each zero byte of w; bytes above the lowest zero one may be flagged wrongly. */
static __force_inline u64 zero_bytes(u64 w)
{
	return (w - ONES) & ~w & (ONES << 7);
}

/*
 * Index of the first byte c in s[0..max), or max. Reads whole aligned words, so up to 7 bytes
 * before s and behind the end: in the same page, hence harmless in Normal memory, but nothing a
 * sanitizer likes.
 */
static __attribute__((no_sanitize("address"))) size_t find_byte(const char *s, int c, size_t max)
{
	size_t skip = misalignment(s), read = WORD_SIZE - skip, index;
	const word_t *w = (const word_t *)(s - skip);
	u64 pattern = (u8)c * ONES, hits;

	if (max == 0)
		return 0;
	hits = zero_bytes((*w ^ pattern) | ((UL(1) << 8 * skip) - 1));
	while (!hits && read < max) {
		hits = zero_bytes(*++w ^ pattern);
		read += WORD_SIZE;
	}
	if (!hits)
		return max;
	index = read - WORD_SIZE + (size_t)__builtin_ctzl(hits) / 8;
	return index < max ? index : max;
}

void *memchr(const void *s, int c, size_t n)
{
	size_t i = find_byte(s, c, n);

	return i < n ? (char *)s + i : NULL;
}

size_t strnlen(const char *s, size_t max)
{
	return find_byte(s, 0, max);
}

size_t strlen(const char *s)
{
	return find_byte(s, 0, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

char *strrchr(const char *s, int c)
{
	for (size_t i = strlen(s) + 1; i-- > 0;)
		if (s[i] == (char)c)
			return (char *)s + i;
	return NULL;
}

static bool is_hex_prefix(const char *s)
{
	return s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	const char *p = s, *digits;
	unsigned long n = 0;
	bool negative, overflow = false;

	while (is_space(*p))
		p++;
	negative = *p == '-';
	p += negative || *p == '+';
	if ((base == 0 || base == 16) && is_hex_prefix(p)) {
		p += 2;
		base = 16;
	} else if (base == 0) {
		base = *p == '0' ? 8 : 10;
	}
	for (digits = p; digit_value(*p) < (unsigned int)base; p++) {
		overflow |= __builtin_mul_overflow(n, (unsigned long)base, &n);
		overflow |= __builtin_add_overflow(n, digit_value(*p), &n);
	}
	if (end)
		*end = (char *)(p > digits ? p : s);
	if (overflow)
		return ~0UL;
	return negative ? 0 - n : n;
}

size_t strscpy(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(src, size - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
	return n;
}
