/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm/pt_audit.c on tables of a small machine: sound ones pass, random mappings too, and each rule,
 * broken on purpose, is named. Built with the hardware's and with an alien encoding of entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <asm/irqflags.h>
#include <asm/page.h>
#include <asm/table.h>
#include <mm/memblock.h>
#include <mm/memmap.h>
#include <mm/mm.h>
#include <mm/pt_audit.h>

#include "host_mm.h"
#include "random.h"
#include "stubs.h"

/* RAM with a hole, a part without mapping, and ends inside of pages; no descriptors at first. */
#define RAM       0x40000000UL
#define TABLES    RAM /* reserved */
#define NR_TABLES 512UL
#define NOMAP     (RAM + SZ_512M)
#define RAM_END   (RAM + SZ_1G + 5 * PAGE_SIZE)
#define SECOND    (RAM + 2 * SZ_1G + 100)
#define SECOND_SZ ((64 * SZ_1M) + 7 * PAGE_SIZE + 33)
#define TEXT      (RAM + (64 * SZ_1M))
#define TEXT_SIZE (40 * PAGE_SIZE)
#define TEXT_VA   VMALLOC_START
#define RUN       (CONT_PTES * PAGE_SIZE)
#define DEVICE    (RAM + 8 * SZ_1G)
#define LAST      (BIT(VA_BITS) - 1)

static struct memblock pristine;
static unsigned long tables_used;
static char text[120];
/* The MMU's opinion differs here. */
static unsigned long lie_at;
static bool lie_about_write, lie_about_address;

/* Nobody here hands memory over. */
void free_memblock_range(phys_addr_t start, phys_addr_t end, int nid)
{
	(void)start, (void)end, (void)nid;
}

static phys_addr_t take_table(int level)
{
	phys_addr_t pa = TABLES + tables_used++ * PAGE_SIZE;

	(void)level;
	assert_true(tables_used <= NR_TABLES);
	memset(phys_to_virt(pa), 0, PAGE_SIZE);
	return pa;
}

static struct pgtable pt = {.first_level = FIRST_LEVEL, .alloc = take_table};

static void map(unsigned long va, phys_addr_t pa, unsigned long size, pgprot_t prot,
		unsigned int flags)
{
	assert_int_equal(pgtable_map(&pt, va, pa, size, prot, flags), 0);
}

static void map_linear(phys_addr_t start, phys_addr_t end, pgprot_t prot, unsigned int flags)
{
	start = PAGE_ALIGN(start);
	map((unsigned long)phys_to_virt(start), start, ALIGN_DOWN(end, PAGE_SIZE) - start, prot,
	    flags);
}

static int machine(void **state)
{
	(void)state;
	host_mm_setup();
	if (!pristine.memory.regions)
		pristine = memblock;
	memblock = pristine;
	memset(memblock.memory.regions, 0, memblock.memory.max * sizeof(struct memblock_region));
	memset(memblock.reserved.regions, 0,
	       memblock.reserved.max * sizeof(struct memblock_region));
	memstart_addr = RAM;
	host_ram_add(RAM, SZ_1G + (64 * SZ_1M));
	memblock_add(RAM, RAM_END - RAM);
	memblock_add(SECOND, SECOND_SZ);
	memblock_mark_nomap(NOMAP, SZ_1M);
	memblock_reserve(TABLES, NR_TABLES * PAGE_SIZE);
	memset(&open_span, 0, sizeof(open_span));
	lie_at = 0;
	lie_about_write = lie_about_address = false;
	tables_used = 0;
	pt.root = take_table(0);
	map_linear(RAM, TEXT, PAGE_KERNEL, 0);
	map_linear(TEXT, TEXT + TEXT_SIZE, PAGE_KERNEL_RO, PGTABLE_NO_BLOCKS | PGTABLE_NO_CONT);
	map_linear(TEXT + TEXT_SIZE, NOMAP, PAGE_KERNEL, 0);
	map_linear(NOMAP + SZ_1M, RAM_END, PAGE_KERNEL, 0);
	map_linear(SECOND, SECOND + SECOND_SZ, PAGE_KERNEL, 0);
	map(TEXT_VA, TEXT, TEXT_SIZE, PAGE_KERNEL_ROX, 0);
	map(TEXT_VA + SZ_1G, TEXT + TEXT_SIZE, 3 * PAGE_SIZE, PAGE_KERNEL, 0);
	map(TEXT_VA + 2 * SZ_1G, DEVICE, 5 * PAGE_SIZE, PAGE_KERNEL_DEVICE, 0);
	return 0;
}

