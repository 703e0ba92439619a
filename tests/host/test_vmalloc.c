/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm/vmalloc.c over the real page tables and address space, and a page allocator of the test's own
 * that knows each page: what is mapped, freed, flushed and refused, at random and with a failure at
 * each allocation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <asm/memory.h>
#include <asm/page.h>
#include <asm/spinlock.h>
#include <asm/tlb.h>
#include <lib/bug.h>
#include <lib/monitor.h>
#include <mm/mm.h>
#include <mm/pgtable.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#include "host_mm.h"
#include "random.h"
#include "stubs.h"

#define RAM       0x40000000UL
#define RAM_PAGES 16384UL
#define DEVICES   0x08000000UL /* 512 MiB without RAM */

enum { PAGE_UNUSED, PAGE_TABLE, PAGE_DATA };

static struct {
	u8 use;
	u8 order;         /* of the block it heads */
	bool head;        /* first page of a block */
	bool vmalloc;     /* the block is marked as vmalloc's */
	unsigned long va; /* where the test saw it mapped; 0: nowhere */
} pages[RAM_PAGES];

struct area {
	unsigned long start; /* page aligned */
	unsigned long pages;
	unsigned int kind;    /* VM_*; 0: not in use */
	phys_addr_t phys;     /* VM_IOREMAP: of start */
	unsigned int memtype; /* likewise */
	struct page **map;    /* VM_MAP */
};

static struct area areas[40];
static unsigned long used, most_used, tables, objects;
static unsigned int largest_order; /* blocks above this are not to be had */
static unsigned long fail_at;      /* which allocation from now on fails; 0: none */
static struct host_flush flushed[64];
static unsigned int nr_flushed;

/* --- what is below vmalloc ------------------------------------------------------------------- */

struct pgtable init_mm;

struct kmem_cache {
	size_t size;
};

static bool must_fail(void)
{
	return fail_at && !--fail_at;
}

static struct page *take_block(unsigned int order, u8 use)
{
	unsigned long n = UL(1) << order, first = ALIGN_DOWN(random_below(RAM_PAGES), n);

	for (unsigned long tried = 0; tried < RAM_PAGES; tried += n) {
		unsigned long i = (first + tried) % RAM_PAGES, free = 0;

		while (free < n && pages[i + free].use == PAGE_UNUSED)
			free++;
		if (free < n)
			continue;
		for (unsigned long j = 0; j < n; j++) {
			memset(&pages[i + j], 0, sizeof(pages[0]));
			pages[i + j].use = use;
		}
		pages[i].order = (u8)order;
		pages[i].head = true;
		used += n;
		most_used = max(most_used, used);
		return phys_to_page(RAM) + i;
	}
	return NULL;
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct page *page;

	page = must_fail() || order > largest_order ? NULL : take_block(order, PAGE_DATA);
	stub_warnings += !page && !(gfp & __GFP_NOWARN); /* a line in the log */
	if (page)
		memset(page_address(page), gfp & __GFP_ZERO ? 0 : 0xa5, PAGE_SIZE << order);
	else
		check_nofail(gfp);
	return page;
}

static int asked_nid = -1;

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	asked_nid = nid;
	return alloc_pages(gfp, order);
}

/* One object at most. */
static void *kmalloced;

void *kmalloc(size_t size, gfp_t gfp)
{
	stub_warnings += !(gfp & __GFP_NOWARN);
	return kmalloced = size <= 100 ? malloc(size) : NULL;
}

void kfree(const void *obj)
{
	assert_ptr_equal(obj, kmalloced);
	free(kmalloced);
}

static bool was_flushed(unsigned long va)
{
	for (unsigned int i = 0; i < nr_flushed; i++)
		if (va >= flushed[i].start && va < flushed[i].end)
			return true;
	return false;
}

/* A page must be neither mapped nor in a TLB any more. */
static void check_unreachable(unsigned long i)
{
	struct pgtable_leaf leaf;

	if (!pages[i].va)
		return;
	assert_false(pgtable_lookup(&init_mm, pages[i].va, &leaf));
	assert_true(was_flushed(pages[i].va));
}

