/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The final page tables. swapper_pg_dir is built while the early map is live: every table is
 * reached through a fixmap slot, one a level. Then TTBR1 is switched to it from the permanent
 * idmap, and tables are reached through the linear map.
 */
#include <asm/boot.h>
#include <asm/cache.h>
#include <asm/fixmap.h>
#include <asm/memory.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/spinlock.h>
#include <asm/sysreg.h>
#include <asm/table.h>
#include <asm/tlb.h>
#include <lib/bug.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/ledger.h>
#include <mm/mm.h>
#include <mm/pgtable.h>

unsigned long kimage_voffset __ro_after_init;

static pte_t swapper_pg_dir[PTRS_PER_TABLE] __aligned(PAGE_SIZE);
/* TTBR0 from the end of paging_init: nothing below the kernel's half translates. */
static pte_t empty_table[PTRS_PER_TABLE] __aligned(PAGE_SIZE);
/* The permanent idmap maps one page: one table a level, and one more where the image lies beyond
 * VA_BITS. */
static pte_t idmap_tables[PGTABLE_LEVELS(VA_BITS) + 1][PTRS_PER_TABLE] __aligned(PAGE_SIZE);

static bool linear_map_live __ro_after_init;
unsigned int nr_table_pages;

/* --- tables ------------------------------------------------------------------------------------
 */

pte_t *table_open(phys_addr_t pa, int level)
{
	if (linear_map_live)
		return phys_to_virt(pa);
	return set_fixmap_offset(FIX_PTE + (unsigned int)(LAST_LEVEL - level), pa);
}

void table_close(int level)
{
	if (!linear_map_live)
		clear_fixmap(FIX_PTE + (unsigned int)(LAST_LEVEL - level));
}

void table_sync(void)
{
	dsb(ishst);
	isb();
}

/*
 * The first TLBI and DSB of what other CPUs take part in may not wait for all their accesses, a
 * second pair does: Cortex-A76 erratum 1286807, A55 2441007, A510 2441009. No constant to the
 * compiler: what it unrolls cannot be left out by a test.
 */
static unsigned int tlbi_rounds(void)
{
	unsigned int rounds = 2;

	__asm__ volatile("" : "+r"(rounds));
	return rounds;
}

/* Past this many pages one by one costs more than starting over with an empty TLB. */
#define FLUSH_PAGES_MAX 512

void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
	unsigned long pages = (end - start) >> PAGE_SHIFT; /* end may be 0, behind the last page */

	if (pages > FLUSH_PAGES_MAX) {
		flush_tlb_all();
		return;
	}
	dsb(ishst);
	for (unsigned int round = tlbi_rounds(); round; round--) {
		/* The operand is bits 55:12 of the address whatever the granule, ASID 0 (Arm ARM
		 * C5.5, TLBI VAAE1IS). */
		u64 op = start >> 12 & GENMASK(43, 0);

		for (unsigned long n = pages; n; n--) {
			__asm__ volatile("tlbi vaae1is, %0" ::"r"(op));
			op += PAGE_SIZE >> 12;
		}
		dsb(ish);
	}
	isb();
}

void flush_tlb_all(void)
{
	dsb(ishst);
	for (unsigned int round = tlbi_rounds(); round; round--) {
		__asm__ volatile("tlbi vmalle1is");
		dsb(ish);
	}
	isb();
}

/* Pages for tables, some at a time: a request costs as much as a table. What is left goes back. */
static struct {
	phys_addr_t next, end;
} table_pool;

static void __init refill_table_pool(int level)
{
	unsigned long size = 8 * PAGE_SIZE;

	table_pool.next = memblock_phys_alloc(size, PAGE_SIZE);
	if (!table_pool.next)
		table_pool.next = memblock_phys_alloc(size = PAGE_SIZE, PAGE_SIZE);
	if (!table_pool.next)
		panic("no memory for a page table of level %d, or no room to note its reservation",
		      level);
	table_pool.end = table_pool.next + size;
	ledger_own(table_pool.next, size, OWNER_TABLES, 0);
}

