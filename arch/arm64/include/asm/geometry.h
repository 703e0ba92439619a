/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything about page tables that follows from PAGE_SHIFT and VA_BITS (Arm ARM D8.2, VMSAv8-64
 * translation using the 4 KiB, 16 KiB and 64 KiB granules). Usable from C and from assembly.
 *
 * A table is one page of 8-byte entries, so each level resolves PAGE_SHIFT - 3 bits and level 3
 * ends at the page offset. Levels are numbered as in the Arm ARM: the last one is 3, the first
 * depends on VA_BITS.
 */
#ifndef ASM_GEOMETRY_H
#define ASM_GEOMETRY_H

#include <lib/bits.h>

#ifndef PAGE_SHIFT
#define PAGE_SHIFT 12
#endif
#ifndef VA_BITS
#define VA_BITS 48
#endif

#define PAGE_SIZE (UL(1) << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define TABLE_SHIFT    (PAGE_SHIFT - 3)
#define PTRS_PER_TABLE (1 << TABLE_SHIFT)
#define LAST_LEVEL     3

#define LEVEL_SHIFT(level) (PAGE_SHIFT + TABLE_SHIFT * (LAST_LEVEL - (level)))
#define LEVEL_SIZE(level)  (UL(1) << LEVEL_SHIFT(level))

#define PGTABLE_LEVELS(bits) (((bits)-PAGE_SHIFT + TABLE_SHIFT - 1) / TABLE_SHIFT)
#define FIRST_LEVEL_OF(bits) (LAST_LEVEL + 1 - PGTABLE_LEVELS(bits))
#define FIRST_LEVEL          FIRST_LEVEL_OF(VA_BITS)
#define PGDIR_SHIFT          LEVEL_SHIFT(FIRST_LEVEL)
#define PTRS_PER_PGD         (1 << (VA_BITS - PGDIR_SHIFT))

/* Physical addresses are 48 bits at most: descriptors without FEAT_LPA2 (4 KiB, 16 KiB) hold no
 * more. */
#define PHYS_MASK_BITS 48
/* The identity map's first level when the image lies beyond VA_BITS. */
#define IDMAP_BITS_MAX PHYS_MASK_BITS

/* The lowest-numbered level that may hold a block: 1 GiB at 4 KiB, 32 MiB at 16 KiB, 512 MiB at 64
 * KiB. */
#define FIRST_BLOCK_LEVEL (PAGE_SHIFT == 12 ? 1 : 2)

/* Entries in a contiguous run (Arm ARM D8.7.1, the Contiguous bit): level 3, and level 2 blocks. */
#define CONT_PTES (PAGE_SHIFT == 12 ? 16 : PAGE_SHIFT == 14 ? 128 : 32)
#define CONT_PMDS (PAGE_SHIFT == 12 ? 16 : 32)

#endif