void __free_pages(struct page *page, unsigned int order)
{
	unsigned long i = (unsigned long)(page - phys_to_page(RAM));

	assert_true(i < RAM_PAGES && pages[i].use == PAGE_DATA && pages[i].head);
	assert_int_equal(pages[i].order, order);
	assert_false(pages[i].vmalloc);
	for (unsigned long j = i; j < i + (UL(1) << order); j++) {
		check_unreachable(j);
		pages[j].use = PAGE_UNUSED;
	}
	used -= UL(1) << order;
}

unsigned int page_order(const struct page *page)
{
	unsigned long i = (unsigned long)(page - phys_to_page(RAM));

	assert_true(i < RAM_PAGES && pages[i].use == PAGE_DATA && pages[i].head);
	return pages[i].order;
}

void page_set_role(struct page *page, enum page_role role)
{
	unsigned long i = (unsigned long)(page - phys_to_page(RAM));

	assert_true(i < RAM_PAGES && pages[i].use == PAGE_DATA && pages[i].head);
	assert_true(role == ROLE_VMALLOC || role == ROLE_PLAIN);
	pages[i].vmalloc = role == ROLE_VMALLOC;
}

unsigned long nr_free_pages(void)
{
	return RAM_PAGES - used;
}

void check_nofail(gfp_t gfp)
{
	if (gfp & __GFP_NOFAIL)
		panic("NOFAIL");
}

bool pfn_valid(unsigned long pfn)
{
	return pfn - PFN_DOWN(RAM) < RAM_PAGES;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *obj))
{
	static struct kmem_cache cache;

	(void)align, (void)ctor;
	assert_string_equal(name, "vm_area");
	assert_true(flags & SLAB_PANIC);
	cache.size = size;
	return &cache;
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *obj = must_fail() ? NULL : malloc(cache->size);

	stub_warnings += !obj && !(gfp & __GFP_NOWARN);
	if (obj)
		memset(obj, 0xa5, cache->size);
	objects += obj != NULL;
	return obj;
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	memset(obj, 0x5a, cache->size);
	free(obj);
	objects--;
}

static phys_addr_t table_page(int level)
{
	struct page *page = must_fail() ? NULL : take_block(0, PAGE_TABLE);

	(void)level;
	if (!page)
		return 0;
	memset(page_address(page), 0, PAGE_SIZE);
	tables++;
	return page_to_phys(page);
}

static void note_flush(unsigned long start, unsigned long end)
{
	assert_true(nr_flushed < ARRAY_SIZE(flushed));
	flushed[nr_flushed++] = (struct host_flush){start, end};
}

static void setup(void)
{
	host_mm_setup();
	memstart_addr = ALIGN_DOWN(RAM, MEMSTART_ALIGN);
	host_ram_add(RAM, RAM_PAGES * PAGE_SIZE);
	memset(pages, 0, sizeof(pages));
	memset(areas, 0, sizeof(areas));
	used = tables = objects = 0;
	fail_at = 0;
	largest_order = MAX_PAGE_ORDER;
	init_mm = (struct pgtable){.first_level = FIRST_LEVEL, .alloc = table_page};
	init_mm.root = table_page(FIRST_LEVEL);
	assert_int_equal(pgtable_map(&init_mm, (unsigned long)phys_to_virt(RAM), RAM,
				     RAM_PAGES * PAGE_SIZE, PAGE_KERNEL, 0),
			 0);
	host_flush_hook = note_flush;
	nr_flushed = 0;
	stub_warnings = 0;
	vmalloc_init();
}

/* --- the model ------------------------------------------------------------------------------- */

static void check_apart(const struct area *area)
{
	assert_true(area->start >= VMALLOC_START);
	assert_true(area->start + (area->pages + 1) * PAGE_SIZE <= VMALLOC_END);
	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++) {
		const struct area *other = &areas[i];

		if (!other->kind || other == area)
			continue;
		assert_true(area->start + area->pages * PAGE_SIZE < other->start ||
			    other->start + other->pages * PAGE_SIZE < area->start);
	}
}

