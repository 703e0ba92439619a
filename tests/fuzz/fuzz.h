/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tree fuzzing: the files that turn a device tree into what the page allocator gets, unmodified, on
 * a machine made of host memory, for any bytes as the tree.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <lib/compiler.h>
#include <lib/types.h>

/*
 * The machine around the tree. An input that ends in a trailer of this form chooses it; the trailer
 * is no part of the tree. Each byte is taken modulo the number of choices.
 */
struct trailer {
	u8 magic[2]; /* "fz" */
	u8 image;    /* where the kernel lies */
	u8 dt;       /* where the tree lies */
	u8 pa_bits;  /* of the CPU */
	u8 brk;      /* size of the brk area */
	u8 flags;    /* TRAILER_... */
	u8 fill;     /* what memory behind a truncated tree holds */
};
#define TRAILER_AT_START 1 /* the tree's start touches the page without access, not its end */
#define TRAILER_SKEW     2 /* the tree is misaligned by 4 */

struct range {
	phys_addr_t start, end; /* exclusive */
};

struct ranges {
	struct range *at;
	unsigned long count, room;
};

void ranges_add(struct ranges *list, phys_addr_t start, phys_addr_t end);
/* Sort; join what overlaps or touches. */
void ranges_join(struct ranges *list);

/* What a run of the boot did, for the oracle. */
struct outcome {
	const void *tree; /* as it was given to the kernel, size bytes, aligned */
	u32 size;
	struct range blob;
	struct range image;
	struct range kept[2]; /* of the image what is never given back; page tables */
	unsigned int pa_bits;
	struct ranges given; /* by memblock_free_all(), in the order of the calls */
};

/* Check all that must hold when the kernel took the tree; ends the process when something does not.
 */
void check_outcome(const struct outcome *out);

/* Print text and the kernel's log, and end the process: a finding. */
void finding(const char *fmt, ...) __printf(1, 2) __noreturn;

/* Look at the header only: totalsize of what looks like a tree, else 0. */
u32 tree_size(const u8 *data, size_t size);

#endif
