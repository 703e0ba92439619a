/* SPDX-License-Identifier: BSD-2-Clause */
#include "trade.h"

#include "host_mm.h"
#include "mm_machine.h"

#include <asm/percpu.h>
#include <lib/kernel.h>

#include <pthread.h>
#include <stdlib.h>

#define MAILBOXES 64
static void *mailbox[MAILBOXES]; /* things on their way to another thread */
static const struct trade *rules;
static unsigned int operations;

static void *worker(void *arg)
{
	u64 x = (unsigned long)arg * 77 + 1;
	void *own[256] = {NULL};

	host_cpu = (unsigned int)(unsigned long)arg;
	for (unsigned int i = 0; i < operations; i++) {
		void **slot;

		x = x * 6364136223846793005 + 1442695040888963407;
		slot = &own[x >> 56];
		if (rules->between)
			rules->between(i, x);
		if (!*slot) {
			*slot = rules->make(x);
			continue;
		}
		if (x >> 50 & 1)
			*slot = __atomic_exchange_n(&mailbox[(x >> 56) % MAILBOXES], *slot,
						    __ATOMIC_ACQ_REL);
		if (*slot)
			rules->unmake(*slot);
		*slot = NULL;
	}
	for (unsigned int slot = 0; slot < ARRAY_SIZE(own); slot++)
		if (own[slot])
			rules->unmake(own[slot]);
	if (rules->between)
		rules->between(operations, x);
	return NULL;
}

void trade(const struct trade *how)
{
	pthread_t *thread = calloc(nr_cpu_ids, sizeof(*thread));

	rules = how;
	operations = environment("TEST_OPERATIONS", how->operations);
	for (unsigned long i = 0; i < nr_cpu_ids; i++)
		CHECK(!pthread_create(&thread[i], NULL, worker, (void *)i));
	for (unsigned int i = 0; i < nr_cpu_ids; i++)
		CHECK(!pthread_join(thread[i], NULL));
	free(thread);
	for (unsigned int i = 0; i < MAILBOXES; i++)
		if (mailbox[i])
			how->unmake(mailbox[i]);
}

unsigned int trade_cpus(void)
{
	return environment("TEST_THREADS", 4);
}

unsigned int environment(const char *name, unsigned int otherwise)
{
	const char *value = getenv(name);

	return value ? (unsigned int)atoi(value) : otherwise;
}