static struct area *adopt(struct area *area, void *addr, unsigned long size, unsigned int kind)
{
	area->start = (unsigned long)addr & PAGE_MASK;
	area->pages = PAGE_ALIGN(size) >> PAGE_SHIFT;
	area->kind = kind;
	check_apart(area);
	assert_int_equal(vmalloc_to_pfn((void *)(area->start + area->pages * PAGE_SIZE)), NO_PFN);
	return area;
}

/* Each page of an area of vmalloc() is mapped read-write, to a page of its own. */
static void see_pages(const struct area *area, bool zeroed)
{
	for (unsigned long i = 0; i < area->pages; i++) {
		unsigned long va = area->start + i * PAGE_SIZE;
		struct page *page = vmalloc_to_page((void *)va);
		unsigned long index = (unsigned long)(page - phys_to_page(RAM));
		struct pgtable_leaf leaf;

		assert_true(pgtable_lookup(&init_mm, va, &leaf));
		assert_true(prot_same(leaf.prot, PAGE_KERNEL));
		assert_true(index < RAM_PAGES && pages[index].use == PAGE_DATA);
		assert_true(!pages[index].head || pages[index].vmalloc);
		assert_int_equal(pages[index].va, 0);
		pages[index].va = va;
		for (unsigned int b = 0; zeroed && b < PAGE_SIZE; b += 8)
			assert_int_equal(*(u64 *)((char *)page_address(page) + b), 0);
	}
}

static int count_page(const struct pgtable_leaf *leaf, void *arg)
{
	*(unsigned long *)arg += leaf->size >> PAGE_SHIFT;
	return 0;
}

static unsigned long pages_in_window(void)
{
	unsigned long count = 0;

	assert_int_equal(pgtable_walk(&init_mm, VMALLOC_START, VMALLOC_END - 1,
				      &(struct pgtable_visitor){.leaf = count_page}, &count),
			 0);
	return count;
}

/* No page is lost, no mapping is left over. */
static void check_sums(void)
{
	unsigned long data = 0, in_window = 0, count = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++) {
		in_window += areas[i].kind ? areas[i].pages : 0;
		data += areas[i].kind & (VM_ALLOC | VM_MAP) ? areas[i].pages : 0;
		count += areas[i].kind != 0;
	}
	assert_int_equal(used, data + tables);
	assert_int_equal(objects, count);
	assert_int_equal(pages_in_window(), in_window);
}

/* Of the scales below: all, or the small ones, for a trace that is long. */
static unsigned int scales = 4;

static void do_vmalloc(struct area *area)
{
	static const unsigned long scale[] = {64, SZ_16K, SZ_256K, 5 * SZ_1M};
	unsigned long size = 1 + random_below((unsigned int)scale[random_below(scales)]);
	bool zero = random_below(2);
	void *addr;

	largest_order = random_below(3) ? MAX_PAGE_ORDER : random_below(MAX_PAGE_ORDER);
	addr = zero ? vzalloc(size) : vmalloc(size);
	if (addr)
		see_pages(adopt(area, addr, size, VM_ALLOC), zero);
	else
		assert_true(nr_free_pages() < PAGE_ALIGN(size) / PAGE_SIZE + 5);
}

/* Pages of the test's, in runs and single. */
static void do_vmap(struct area *area)
{
	static const pgprot_t prots[] = {PAGE_KERNEL, PAGE_KERNEL_RO};
	pgprot_t prot = prots[random_below(ARRAY_SIZE(prots))];
	unsigned int order = random_below(2) ? 0 : random_below(6), blocks = 1 + random_below(20);
	unsigned int count = 0;
	void *addr;

	if (nr_free_pages() < 2 * (blocks << order))
		return;
	largest_order = MAX_PAGE_ORDER;
	area->map = calloc(blocks << order, sizeof(struct page *));
	while (blocks--) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		for (unsigned int i = 0; page && i < 1u << order; i++)
			area->map[count++] = page + i;
	}
	if (!count) {
		free(area->map);
		area->map = NULL;
		return;
	}
	addr = vmap(area->map, count, VM_MAP, prot);
	assert_non_null(addr);
	adopt(area, addr, count * PAGE_SIZE, VM_MAP);
	for (unsigned int i = 0; i < count; i++) {
		unsigned long va = area->start + i * PAGE_SIZE;
		struct pgtable_leaf leaf;

		assert_ptr_equal(vmalloc_to_page((void *)(va + random_below(PAGE_SIZE))),
				 area->map[i]);
		assert_true(pgtable_lookup(&init_mm, va, &leaf) && prot_same(leaf.prot, prot));
		pages[area->map[i] - phys_to_page(RAM)].va = va;
	}
}

