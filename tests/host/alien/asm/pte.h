/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract of asm/pte.h kept by an encoding no hardware has: what relies on descriptor bits
 * instead of the functions fails with it. The top bits tell what an entry is, with another value at
 * each level, so that asking for the wrong level fails too; the rest is scrambled with a key of
 * that value. An entry of a zeroed table is empty, but pte_none() is not 0.
 */
#ifndef ASM_PTE_H
#define ASM_PTE_H

#include <asm/geometry.h>
#include <lib/types.h>

enum { MT_NORMAL = 5, MT_DEVICE_nGnRnE = 0, MT_DEVICE_nGnRE = 7, MT_NORMAL_NC = 2 };

typedef struct {
	u64 scrambled;
} pte_t;

typedef struct {
	u8 memtype, denied; /* denied: 1 execution, 2 writing */
} pgprot_t;

#define PAGE_KERNEL           ((pgprot_t){MT_NORMAL, 1})
#define PAGE_KERNEL_RO        ((pgprot_t){MT_NORMAL, 3})
#define PAGE_KERNEL_ROX       ((pgprot_t){MT_NORMAL, 2})
#define PAGE_KERNEL_NC        ((pgprot_t){MT_NORMAL_NC, 1})
#define PAGE_KERNEL_DEVICE    ((pgprot_t){MT_DEVICE_nGnRE, 1})
#define PAGE_KERNEL_DEVICE_NP ((pgprot_t){MT_DEVICE_nGnRnE, 1})

/* Bits 63..59: what the entry is. Below: page number, cont (0: yes), memtype (3), denied (2), all
 * scrambled. */
enum { ALIEN_NONE = 0, ALIEN_TABLE = 19, ALIEN_LEAF = 6 };

static inline unsigned int alien_tag(pte_t pte)
{
	return (unsigned int)(pte.scrambled >> 59);
}

static inline u64 alien_key(unsigned int tag)
{
	return (0x9e3779b97f4a7c15UL * (tag + 1)) & GENMASK(58, 0);
}

static inline pte_t alien_make(unsigned int tag, u64 content)
{
	return (pte_t){(u64)tag << 59 | (content ^ alien_key(tag))};
}

static inline u64 alien_content(pte_t pte)
{
	return (pte.scrambled & GENMASK(58, 0)) ^ alien_key(alien_tag(pte));
}

static inline pte_t pte_none(void)
{
	return (pte_t){0x7a11};
}

static inline pte_t pte_table(phys_addr_t pa)
{
	return alien_make(ALIEN_TABLE, (pa >> PAGE_SHIFT) << 6);
}

static inline pte_t pte_leaf(phys_addr_t pa, pgprot_t prot, int level, bool cont)
{
	u64 attributes = (cont ? 0 : 32) | (u64)prot.memtype << 2 | prot.denied;

	return alien_make((unsigned int)(ALIEN_LEAF - level), (pa >> PAGE_SHIFT) << 6 | attributes);
}

static inline pte_t pte_advance(pte_t leaf, unsigned long bytes)
{
	return alien_make(alien_tag(leaf), alien_content(leaf) + (bytes >> PAGE_SHIFT << 6));
}

static inline bool pte_is_none(pte_t pte)
{
	return alien_tag(pte) == ALIEN_NONE;
}

static inline bool pte_is_table(pte_t pte, int level)
{
	return level != LAST_LEVEL && alien_tag(pte) == ALIEN_TABLE;
}

static inline bool pte_is_leaf(pte_t pte, int level)
{
	return alien_tag(pte) == (unsigned int)(ALIEN_LEAF - level);
}

static inline phys_addr_t pte_phys(pte_t pte)
{
	return alien_content(pte) >> 6 << PAGE_SHIFT;
}

static inline pgprot_t pte_prot(pte_t pte)
{
	u64 content = alien_content(pte);

	return (pgprot_t){(content >> 2) & 7, content & 3};
}

static inline bool pte_is_cont(pte_t pte)
{
	return !(alien_content(pte) & 32);
}

static inline bool pte_same(pte_t a, pte_t b)
{
	return a.scrambled == b.scrambled;
}

static inline bool prot_same(pgprot_t a, pgprot_t b)
{
	return a.memtype == b.memtype && a.denied == b.denied;
}

static inline bool prot_writable(pgprot_t prot)
{
	return !(prot.denied & 2);
}

static inline bool prot_executable(pgprot_t prot)
{
	return !(prot.denied & 1);
}

static inline unsigned int prot_memtype(pgprot_t prot)
{
	return prot.memtype;
}

#endif
