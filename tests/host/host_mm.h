/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated machine under mm/ on the host: address windows, RAM, vmemmap, TLB record. */
#ifndef HOST_MM_H
#define HOST_MM_H

#include <lib/types.h>

/* Reserve the windows (once) and make them empty again: call at the start of each test. */
void host_mm_setup(void);
/* Make RAM [base, base + size) physical accessible at its linear address; contents are garbage
 * (0xa5). */
void host_ram_add(phys_addr_t base, phys_addr_t size);

#endif