static phys_addr_t __init early_table_alloc(int level)
{
	phys_addr_t pa;
	void *table;

	if (table_pool.next == table_pool.end)
		refill_table_pool(level);
	pa = table_pool.next;
	table_pool.next += PAGE_SIZE;
	/* Cleared through its slot, with the MMU's own view of memory: the walker is coherent with
	 * it (Arm ARM D8.2.12). */
	table = table_open(pa, level);
	memset(table, 0, PAGE_SIZE);
	table_close(level);
	nr_table_pages++;
	return pa;
}

struct pgtable init_mm __ro_after_init = {.first_level = FIRST_LEVEL, .alloc = early_table_alloc};

/* --- the kernel's map --------------------------------------------------------------------------
 */

static void __init map_segment(const void *start, const void *end, pgprot_t prot,
			       unsigned int flags)
{
	unsigned long va = (unsigned long)start, size = (unsigned long)end - va;
	int err = size ? pgtable_map(&init_mm, va, __pa_symbol(start), size, prot, flags) : 0;

	if (err)
		panic("mapping the kernel at 0x%016lx, %lu bytes: error %d", va, size, err);
}

/*
 * The image at its own addresses. What changes its rights or goes away later is mapped by itself,
 * so that no contiguous run reaches beyond it. The guards below the stacks, and the early tables
 * given back here, are left out. */
static void __init map_kernel(void)
{
	map_segment(_text, __inittext_begin, PAGE_KERNEL_ROX, 0);
	map_segment(__inittext_begin, __inittext_end, PAGE_KERNEL_ROX, 0);
	map_segment(__start_rodata, __end_rodata, PAGE_KERNEL_RO, 0);
	map_segment(__start_ro_after_init, __end_ro_after_init, PAGE_KERNEL, PGTABLE_NO_CONT);
	map_segment(__end_ro_after_init, exception_stack_guard, PAGE_KERNEL, 0);
	map_segment(exception_stack, exception_stack_end, PAGE_KERNEL, 0);
	map_segment(init_stack, init_stack_end, PAGE_KERNEL, 0);
	map_segment(__brk_start, image_end(), PAGE_KERNEL, 0);
}