static bool translate(unsigned long va, bool write, phys_addr_t *pa)
{
	struct pgtable_leaf leaf;

	if (!pgtable_lookup(&pt, va, &leaf) || (write && !prot_writable(leaf.prot)))
		return lie_at == va && !lie_about_address;
	*pa = leaf.pa + (va - leaf.va);
	if (lie_at != va || (lie_about_write && !write))
		return true;
	*pa ^= lie_about_address ? PAGE_SIZE : 0;
	return lie_about_address;
}

static bool sound(void)
{
	text[0] = '\0';
	return pt_audit(&pt, 0, LAST, translate, text, sizeof(text));
}

static void assert_sound(void)
{
	if (!sound())
		fail_msg("sound tables, and the audit says: %s", text);
}

static void assert_named(const char *what)
{
	assert_false(sound());
	if (!strstr(text, what))
		fail_msg("the audit says '%s', not '%s'", text, what);
}

/* The entry for va at a level, or the last one before it. */
static pte_t *entry(unsigned long va, int level)
{
	phys_addr_t table = pt.root;

	for (int here = FIRST_LEVEL;; here++) {
		pte_t *e = (pte_t *)phys_to_virt(table) +
			   ((va >> LEVEL_SHIFT(here)) & (PTRS_PER_TABLE - 1));

		if (here == level || !pte_is_table(*e, here))
			return e;
		table = pte_phys(*e);
	}
}

static pte_t *page_entry(unsigned long va)
{
	return entry(va, LAST_LEVEL);
}

static void put_page(unsigned long va, phys_addr_t pa, pgprot_t prot, bool cont)
{
	*page_entry(va) = pte_leaf(pa, prot, LAST_LEVEL, cont);
}

static unsigned long linear(phys_addr_t pa)
{
	return (unsigned long)phys_to_virt(pa);
}

static void test_sound(void **state)
{
	(void)state;
	assert_sound();
}

static void test_random_maps(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		unsigned long va = VMALLOC_START + SZ_16M + random_below(4000) * PAGE_SIZE;
		unsigned long size = (1 + random_below(300)) * PAGE_SIZE;
		phys_addr_t pa = RAM + (256 * SZ_1M) + random_below(1000) * PAGE_SIZE;

		if (random_below(3))
			pgtable_map(&pt, va, pa, size,
				    random_below(2) ? PAGE_KERNEL : PAGE_KERNEL_RO, 0);
		else
			pgtable_unmap(&pt, va, size);
		assert_sound();
	}
}

static void test_rights(void **state)
{
	/* The one combination no constant has. */
#ifdef PTE_RDONLY
	pgprot_t all = {PAGE_KERNEL_ROX.bits & ~PTE_RDONLY};
#else
	pgprot_t all = {MT_NORMAL, 0};
#endif

	(void)state;
	put_page(TEXT_VA + SZ_1G, TEXT + TEXT_SIZE, all, false);
	assert_named("is writable and executable");
}

static void test_text_alias(void **state)
{
	(void)state;
	put_page(linear(TEXT + 2 * PAGE_SIZE), TEXT + 2 * PAGE_SIZE, PAGE_KERNEL, false);
	assert_named("has a writable alias");
	machine(NULL);
	map(TEXT_VA + 3 * SZ_1G, TEXT + TEXT_SIZE - PAGE_SIZE, 2 * PAGE_SIZE, PAGE_KERNEL, 0);
	assert_named("has a writable alias");
	machine(NULL);
	map(TEXT_VA + 3 * SZ_1G, TEXT - PAGE_SIZE, PAGE_SIZE, PAGE_KERNEL, 0);
	map(TEXT_VA + 4 * SZ_1G, TEXT, TEXT_SIZE, PAGE_KERNEL_RO, 0);
	assert_sound();
}

