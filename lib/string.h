/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of <string.h> and <stdlib.h> the kernel and libfdt use. C standard semantics. */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <lib/types.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
unsigned long strtoul(const char *s, char **end, int base);

/* The nth, from 0, of strings that lie one behind the other. A table of them would be pointers. */
static inline const char *nth_string(const char *list, unsigned long n)
{
	while (n-- > 0)
		list += strlen(list) + 1;
	return list;
}

/* Copy at most size - 1 bytes and always terminate (size > 0). Returns the length stored. */
size_t strscpy(char *dst, const char *src, size_t size);

static inline bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Of 0-9, a-z and A-Z: 0 to 35. Any other character: 36. */
static inline unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (unsigned int)(c - 'a') + 10 : 36;
}

#endif