static void __init map_linear(phys_addr_t start, phys_addr_t end, pgprot_t prot, unsigned int flags)
{
	unsigned long va = (unsigned long)phys_to_virt(start);
	int err;

	start = ALIGN(start, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	if (start >= end)
		return;
	err = pgtable_map(&init_mm, ALIGN(va, PAGE_SIZE), start, end - start, prot, flags);
	if (err)
		panic("linear map of 0x%lx-0x%lx: error %d", start, end - 1, err);
}

/*
 * RAM at PAGE_OFFSET, but not what is no-map. What is read-only in the image is read-only here too,
 * page by page, so that rights can change when the init part is freed.
 */
static void __init map_mem(void)
{
	phys_addr_t sealed = __pa_symbol(_text), sealed_end = __pa_symbol(__end_ro_after_init);
	struct memblock_region *r;

	for_each_mem_region (r) {
		phys_addr_t start = r->base, end = r->base + r->size;

		if (memblock_is_nomap(r))
			continue;
		/* A border of regions may lie anywhere in the image. */
		map_linear(start, min(end, sealed), PAGE_KERNEL, 0);
		map_linear(max(start, sealed), min(end, sealed_end), PAGE_KERNEL_RO,
			   PGTABLE_NO_BLOCKS | PGTABLE_NO_CONT);
		map_linear(max(start, sealed_end), end, PAGE_KERNEL, 0);
	}
}

/*
 * Page descriptors share entries of the root with vmalloc, and the two are edited under different
 * locks. So the tables below those entries are linked now: from here on they meet in no entry.
 */
static void __init link_descriptor_tables(void)
{
	for (unsigned long i = (VMEMMAP_START >> PGDIR_SHIFT) % PTRS_PER_PGD; i < PTRS_PER_PGD;
	     i++) {
		pte_t *entry = &swapper_pg_dir[i];

		if (pte_is_none(table_read(entry)))
			table_write(entry, pte_table(early_table_alloc(FIRST_LEVEL + 1)));
	}
	table_sync();
}

/* --- the permanent idmap and the switch --------------------------------------------------------
 */

static phys_addr_t idmap_root __ro_after_init;
static u64 idmap_tcr __ro_after_init, kernel_tcr __ro_after_init;

/* One page, .idmap.text, at its physical address; T0SZ is chosen for where that is. */
static void __init create_permanent_idmap(void)
{
	phys_addr_t pa = __pa_symbol(__idmap_text_start);
	int level = pa >> VA_BITS ? FIRST_LEVEL - 1 : FIRST_LEVEL;
	unsigned int bits = pa >> VA_BITS ? IDMAP_BITS_MAX : VA_BITS;
	pte_t(*table)[PTRS_PER_TABLE] = idmap_tables;

	for (; level < LAST_LEVEL; level++, table++)
		(*table)[(pa >> LEVEL_SHIFT(level)) & (PTRS_PER_TABLE - 1)] =
			pte_table(__pa_symbol(table + 1));
	(*table)[(pa >> PAGE_SHIFT) & (PTRS_PER_TABLE - 1)] =
		pte_leaf(pa, PAGE_KERNEL_ROX, LAST_LEVEL, false);
	table_sync();

	kernel_tcr = read_sysreg(tcr_el1) & ~GENMASK(5, 0);
	idmap_tcr = kernel_tcr | TCR_T0SZ(bits);
	kernel_tcr |= TCR_T0SZ(VA_BITS);
	idmap_root = __pa_symbol(idmap_tables); /* from here on it can be used */
}

static void set_ttbr0(phys_addr_t root)
{
	write_sysreg(root, ttbr0_el1);
	isb();
}

/* Take the idmap away: an empty root first, then the TLB, then T0SZ back to the kernel's. */
static void cpu_uninstall_idmap(void)
{
	set_ttbr0(__pa_symbol(empty_table));
	__asm__ volatile("tlbi vmalle1");
	dsb(nsh);
	isb();
	write_sysreg(kernel_tcr, tcr_el1);
	isb();
}

/* T0SZ may not change under a live TTBR0 root: the empty one is in between. */
static void cpu_install_idmap(void)
{
	cpu_uninstall_idmap();
	write_sysreg(idmap_tcr, tcr_el1);
	isb();
	set_ttbr0(idmap_root);
}

void idmap_replace_ttbr1(phys_addr_t root, phys_addr_t empty);

static void __init cpu_replace_ttbr1(phys_addr_t root)
{
	void (*replace)(phys_addr_t, phys_addr_t) =
		(void *)(unsigned long)__pa_symbol(idmap_replace_ttbr1);
	unsigned long flags = local_serror_save(); /* there none could be told */

	cpu_install_idmap();
	replace(root, __pa_symbol(empty_table));
	cpu_uninstall_idmap();
	local_irq_restore(flags);
}

/* The result is whoever's on this CPU. */
u64 translate(unsigned long va, bool write)
{
	unsigned long flags = local_irq_save();
	u64 par;

	if (write)
		__asm__ volatile("at s1e1w, %0" ::"r"(va));
	else
		__asm__ volatile("at s1e1r, %0" ::"r"(va));
	isb();
	par = read_par();
	local_irq_restore(flags);
	return par;
}

void __noreturn leave_kernel(u64 reason, u64 v1, u64 v2, u64 v3, bool told)
{
	__typeof__(early_dead_end) *leave = (void *)(unsigned long)__pa_symbol(early_dead_end);
	size_t size;
	const char *log = printk_area(&size);

	/* What is read with the MMU off, besides the image; the log wherever it is, as the image's
	 * relocation to its physical address makes it. */
	dcache_clean_inval_poc(log, log + size);
	printk_at((char *)((translate((unsigned long)log, false) & GENMASK(47, PAGE_SHIFT)) +
			   ((u64)log & ~PAGE_MASK) + kimage_voffset));
	log_tells = told;
	if (machine.dt.size) /* not one that was refused */
		dcache_clean_inval_poc(machine.dt.blob, machine.dt.blob + machine.dt.size);
	local_serror_save();
	/* Before paging_init() the one that the boot came on is there. */
	if (idmap_root)
		cpu_install_idmap();
	leave(reason, v1, v2, v3);
	__builtin_unreachable();
}

void __stage paging_init(void)
{
	phys_addr_t root = __pa_symbol(swapper_pg_dir);

	init_mm.root = root;
	create_permanent_idmap();
	fixmap_copy(swapper_pg_dir);
	map_kernel();
	map_mem();
	link_descriptor_tables();
	cpu_replace_ttbr1(root);
	linear_map_live = true;
	ledger_free(__pa_symbol(__early_tables_start),
		    (phys_addr_t)(__early_tables_end - __early_tables_start), OWNER_EARLY_TABLES);
	ledger_free(table_pool.next, table_pool.end - table_pool.next, OWNER_TABLES);
	memblock_allow_resize();
	pr_debug("Paging: %u table pages, linear map from 0x%016lx\n", nr_table_pages, PAGE_OFFSET);
}

/* --- page descriptors --------------------------------------------------------------------------
 */

/* Taken inside zone locks, takes none. */
static spinlock_t populate_lock = SPIN_LOCK_UNLOCKED;

/* Fill what is empty of [start, last] below a table with pages of zeros: tables, and at the end
 * descriptors. */
static void populate(phys_addr_t table, int level, unsigned long start, unsigned long last,
		     take_page_fn take, void *arg)
{
	unsigned long step = LEVEL_SIZE(level);
	pte_t *entry =
		(pte_t *)phys_to_virt(table) + (start >> LEVEL_SHIFT(level) & (PTRS_PER_TABLE - 1));

	/* - 1: the entry behind the last of all is at 0. */
	for (unsigned long va = start; va - 1 < last; va = ALIGN_DOWN(va, step) + step, entry++) {
		pte_t pte = table_read(entry);

		if (pte_is_none(pte)) {
			phys_addr_t pa = take(arg);

			memset(phys_to_virt(pa), 0, PAGE_SIZE);
			pte = level == LAST_LEVEL ? pte_leaf(pa, PAGE_KERNEL, level, false)
						  : pte_table(pa);
			table_publish();
			table_write(entry, pte);
		}
		if (level < LAST_LEVEL)
			populate(pte_phys(pte), level + 1, va, min(va | (step - 1), last), take,
				 arg);
	}
}

void vmemmap_populate(unsigned long start, unsigned long end, take_page_fn take, void *arg)
{
	unsigned long flags = spin_lock_irqsave(&populate_lock);

	populate(init_mm.root, FIRST_LEVEL, start, end - 1, take, arg);
	table_sync();
	spin_unlock_irqrestore(&populate_lock, flags);
}

unsigned int vmemmap_cost(unsigned long start, unsigned long end)
{
	unsigned int pages = 0;

	for (int level = LAST_LEVEL; level >= FIRST_LEVEL; level--) {
		unsigned int shift = (unsigned int)LEVEL_SHIFT(level);

		pages += (unsigned int)(((end - 1) >> shift) - (start >> shift) + 1);
	}
	return pages;
}

/* --- the end of the boot -----------------------------------------------------------------------
 */

void __stage mark_rodata_ro(void)
{
	unsigned long va = (unsigned long)__start_ro_after_init;
	unsigned long size = (unsigned long)(__end_ro_after_init - __start_ro_after_init);

	BUG_ON(pgtable_protect(&init_mm, va, size, PAGE_KERNEL_RO));
}

static phys_addr_t table_page(int level)
{
	struct page *page = alloc_page(GFP_NOWAIT | __GFP_ZERO); /* who maps says what failed */

	(void)level;
	if (page && !page_to_phys(page)) /* 0 is what says "none": that page is kept */
		page = alloc_page(GFP_NOWAIT | __GFP_ZERO);
	if (!page)
		return 0;
	page_set_role(page, ROLE_TABLE);
	nr_table_pages++;
	return page_to_phys(page);
}

void __stage table_pages_from_buddy(void)
{
	init_mm.alloc = table_page;
}

bool init_memory_freed;

void free_initmem(void)
{
	unsigned long va = (unsigned long)__inittext_begin;
	unsigned long size = (unsigned long)(__inittext_end - __inittext_begin);
	phys_addr_t start, end = 0;

	init_memory_freed = true;
	/* No longer executable before it is writable. Of the linear alias only that of text is
	 * read-only; that of data may be part of a larger block. */
	BUG_ON(pgtable_unmap(&init_mm, va, size));
	BUG_ON(pgtable_protect(&init_mm, (unsigned long)phys_to_virt(__pa_symbol(__inittext_begin)),
			       size, PAGE_KERNEL));
	while (ledger_find(OWNER_KERNEL_INIT, &start, &end))
		free_reserved_range(start, end, "init");
}