static void test_memory_types(void **state)
{
	(void)state;
	map(TEXT_VA + 3 * SZ_1G, DEVICE + 4 * PAGE_SIZE, 2 * PAGE_SIZE, PAGE_KERNEL_NC, 0);
	assert_named("has two memory types");
	machine(NULL);
	map(TEXT_VA + 3 * SZ_1G, RAM_END - PAGE_SIZE, PAGE_SIZE, PAGE_KERNEL_DEVICE, 0);
	assert_named("has two memory types");
	machine(NULL);
	map(TEXT_VA + 3 * SZ_1G, NOMAP, SZ_1M, PAGE_KERNEL_NC, 0);
	map(TEXT_VA + 4 * SZ_1G, DEVICE + 5 * PAGE_SIZE, PAGE_SIZE, PAGE_KERNEL_NC, 0);
	map(TEXT_VA + 5 * SZ_1G, DEVICE, PAGE_SIZE, PAGE_KERNEL_DEVICE, 0);
	assert_sound();
}

static void test_linear_map(void **state)
{
	(void)state;
	*page_entry(linear(RAM_END - PAGE_SIZE)) = pte_none();
	assert_named("is not in the linear map");
	machine(NULL);
	*page_entry(linear(PAGE_ALIGN(SECOND))) = pte_none();
	assert_named("is not in the linear map");
	machine(NULL);
	memblock_clear_nomap(NOMAP, SZ_1M);
	assert_named("is not in the linear map");
	machine(NULL);
	memblock_add(RAM + 5 * SZ_1G, SZ_1M);
	assert_named("is not in the linear map");

	machine(NULL);
	map_linear(NOMAP, NOMAP + PAGE_SIZE, PAGE_KERNEL, 0);
	assert_named("is in the linear map, and not memory");
	machine(NULL);
	map_linear(RAM_END, RAM_END + PAGE_SIZE, PAGE_KERNEL, 0);
	assert_named("is in the linear map, and not memory");
	machine(NULL);
	/* Its first page is not whole. */
	map_linear(ALIGN_DOWN(SECOND, PAGE_SIZE), ALIGN(SECOND, PAGE_SIZE), PAGE_KERNEL, 0);
	assert_named("is in the linear map, and not memory");

	machine(NULL);
	put_page(linear(TEXT), TEXT + PAGE_SIZE, PAGE_KERNEL_RO, false);
	assert_named("the linear map has");
}

static void test_table_reached_twice(void **state)
{
	(void)state;
	*entry(TEXT_VA + 7 * LEVEL_SIZE(2), 2) = *entry(TEXT_VA, 2);
	assert_named("is reached twice");
}

/* More tables than are compared in one walk, the second way to one of the last among them. */
static void test_table_reached_twice_late(void **state)
{
	unsigned long far = TEXT_VA + 100 * LEVEL_SIZE(2);

	(void)state;
	for (int i = 0; i < 100; i++)
		map(far + i * LEVEL_SIZE(2), RAM + (256 * SZ_1M), PAGE_SIZE, PAGE_KERNEL, 0);
	assert_sound();
	*entry(far + 300 * LEVEL_SIZE(2), 2) = *entry(far + 99 * LEVEL_SIZE(2), 2);
	assert_named("is reached twice");
}

static phys_addr_t take_page(void *arg)
{
	phys_addr_t *next = arg;

	*next += PAGE_SIZE;
	return *next - PAGE_SIZE;
}

