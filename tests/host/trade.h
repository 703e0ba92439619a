/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads, each a CPU of a machine, that allocate, free, and let each other free. */
#ifndef TRADE_H
#define TRADE_H

#include <lib/types.h>

struct trade {
	unsigned int operations; /* of each CPU, unless TEST_OPERATIONS says how many */
	void *(*make)(u64 random);
	void (*unmake)(void *thing); /* on any CPU */
	/* Before operation i and, with i = operations, at a CPU's end; NULL: nothing. */
	void (*between)(unsigned int i, u64 random);
};

/* One thread for each of nr_cpu_ids; returns when all that was made is unmade. */
void trade(const struct trade *how);

/* How many CPUs: TEST_THREADS, or 4. */
unsigned int trade_cpus(void);

/* The environment's number of this name, or otherwise. */
unsigned int environment(const char *name, unsigned int otherwise);

#endif