/* Is any page of the bytes at phys mapped with another type? */
static bool model_clash(phys_addr_t phys, size_t size, unsigned int memtype)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++)
		for (unsigned int page = 0; areas[i].kind == VM_IOREMAP && page < areas[i].pages;
		     page++)
			if (areas[i].memtype != memtype &&
			    areas[i].phys + page * PAGE_SIZE + PAGE_SIZE >
				    ALIGN_DOWN(phys, PAGE_SIZE) &&
			    areas[i].phys + page * PAGE_SIZE < phys + size)
				return true;
	return false;
}

static void do_ioremap(struct area *area)
{
	static const pgprot_t prots[] = {PAGE_KERNEL_DEVICE, PAGE_KERNEL_DEVICE_NP, PAGE_KERNEL_NC};
	pgprot_t prot = prots[random_below(ARRAY_SIZE(prots))];
	phys_addr_t phys = DEVICES + random_below(SZ_128M);
	size_t size = 1 + random_below(scales < 4 || random_below(2) ? 300 : 3 * SZ_1M);
	unsigned long offset;
	struct pgtable_leaf leaf;
	char *addr;

	if (random_below(2))
		phys = ALIGN_DOWN(phys, SZ_64K);
	offset = phys % PAGE_SIZE;
	addr = ioremap_prot(phys, size, prot);
	assert_int_equal(!addr, model_clash(phys, size, prot_memtype(prot)));
	if (!addr) {
		assert_non_null(strstr(stub_warning, "another memory type"));
		stub_warning[0] = 0;
		return;
	}
	area->memtype = prot_memtype(prot);
	assert_int_equal((unsigned long)addr % PAGE_SIZE, offset);
	adopt(area, addr, offset + size, VM_IOREMAP)->phys = phys - offset;
	for (unsigned long at = 0; at < size; at += min(PAGE_SIZE, size - at)) {
		unsigned long va = (unsigned long)addr + at;

		assert_true(pgtable_lookup(&init_mm, va, &leaf));
		assert_true(leaf.pa + (va - leaf.va) == phys + at);
		assert_true(prot_same(leaf.prot, prot));
	}
	assert_null(vmalloc_to_page(addr));
}

static void release(struct area *area)
{
	struct area old = *area;
	struct pgtable_leaf leaf;

	nr_flushed = 0;
	area->kind = 0;
	if (old.kind == VM_ALLOC)
		vfree((void *)old.start);
	else if (old.kind == VM_MAP)
		vunmap((void *)old.start);
	else
		iounmap((char *)old.start + random_below(PAGE_SIZE));
	for (unsigned long i = 0; i < old.pages; i++) {
		assert_false(pgtable_lookup(&init_mm, old.start + i * PAGE_SIZE, &leaf));
		assert_true(was_flushed(old.start + i * PAGE_SIZE));
	}
	for (unsigned long i = 0; old.kind == VM_MAP && i < old.pages; i++) {
		struct page *page = old.map[i];

		if (pages[page - phys_to_page(RAM)].head)
			__free_pages(page, pages[page - phys_to_page(RAM)].order);
	}
	free(old.map);
	area->map = NULL;
}

