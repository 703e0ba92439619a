/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flags of a page or slab request. Nothing here ever sleeps, so the flags only say where the memory
 * may lie, what is done with it, and what happens when there is none. Where Linux has a name for
 * how long to wait, that name is here and asks for nothing.
 */
#ifndef MM_GFP_H
#define MM_GFP_H

typedef unsigned int gfp_t;

#define __GFP_NOWARN  0x01u /* a failure is expected: no line in the log */
#define __GFP_NORETRY 0x02u /* do not take slabs apart for it */
#define __GFP_NOFAIL  0x04u /* the caller cannot do without: panic instead of NULL */
/* Fast paths serve what has none of those from here on. */
#define __GFP_ZERO     0x08u /* clear the memory */
#define __GFP_THISNODE 0x10u /* the node asked for or none */
#define __GFP_DMA      0x20u /* below the limit of the most restricted bus master */
#define __GFP_DMA32    0x40u /* below 4 GiB, or the 32-bit limit the device tree gives */

#define __GFP_RETRY_MAYFAIL 0u
#define __GFP_COMP          0u /* a block knows its order by itself */
#define __GFP_HIGH          0u

/* The flags that say where. */
#define GFP_PLACE (__GFP_THISNODE | __GFP_DMA | __GFP_DMA32)

#define GFP_KERNEL 0u /* any context: see above */
#define GFP_ATOMIC 0u
#define GFP_NOWAIT __GFP_NOWARN
#define GFP_USER   GFP_KERNEL
#define GFP_NOIO   GFP_KERNEL
#define GFP_NOFS   GFP_KERNEL
#define GFP_DMA    __GFP_DMA
#define GFP_DMA32  __GFP_DMA32

#endif
