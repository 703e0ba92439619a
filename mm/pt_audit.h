/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Are the kernel's page tables what they should be? Reads tables, memblock and page descriptors
 * only, allocates nothing. Nobody may edit the tables meanwhile. The rules:
 *
 *   - no page is writable and executable, or executable at one address and writable at another
 *   - no physical page has two memory types
 *   - the linear map is memory.memblock without what is no-map, whole pages of each region, exactly
 *   - a table page is reserved since the boot or allocated as a table, and reached in one way only
 *   - contiguous runs are complete, aligned in both worlds, and alike throughout (Arm ARM D8.7.1)
 *   - at both sides of every edge the walk in software agrees with the hardware's
 */
#ifndef MM_PT_AUDIT_H
#define MM_PT_AUDIT_H

#include <mm/pgtable.h>

/* What the hardware makes of a read or a write at va: false if it would fault, else *pa. */
typedef bool (*pt_translate_fn)(unsigned long va, bool write, phys_addr_t *pa);

/*
 * Audit what pt translates of [first, last], last included. False: some rule is broken, and text
 * (size bytes) says which and where.
 */
bool pt_audit(const struct pgtable *pt, unsigned long first, unsigned long last,
	      pt_translate_fn translate, char *text, size_t size);

#endif