/* Something that is no start of an area of that kind: named, and nothing happens. */
static void do_bad_free(const struct area *area)
{
	unsigned int before = stub_warnings;
	char *addr = (char *)area->start;

	switch (random_below(4)) {
	case 0:
		vfree(addr + PAGE_SIZE);
		break;
	case 1:
		if (area->kind == VM_ALLOC)
			vunmap(addr);
		else
			vfree(addr);
		break;
	case 2:
		if (area->kind == VM_IOREMAP)
			vunmap(addr);
		else
			iounmap(addr);
		break;
	default:
		vfree((char *)VMALLOC_END - (1 + random_below(64)) * PAGE_SIZE);
	}
	assert_int_equal(stub_warnings, before + 1);
}

static void release_all(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++)
		if (areas[i].kind)
			release(&areas[i]);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_random(void **state)
{
	static void (*const make[])(struct area *) = {do_vmalloc, do_vmalloc, do_vmap, do_ioremap};

	(void)state;
	setup();
	for (int step = 0; step < 2500; step++) {
		struct area *area = &areas[random_below(ARRAY_SIZE(areas))];

		nr_flushed = 0;
		if (!area->kind)
			make[random_below(ARRAY_SIZE(make))](area);
		else if (random_below(4))
			release(area);
		else
			do_bad_free(area);
		check_sums();
	}
	release_all();
	check_sums();
	assert_int_equal(used, tables);
}

static void test_million(void **state)
{
	static void (*const make[])(struct area *) = {do_vmalloc, do_vmalloc, do_ioremap};

	(void)state;
	setup();
	scales = 1;
	for (int step = 0; step < 1000000; step++) {
		struct area *area = &areas[random_below(ARRAY_SIZE(areas))];

		nr_flushed = 0;
		if (!area->kind)
			make[random_below(ARRAY_SIZE(make))](area);
		else if (random_below(32))
			release(area);
		else
			do_bad_free(area);
		if (step % 10000 == 0)
			check_sums();
	}
	release_all();
	check_sums();
	assert_int_equal(used, tables);
	scales = 4;
}

/* 64 KiB are one contiguous run, 4 MiB two blocks; the addresses are used again. */
static void test_large_mappings(void **state)
{
	struct pgtable_leaf leaf;
	void *small, *first, *again;

	(void)state;
	setup();
	small = vmalloc(1); /* so that not all is aligned by itself */
	first = vmalloc(CONT_PTES * PAGE_SIZE);
	assert_true(pgtable_lookup(&init_mm, (unsigned long)first, &leaf));
	assert_true(leaf.cont && leaf.level == LAST_LEVEL);
	vfree(first);
	again = vmalloc(CONT_PTES * PAGE_SIZE);
	assert_ptr_equal(first, again);
	vfree(again);
	/* From addresses whose table is left over from pages no block can be made; from others one
	 * can. */
	first = vmalloc(2 * LEVEL_SIZE(2));
	assert_true(pgtable_lookup(&init_mm, (unsigned long)first + LEVEL_SIZE(2), &leaf));
	assert_true(leaf.level == 2 && leaf.size == LEVEL_SIZE(2));
	nr_flushed = 0;
	vfree(first);
	assert_int_equal(nr_flushed, 1);
	first = ioremap(DEVICES, 2 * LEVEL_SIZE(2));
	assert_true(pgtable_lookup(&init_mm, (unsigned long)first + LEVEL_SIZE(2), &leaf));
	assert_true(leaf.level == 2 && !leaf.cont);
	iounmap(first);
	vfree(small);
	assert_int_equal(used, tables);
}

static bool refused(void *addr, const char *why)
{
	bool named = strstr(stub_warning, why) != NULL;

	stub_warning[0] = '\0';
	return !addr && named;
}

static void map_page_at(const void *va)
{
	assert_int_equal(pgtable_map(&init_mm, (unsigned long)va, RAM, PAGE_SIZE, PAGE_KERNEL, 0),
			 0);
}

