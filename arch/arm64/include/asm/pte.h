/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contract with mm/: the encoding of one page-table entry. Descriptor bits are known here and
 * nowhere else (Arm ARM D8.3, translation table descriptor formats); pte_t is a struct, so raw bits
 * elsewhere do not compile. Every function is total: the caller passes aligned addresses and levels
 * FIRST_LEVEL..3.
 *
 *   63   55 54  53  52   51 50  49..48 47       12 11 10 9 8  7 6    5  4    2 1 0
 *   | sw   |UXN|PXN|Cont|DBM|GP|  0   | address   |nG|AF|SH  |AP  |NS|AttrIdx|type|
 */
#ifndef ASM_PTE_H
#define ASM_PTE_H

#include <asm/geometry.h>

/* Bits head.S also uses. type: 0b11 table (levels 0..2) or page (level 3), 0b01 block. */
#define PTE_VALID      BIT(0)
#define PTE_TYPE_TABLE UL(3)
#define PTE_TYPE_PAGE  UL(3)
#define PTE_TYPE_BLOCK UL(1)
#define PTE_ATTR(idx)  (UL(idx) << 2)
#define PTE_RDONLY     BIT(7) /* AP[2] */
#define PTE_USER       BIT(6) /* AP[1] */
#define PTE_SH_INNER   (UL(3) << 8)
#define PTE_AF         BIT(10)
#define PTE_CONT       BIT(52)
#define PTE_PXN        BIT(53)
#define PTE_UXN        BIT(54)
/* Memory types: indices into MAIR_EL1, whose value is MAIR_VALUE (Arm ARM D19.2.97). */
#define MT_NORMAL        0 /* write-back, read and write allocate */
#define MT_DEVICE_nGnRnE 1
#define MT_DEVICE_nGnRE  2
#define MT_NORMAL_NC     3
#define MAIR_VALUE       UL(0x440400ff)

#define PTE_ADDR_MASK (GENMASK(PHYS_MASK_BITS - 1, 0) & PAGE_MASK)

#define PROT_NORMAL (PTE_AF | PTE_SH_INNER | PTE_UXN | PTE_ATTR(MT_NORMAL))
#define PROT_RW     (PROT_NORMAL | PTE_PXN)
#define PROT_RO     (PROT_NORMAL | PTE_PXN | PTE_RDONLY)
#define PROT_ROX    (PROT_NORMAL | PTE_RDONLY)

#ifndef __ASSEMBLER__
#include <lib/types.h>

typedef struct {
	u64 bits;
} pte_t;

/* Access rights and memory type of a mapping. */
typedef struct {
	u64 bits;
} pgprot_t;

/* Shareability is ignored for Device memory (D8.5.2); inner is set so that one value serves all. */
#define PROT_DEVICE(idx)      (PTE_AF | PTE_SH_INNER | PTE_UXN | PTE_PXN | PTE_ATTR(idx))
#define PAGE_KERNEL           ((pgprot_t){PROT_RW})
#define PAGE_KERNEL_RO        ((pgprot_t){PROT_RO})
#define PAGE_KERNEL_ROX       ((pgprot_t){PROT_ROX})
#define PAGE_KERNEL_NC        ((pgprot_t){PROT_DEVICE(MT_NORMAL_NC)})
#define PAGE_KERNEL_DEVICE    ((pgprot_t){PROT_DEVICE(MT_DEVICE_nGnRE)})
#define PAGE_KERNEL_DEVICE_NP ((pgprot_t){PROT_DEVICE(MT_DEVICE_nGnRnE)})

static inline pte_t pte_none(void)
{
	return (pte_t){0};
}

/* An entry that points to the next level's table at physical address pa. */
static inline pte_t pte_table(phys_addr_t pa)
{
	return (pte_t){(pa & PTE_ADDR_MASK) | PTE_TYPE_TABLE};
}

/* A page (level 3) or block that maps pa. cont: the entry is part of a complete contiguous run. */
static inline pte_t pte_leaf(phys_addr_t pa, pgprot_t prot, int level, bool cont)
{
	u64 type = level == LAST_LEVEL ? PTE_TYPE_PAGE : PTE_TYPE_BLOCK;

	return (pte_t){(pa & PTE_ADDR_MASK) | prot.bits | type | (cont ? PTE_CONT : 0)};
}

/* The same leaf, bytes further on. */
static inline pte_t pte_advance(pte_t leaf, unsigned long bytes)
{
	return (pte_t){leaf.bits + bytes};
}

static inline bool pte_is_none(pte_t pte)
{
	return !(pte.bits & PTE_VALID);
}

static inline bool pte_is_table(pte_t pte, int level)
{
	return level != LAST_LEVEL && (pte.bits & 3) == PTE_TYPE_TABLE;
}

static inline bool pte_is_leaf(pte_t pte, int level)
{
	return level == LAST_LEVEL ? (pte.bits & 3) == PTE_TYPE_PAGE
				   : (pte.bits & 3) == PTE_TYPE_BLOCK;
}

/* Physical address of the table, block or page that a valid entry names. */
static inline phys_addr_t pte_phys(pte_t pte)
{
	return pte.bits & PTE_ADDR_MASK;
}

/* Rights and type of a leaf, without address, validity and the contiguous bit. */
static inline pgprot_t pte_prot(pte_t pte)
{
	return (pgprot_t){pte.bits & ~(PTE_ADDR_MASK | PTE_CONT | 3)};
}

static inline bool pte_is_cont(pte_t pte)
{
	return pte.bits & PTE_CONT;
}

static inline bool pte_same(pte_t a, pte_t b)
{
	return a.bits == b.bits;
}

static inline bool prot_same(pgprot_t a, pgprot_t b)
{
	return a.bits == b.bits;
}

static inline bool prot_writable(pgprot_t prot)
{
	return !(prot.bits & PTE_RDONLY);
}

static inline bool prot_executable(pgprot_t prot)
{
	return !(prot.bits & PTE_PXN);
}

/* Index into MAIR_EL1: one of MT_*. */
static inline unsigned int prot_memtype(pgprot_t prot)
{
	return (prot.bits >> 2) & 7;
}
#endif

#endif
