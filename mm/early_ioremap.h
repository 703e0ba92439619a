/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * early_ioremap: windows to device registers and to memory until ioremap() works, in the fixmap:
 * FIX_BTMAPS_SLOTS of them, 256 KiB each. They are meant to be short: whoever opens one closes it,
 * early_ioremap_check() names those who did not. Boot CPU only.
 *
 * Addresses passed in are physical and need no alignment; sizes are bytes. What cannot be done is
 * refused with NULL and a line that says why: a size of 0, a range that wraps or exceeds 48 bits,
 * one that touches more pages than a window has, no window left, too early, too late.
 */
#ifndef MM_EARLY_IOREMAP_H
#define MM_EARLY_IOREMAP_H

#include <lib/types.h>

/* From here on windows can be opened. After early_fixmap_init(), once. */
void early_ioremap_init(void);

/* Device registers (Device-nGnRE) at phys, as a virtual address. */
void *early_ioremap(phys_addr_t phys, size_t size);

/* Memory (Normal, cacheable) at phys, writable; or read-only. */
void *early_memremap(phys_addr_t phys, size_t size);
void *early_memremap_ro(phys_addr_t phys, size_t size);

/* Close the window that was opened with this size and returned addr. Anything else is refused with
 * a line. */
void early_iounmap(void *addr, size_t size);
void early_memunmap(void *addr, size_t size);

/* ioremap() works: no more windows are opened; those that are open can still be closed. */
void early_ioremap_reset(void);

/* Name each window that is still open, in a line each, and return how many there are. */
unsigned int early_ioremap_check(void);

#endif
