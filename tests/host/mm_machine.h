/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine with memblock, zones and page allocator in a child process, and an auditor of all its
 * descriptors. */
#ifndef MM_MACHINE_H
#define MM_MACHINE_H

#include <lib/types.h>
#include <mm/zone.h>

struct machine_range {
	phys_addr_t base, size;
	int nid;
};

struct machine {
	const struct machine_range *ram;      /* ends with size 0 */
	const struct machine_range *reserved; /* likewise; NULL: nothing */
	phys_addr_t start;                    /* memstart_addr */
	phys_addr_t dma, dma32;               /* limits, bytes; 0: none */
	unsigned int cpus;
};

/*
 * Run fn in a child process that has booted the machine up to mem_init(): mm/ keeps its state in
 * static variables, each case needs it fresh. Fails the test unless fn returns.
 */
void on_machine(const struct machine *machine, void (*fn)(void));

/* What the auditor counts, in pages. */
struct audit {
	unsigned long free;      /* in extents, on sections' and CPUs' lists */
	unsigned long listed;    /* of these on CPUs' lists */
	unsigned long meta;      /* descriptors, lists, arrays */
	unsigned long allocated; /* other allocated blocks */
	unsigned long slab;      /* slabs */
	unsigned long contig;    /* contiguous ranges */
};

/*
 * Walk all descriptors of opened sections, all lists and extents: everything is well formed,
 * counted once, counted right, and joined as far as it can be; every page handed over is in exactly
 * one state. Aborts with a message where not.
 */
struct audit audit(void);

/* Drain every CPU's lists. */
void drain_all_cpus(void);

/* For host_unlock_hook, where threads are CPUs: let another one in behind every 16th unlock. */
void yield_sometimes(void);

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			check_failed(__FILE__, __LINE__, #cond);                                   \
	} while (0)
void check_failed(const char *file, int line, const char *what) __attribute__((noreturn));

#endif