static void test_refusals(void **state)
{
	struct page *page;
	void *addr, *again;

	(void)state;
	setup();
	assert_true(refused(vmalloc(0), "vmalloc: 0 bytes"));
	assert_true(refused(vmalloc(-1UL), "out of memory"));
	assert_true(refused(vmalloc(UL(1) << 60), "out of memory"));
	most_used = used;
	assert_true(refused(vmalloc((RAM_PAGES + 1) * PAGE_SIZE), "out of memory"));
	assert_int_equal(most_used, used);
	assert_true(refused(ioremap(0, 0), "not a range"));
	assert_true(refused(ioremap(-1UL, 2), "not a range"));
	assert_true(
		refused(ioremap(BIT(PHYS_MASK_BITS) - PAGE_SIZE, PAGE_SIZE + 1), "not a range"));
	assert_true(refused(ioremap(DEVICES, -1UL), "not a range"));
	host_pa_bits = 44;
	assert_true(refused(ioremap(UL(1) << 45, PAGE_SIZE), "not a range"));
	assert_true(refused(ioremap((UL(1) << 44) - 8, 9), "not a range"));
	addr = ioremap((UL(1) << 44) - 8, 8);
	assert_non_null(addr);
	iounmap(addr);
	host_pa_bits = PHYS_MASK_BITS;
	assert_true(refused(ioremap(RAM, 4), "linear map"));
	assert_true(refused(ioremap_wc(RAM - 8, 9), "linear map"));
	assert_true(refused(ioremap_np(RAM + (RAM_PAGES - 1) * PAGE_SIZE + 100, 1), "linear map"));
	assert_true(refused(ioremap(DEVICES, SZ_1G), "linear map"));
	/* Beside the window of the linear map its arithmetic means nothing: what is mapped there
	 * does not count. */
	map_page_at(phys_to_virt(DEVICES));
	map_page_at(phys_to_virt(memstart_addr + LINEAR_SIZE));
	addr = ioremap(DEVICES, PAGE_SIZE);
	assert_non_null(addr);
	iounmap(addr);
	addr = ioremap(memstart_addr + LINEAR_SIZE - PAGE_SIZE, 2 * PAGE_SIZE);
	assert_non_null(addr);
	iounmap(addr);
	addr = ioremap(RAM - 8, 8);
	assert_non_null(addr);
	iounmap(addr);
	addr = ioremap(RAM + RAM_PAGES * PAGE_SIZE, 4);
	assert_non_null(addr);
	iounmap(addr);
	/* Pages that are not mapped, such as a no-map range, are not the linear map's. */
	assert_int_equal(
		pgtable_unmap(&init_mm, (unsigned long)phys_to_virt(RAM + 2 * SZ_16M), 2 * SZ_16M),
		0);
	addr = ioremap(RAM + 2 * SZ_16M, SZ_64K);
	assert_non_null(addr);
	iounmap(addr);
	/* A page has one memory type, whoever maps it. */
	addr = ioremap(DEVICES + 2 * PAGE_SIZE, PAGE_SIZE + 8);
	assert_true(refused(ioremap_np(DEVICES + 4 * PAGE_SIZE - 1, 1), "another memory type"));
	assert_true(refused(ioremap_wc(DEVICES, 2 * PAGE_SIZE + 1), "another memory type"));
	again = ioremap(DEVICES, 8 * PAGE_SIZE);
	assert_non_null(again);
	iounmap(again);
	again = ioremap_np(DEVICES + 4 * PAGE_SIZE, 1);
	assert_non_null(again);
	iounmap(again);
	iounmap(addr);
	addr = ioremap_wc(DEVICES, 4 * PAGE_SIZE);
	assert_non_null(addr);
	iounmap(addr);
	page = alloc_pages(GFP_KERNEL, 0);
	assert_true(refused(vmap(&page, 1, VM_MAP, PAGE_KERNEL_ROX), "executable"));
	assert_true(refused(vmap(&page, 0, VM_MAP, PAGE_KERNEL), "no pages"));
	assert_true(refused(vmap(&page, 1, VM_ALLOC, PAGE_KERNEL), "VM_MAP"));
	assert_true(refused(vmap(&page, 1, VM_MAP, PAGE_KERNEL_NC), "two memory types"));
	addr = vmap(&page, 1, VM_MAP, PAGE_KERNEL_RO);
	assert_non_null(addr);
	vunmap(addr);
	__free_pages(page, 0);
	vfree(NULL);
	vunmap(NULL);
	iounmap(NULL);
	assert_int_equal(stub_warning[0], 0);
	vunmap(addr);
	assert_non_null(strstr(stub_warning, "freed already"));
	assert_int_equal(used, tables);
	assert_int_equal(objects, 0);
}

