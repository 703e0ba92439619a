/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit of the live tables: mm/pt_audit.c's rules, and what is special to this CPU's. */
#include <asm/earlycon.h>
#include <asm/fixmap.h>
#include <asm/memory.h>
#include <asm/mmu.h>
#include <asm/sysreg.h>
#include <asm/table.h>
#include <lib/printk.h>
#include <mm/pt_audit.h>

/* By the MMU itself. */
static bool ask_mmu(unsigned long va, bool write, phys_addr_t *pa)
{
	u64 par = translate(va, write);

	*pa = (par & GENMASK(47, 12)) | (va & GENMASK(11, 0));
	return !(par & 1);
}

/* Entries in use in the table TTBR0 points to. */
static unsigned int user_entries(void)
{
	pte_t *entries = table_open(read_sysreg(ttbr0_el1) & GENMASK(47, 1), FIRST_LEVEL);
	unsigned int n = 0;

	for (unsigned int i = 0; i < PTRS_PER_PGD; i++)
		n += !pte_is_none(table_read(&entries[i]));
	table_close(FIRST_LEVEL);
	return n;
}

const char *tables_audit(void)
{
	static char text[96];
	unsigned int slot = FIX_PTE;

	/* The tree's window stays, and a console that could not be moved. */
	while (slot < FIX_FDT_END &&
	       (!fixmap_in_use(slot) || (slot == FIX_EARLYCON_MEM_BASE && earlycon_in_fixmap())))
		slot++;
	if (slot < FIX_FDT_END)
		scnprintf(text, sizeof(text), "fixmap slot %u is in use", slot);
	else if (user_entries())
		scnprintf(text, sizeof(text), "TTBR0 is not empty: %u entries", user_entries());
	else if (pt_audit(&init_mm, PAGE_OFFSET, ~0UL, ask_mmu, text, sizeof(text)))
		return NULL;
	return text;
}
