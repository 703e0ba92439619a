/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers for tests: the same each time, unless TEST_SEED says otherwise. */
#ifndef HOST_RANDOM_H
#define HOST_RANDOM_H

#include <lib/types.h>

#include <stdio.h>
#include <stdlib.h>

static u64 random_state;

/* cmocka group set-up. */
static inline int random_setup(void **state)
{
	const char *seed = getenv("TEST_SEED");

	(void)state;
	random_state = seed ? strtoull(seed, NULL, 0) : 1;
	fprintf(stderr, "TEST_SEED=%lu\n", (unsigned long)random_state);
	random_state = random_state * 2 + 1;
	return 0;
}

/* Vigna's xorshift64*. */
static inline u64 random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1d;
}

/* 0 to n - 1. */
static inline unsigned int random_below(unsigned int n)
{
	return (unsigned int)((random_u64() >> 32) % n);
}

/* Of any magnitude: as many small ones as large ones. */
static inline u64 random_magnitude(void)
{
	unsigned int bits = random_below(65);

	return bits ? random_u64() >> (64 - bits) : 0;
}

#endif
