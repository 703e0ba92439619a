/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flags of a page or slab request. Nothing here ever sleeps, so the flags only say where the memory
 * may lie and what is done with it.
 */
#ifndef MM_GFP_H
#define MM_GFP_H

typedef unsigned int gfp_t;

#define __GFP_NOWARN   0x01u /* a failure is expected: no line in the log */
#define __GFP_ZERO     0x02u /* clear the memory */
#define __GFP_THISNODE 0x04u /* the node asked for or none */
#define __GFP_DMA      0x10u /* below the limit of the most restricted bus master */
#define __GFP_DMA32    0x20u /* below 4 GiB, or the 32-bit limit the device tree gives */

/* The flags that say where. */
#define GFP_PLACE (__GFP_THISNODE | __GFP_DMA | __GFP_DMA32)

#define GFP_KERNEL 0u /* any context: see above */
#define GFP_ATOMIC 0u
#define GFP_NOWAIT __GFP_NOWARN
#define GFP_DMA    __GFP_DMA
#define GFP_DMA32  __GFP_DMA32

#endif
