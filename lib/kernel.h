/* SPDX-License-Identifier: BSD-2-Clause */
/* Small arithmetic everybody needs. Alignments are powers of two. */
#ifndef LIB_KERNEL_H
#define LIB_KERNEL_H

#include <lib/bits.h>
#include <lib/compiler.h>
#include <lib/types.h>

#define ARRAY_SIZE(a)                 (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)            (((n) + (d)-1) / (d))
#define ALIGN_DOWN(x, a)              ((x) & ~((__typeof__(x))(a)-1))
#define ALIGN(x, a)                   ALIGN_DOWN((x) + ((__typeof__(x))(a)-1), a)
#define IS_ALIGNED(x, a)              (((x) & ((__typeof__(x))(a)-1)) == 0)
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) min_a = (a);                                                         \
		__typeof__(b) min_b = (b);                                                         \
		(void)(&min_a == &min_b);                                                          \
		min_a < min_b ? min_a : min_b;                                                     \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) max_a = (a);                                                         \
		__typeof__(b) max_b = (b);                                                         \
		(void)(&max_a == &max_b);                                                          \
		max_a > max_b ? max_a : max_b;                                                     \
	})
#define swap(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) swap_t = (a);                                                        \
		(a) = (b);                                                                         \
		(b) = swap_t;                                                                      \
	} while (0)

static inline bool is_power_of_2(u64 n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* ilog2(n): index of the highest set bit; n must not be 0. fls64(0) is 0. */
static inline unsigned int ilog2(u64 n)
{
	return 63 - (unsigned int)__builtin_clzl(n);
}

static inline unsigned int fls64(u64 n)
{
	return n ? ilog2(n) + 1 : 0;
}

/* ffs64(n): index of the lowest set bit; n must not be 0. */
static inline unsigned int ffs64(u64 n)
{
	return (unsigned int)__builtin_ctzl(n);
}

#endif