static void test_ports_names(void **state)
{
	void *p;

	(void)state;
	setup();
	p = kvmalloc(100, GFP_KERNEL);
	assert_false(is_vmalloc_addr(p));
	kvfree(p);
	p = kvmalloc(101, __GFP_ZERO);
	assert_true(is_vmalloc_addr(p));
	assert_int_equal(*(u64 *)page_address(vmalloc_to_page(p)), 0);
	kvfree(p);
	assert_int_equal(asked_nid, -1);
	p = vmalloc_node(3 * PAGE_SIZE, 5);
	assert_int_equal(asked_nid, 5);
	vfree(p);
	assert_int_equal(used, tables);
	assert_int_equal(stub_warnings, 0);
	assert_null(__vmalloc(RAM_PAGES * PAGE_SIZE, GFP_NOWAIT));
	assert_int_equal(stub_warnings, 0);
	assert_true(ENDS_IN_BUG(__vmalloc(RAM_PAGES * PAGE_SIZE, __GFP_NOFAIL)));
	/* Where there are single pages only, those will do. */
	largest_order = 0;
	vfree(__vmalloc(5 * PAGE_SIZE, __GFP_NOFAIL));
	assert_int_equal(used, tables);
}

static void *dying;

static void free_again(unsigned long start, unsigned long end)
{
	note_flush(start, end);
	vfree(dying);
}

/* Freed a second time by another CPU, while the first is at it: the area must not be taken twice.
 */
static void test_free_twice_at_once(void **state)
{
	(void)state;
	setup();
	dying = vmalloc(1);
	host_flush_hook = free_again;
	vfree(dying);
	assert_int_equal(stub_warnings, 1);
	assert_non_null(strstr(stub_warning, "being freed already"));
	assert_int_equal(used, tables);
	assert_int_equal(objects, 0);
}

static void unmap_again(unsigned long start, unsigned long end)
{
	note_flush(start, end);
	iounmap(dying);
}

/* The addresses are not free before nothing is mapped there any more. */
static void test_unmapped_first(void **state)
{
	(void)state;
	setup();
	dying = ioremap(DEVICES, 1);
	host_flush_hook = unmap_again;
	iounmap(dying);
	assert_int_equal(stub_warnings, 1);
	assert_non_null(strstr(stub_warning, "being freed already"));
}

static unsigned int unlocks;

static void count_unlock(void)
{
	unlocks++;
}

static unsigned int unlocks_since(void)
{
	unsigned int n = unlocks;

	unlocks = 0;
	return n;
}

/* Addresses and tables each have a lock, taken for each change. */
static void test_locks(void **state)
{
	void *p;

	(void)state;
	setup();
	host_unlock_hook = count_unlock;
	unlocks_since();
	p = vmalloc(1);
	assert_int_equal(unlocks_since(), 2); /* addresses, tables */
	vfree(p);
	assert_int_equal(unlocks_since(), 3); /* found, tables, addresses */
	p = ioremap(DEVICES, 1);
	assert_int_equal(unlocks_since(), 2);
	iounmap(p);
	assert_int_equal(unlocks_since(), 3);
	host_unlock_hook = NULL;
}

/* What would be aligned to blocks is put where it fits, if nothing else is left. */
static void test_last_addresses(void **state)
{
	unsigned long gap = LEVEL_SIZE(2) + 3 * PAGE_SIZE;
	void *most, *p;

	(void)state;
	setup();
	most = ioremap(UL(1) << 40, VMALLOC_END - VMALLOC_START - gap);
	assert_non_null(most);
	p = vmalloc(LEVEL_SIZE(2));
	assert_non_null(p);
	assert_null(vmalloc(2 * PAGE_SIZE));
	vfree(p);
	iounmap(most);
	assert_int_equal(used, tables);
}