static void test_table_owner(void **state)
{
	phys_addr_t foreign = RAM + 64 * SZ_1M + 3 * PAGE_SIZE, meta = RAM + SZ_16M;
	struct page *page;
	unsigned long flags;

	(void)state;
	memset(phys_to_virt(foreign), 0, PAGE_SIZE);
	*entry(TEXT_VA + 7 * LEVEL_SIZE(2), 2) = pte_table(foreign);
	assert_named("is nobody's");
	memblock_reserve(foreign, PAGE_SIZE);
	assert_sound();

	/* The section is open: descriptors say whose pages are. */
	flags = local_irq_save(); /* as under the lock of a zone */
	section_open((foreign - RAM) >> (PAGE_SHIFT + SECTION_SHIFT), 0, take_page, &meta);
	local_irq_restore(flags);
	page = phys_to_page(foreign);
	assert_sound();
	page_set_word(page, word_make(PAGE_FREE, 0, 0));
	assert_named("is nobody's");
	page_set_word(page, word_make(PAGE_ALLOC, 0, 0) | (u64)ROLE_PLAIN << PAGE_CACHE_POS);
	assert_named("is nobody's");
	page_set_word(page, word_make(PAGE_ALLOC, 0, 0) | (u64)ROLE_TABLE << PAGE_CACHE_POS);
	assert_sound();
	page_set_word(page, word_make(PAGE_ALLOC, 0, 0) | (u64)ROLE_META << PAGE_CACHE_POS);
	assert_sound();
	page_set_word(page, 0);
	assert_sound();
	/* Reserved once, and part of a free block now: init memory. */
	page_set_word(page - 3, word_make(PAGE_FREE, 0, 2));
	assert_named("is nobody's");
	page_set_word(page - 3, word_make(PAGE_FREE, 0, 1));
	assert_sound();
}

static void test_contiguous_runs(void **state)
{
	unsigned long va = VMALLOC_START + (256 * SZ_1M);
	phys_addr_t pa = RAM + (256 * SZ_1M);

	(void)state;
	for (unsigned int at = 0; at < CONT_PTES; at += CONT_PTES / 4 - 1) {
		unsigned long off = at * PAGE_SIZE;

		machine(NULL);
		map(va, pa, 2 * RUN, PAGE_KERNEL, 0);
		assert_sound();
		put_page(va + off, pa + off, PAGE_KERNEL, false);
		assert_named("contiguous run broken");
		put_page(va + off, pa + off, PAGE_KERNEL_RO, true);
		assert_named("contiguous run broken");
		put_page(va + off, pa + off + 4 * RUN, PAGE_KERNEL, true);
		assert_named("contiguous run broken");
		*page_entry(va + off) = pte_none();
		assert_named("contiguous run broken");
	}
	/* Aligned in one world only, or a single entry that says it is part of one. */
	machine(NULL);
	for (unsigned long off = 0; off < RUN; off += PAGE_SIZE) {
		map(va + off, pa + PAGE_SIZE + off, PAGE_SIZE, PAGE_KERNEL, 0);
		put_page(va + off, pa + PAGE_SIZE + off, PAGE_KERNEL, true);
	}
	assert_named("contiguous run broken");
	machine(NULL);
	map(va, pa, PAGE_SIZE, PAGE_KERNEL, 0);
	put_page(va, pa, PAGE_KERNEL, true);
	assert_named("contiguous run broken");
}

static void test_hardware(void **state)
{
	unsigned long start = TEXT_VA + SZ_1G, end = start + 3 * PAGE_SIZE;
	const unsigned long edges[] = {start - 1, start, end - 1, end};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(edges); i++) {
		lie_at = edges[i];
		assert_named("the MMU disagrees with the tables on a read");
	}
	lie_at = start;
	lie_about_write = true;
	assert_named("the MMU disagrees with the tables on a write");
	lie_about_write = false;
	lie_about_address = true;
	assert_named("the MMU disagrees with the tables on a read");
	lie_about_address = false;
	lie_at = TEXT_VA; /* read-only: the write may not succeed */
	lie_about_write = true;
	assert_named("the MMU disagrees with the tables on a write");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_sound, machine),
		cmocka_unit_test_setup(test_random_maps, machine),
		cmocka_unit_test_setup(test_rights, machine),
		cmocka_unit_test_setup(test_text_alias, machine),
		cmocka_unit_test_setup(test_memory_types, machine),
		cmocka_unit_test_setup(test_linear_map, machine),
		cmocka_unit_test_setup(test_table_reached_twice, machine),
		cmocka_unit_test_setup(test_table_reached_twice_late, machine),
		cmocka_unit_test_setup(test_table_owner, machine),
		cmocka_unit_test_setup(test_contiguous_runs, machine),
		cmocka_unit_test_setup(test_hardware, machine),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