/* More than one table of them, so that the second part can fail. */
static struct page *some_pages[PTRS_PER_TABLE + 80];

static void *make_vmalloc(void)
{
	return vmalloc(5 * SZ_1M + 3 * PAGE_SIZE);
}

static void *make_vmap(void)
{
	return vmap(some_pages, ARRAY_SIZE(some_pages), VM_MAP, PAGE_KERNEL);
}

static void *make_ioremap(void)
{
	return ioremap(DEVICES + 5, SZ_256K);
}

static void give_back(void *addr, void *(*make)(void))
{
	if (make == make_vmalloc)
		vfree(addr);
	else if (make == make_vmap)
		vunmap(addr);
	else
		iounmap(addr);
}

/* Fail the first, second, ... allocation: all but table pages is back afterwards. Returns how many
 * failures it took. */
static unsigned long fail_each(void *(*make)(void), unsigned int order)
{
	for (unsigned long n = 1;; n++) {
		unsigned long data;
		void *addr;

		setup();
		largest_order = order;
		for (unsigned int i = 0; i < ARRAY_SIZE(some_pages); i++)
			some_pages[i] = alloc_pages(GFP_KERNEL, 0);
		data = used - tables;
		fail_at = n;
		addr = make();
		if (addr) {
			bool unused = fail_at != 0;

			fail_at = 0;
			give_back(addr, make);
			if (unused)
				return n - 1;
		} else {
			assert_int_equal(stub_warnings, 1);
			assert_int_equal(pages_in_window(), 0);
		}
		fail_at = 0;
		assert_int_equal(used - tables, data);
		assert_int_equal(objects, 0);
		addr = make();
		assert_non_null(addr);
		give_back(addr, make);
		assert_int_equal(used - tables, data);
	}
}

static void test_failures(void **state)
{
	(void)state;
	assert_true(fail_each(make_vmalloc, MAX_PAGE_ORDER) >= 6);
	assert_true(fail_each(make_vmalloc, 4) >= 80);
	/* The area and tables; of these, as many as the host's addresses share with the linear map
	 * fewer. */
	assert_in_range(fail_each(make_vmap, MAX_PAGE_ORDER), 4, 5);
	assert_in_range(fail_each(make_ioremap, MAX_PAGE_ORDER), 3, 4);
}

extern const struct monitor_command __start_monitor_commands[];

/* The lines of the command, as /proc/vmallocinfo has them. */
static void test_info(void **state)
{
	char *command[] = {"vmallocinfo", NULL}, *text, line[160];
	FILE *console = stdout;
	unsigned long a, b;
	size_t len;

	(void)state;
	setup();
	assert_string_equal(__start_monitor_commands[0].text, "vmallocinfo");
	a = (unsigned long)vmalloc(3 * PAGE_SIZE);
	b = (unsigned long)ioremap(DEVICES + 0x234, 8) & PAGE_MASK;
	stdout = open_memstream(&text, &len);
	assert_int_equal(__start_monitor_commands[0].handler(1, command), 0);
	fclose(stdout);
	stdout = console;
	snprintf(line, sizeof(line), "0x%016lx-0x%016lx %7lu 0x", a, a + 4 * PAGE_SIZE,
		 4 * PAGE_SIZE);
	assert_ptr_equal(strstr(text, line), text);
	assert_non_null(strstr(text, " pages=3 vmalloc\n"));
	snprintf(line, sizeof(line), "\n0x%016lx-0x%016lx %7lu 0x", b, b + 2 * PAGE_SIZE,
		 2 * PAGE_SIZE);
	assert_non_null(strstr(text, line));
	assert_non_null(strstr(text, " phys=0x0000000008000000 ioremap\n"));
	free(text);
	vfree((void *)a);
	iounmap((void *)b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_large_mappings),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_free_twice_at_once),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_ports_names),
		cmocka_unit_test(test_unmapped_first),
		cmocka_unit_test(test_locks),
		cmocka_unit_test(test_last_addresses),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, random_setup, NULL);
}
