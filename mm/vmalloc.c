/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/vmalloc.h>

#include <asm/page.h>
#include <asm/spinlock.h>
#include <lib/bug.h>
#include <lib/errno.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <mm/pgtable.h>
#include <mm/slab.h>
#include <mm/va_space.h>

struct vm_area {
	struct va_range range; /* with the guard page */
	const void *caller;
	phys_addr_t phys; /* of the first byte */
	unsigned int kind;
	unsigned int memtype;
	bool dying; /* being unmapped, not to be freed again */
};

static struct kmem_cache *area_cache;
static struct va_space space;
/* Guards space and the areas' dying. */
static spinlock_t space_lock = SPIN_LOCK_UNLOCKED;
/* Guards the tables of the window, which areas share. The page allocator may be called under it. */
static spinlock_t table_lock = SPIN_LOCK_UNLOCKED;

void __stage vmalloc_init(void)
{
	area_cache = kmem_cache_create("vm_area", sizeof(struct vm_area), 0, SLAB_PANIC, NULL);
	va_space_init(&space, VMALLOC_START, VMALLOC_END);
}

static int map(unsigned long va, phys_addr_t phys, unsigned long size, pgprot_t prot)
{
	unsigned long flags = spin_lock_irqsave(&table_lock);
	int err = pgtable_map(&init_mm, va, phys, size, prot, 0);

	spin_unlock_irqrestore(&table_lock, flags);
	return err;
}

static void unmap(unsigned long va, unsigned long size)
{
	unsigned long flags = spin_lock_irqsave(&table_lock);
	int err = size ? pgtable_unmap(&init_mm, va, size) : 0;

	spin_unlock_irqrestore(&table_lock, flags);
	if (err)
		BUG("vmalloc: error %d unmapping 0x%lx bytes at 0x%lx", err, size, va);
}

/* What lets a mapping of size bytes, the first at phys, use blocks or else contiguous runs. */
static unsigned long best_align(unsigned long size, phys_addr_t phys)
{
	static const unsigned long steps[] = {LEVEL_SIZE(LAST_LEVEL - 1), CONT_PTES * PAGE_SIZE};

	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++)
		if (size >= steps[i] && IS_ALIGNED(phys, steps[i]))
			return steps[i];
	return PAGE_SIZE;
}

static unsigned long area_size(const struct vm_area *area)
{
	return area->range.end - area->range.start - PAGE_SIZE;
}

/* The lowest area that ends above addr. With space_lock held. */
static struct vm_area *area_from(unsigned long addr)
{
	struct va_range *range = va_find(&space, addr);

	return range ? container_of(range, struct vm_area, range) : NULL;
}

/* Is part of the device memory mapped with another type? No page may have two (Arm ARM B2.8). With
 * space_lock held. */
static bool types_clash(phys_addr_t phys, unsigned long size, unsigned int memtype)
{
	struct vm_area *area = area_from(VMALLOC_START);

	for (; area; area = area_from(area->range.end))
		if (area->kind == VM_IOREMAP && area->memtype != memtype &&
		    area->phys < phys + size && phys < area->phys + area_size(area))
			return true;
	return false;
}

/* An area with room for size bytes and the guard page, nothing mapped yet. */
static struct vm_area *area_create(unsigned long size, phys_addr_t phys, unsigned int kind,
				   unsigned int memtype, const void *caller)
{
	struct vm_area *area = kmem_cache_alloc(area_cache, GFP_NOWAIT);
	unsigned long flags;
	bool made;

	if (!area)
		return NULL;
	flags = spin_lock_irqsave(&space_lock);
	made = (kind != VM_IOREMAP || !types_clash(phys, size, memtype)) &&
	       (!va_alloc(&space, &area->range, size + PAGE_SIZE, best_align(size, phys)) ||
		!va_alloc(&space, &area->range, size + PAGE_SIZE, PAGE_SIZE));
	if (made) {
		area->caller = caller;
		area->phys = phys;
		area->kind = kind;
		area->memtype = memtype;
		area->dying = false;
	}
	spin_unlock_irqrestore(&space_lock, flags);
	if (made)
		return area;
	kmem_cache_free(area_cache, area);
	return NULL;
}

static void area_destroy(struct vm_area *area)
{
	unsigned long flags = spin_lock_irqsave(&space_lock);

	va_free(&space, &area->range);
	spin_unlock_irqrestore(&space_lock, flags);
	kmem_cache_free(area_cache, area);
}

/*
 * The area of this kind that starts at addr, for the caller alone to take down; NULL and a warning
 * when there is none.
 */
static struct vm_area *area_take(const char *who, unsigned long addr, unsigned int kind)
{
	unsigned long flags = spin_lock_irqsave(&space_lock);
	struct vm_area *area = area_from(addr);
	const char *why = NULL;

	if (!area || area->range.start > addr)
		why = "no area there; freed already?";
	else if (area->range.start != addr)
		why = "inside an area, not its start";
	else if (area->kind != kind)
		why = "an area of another kind";
	else if (area->dying)
		why = "being freed already";
	else
		area->dying = true;
	spin_unlock_irqrestore(&space_lock, flags);
	if (!why)
		return area;
	WARN(1, "%s(0x%lx): %s", who, addr, why);
	return NULL;
}

/* --- vmalloc: areas that own their pages ------------------------------------------------------ */

/* Where the byte at offset is: known of the first one, the others are looked up. */
static phys_addr_t phys_at(const struct vm_area *area, unsigned long offset)
{
	struct pgtable_leaf leaf;

	if (!offset)
		return area->phys;
	BUG_ON(!pgtable_lookup(&init_mm, area->range.start + offset, &leaf));
	return leaf.pa + (area->range.start + offset - leaf.va);
}

/* Unmap the first size bytes of an area, then free the blocks of pages they were mapped to. */
static void release_blocks(const struct vm_area *area, unsigned long size)
{
	unsigned long va = area->range.start, done = 0;
	struct page *blocks[32];

	while (done < size) {
		unsigned long start = done;
		unsigned int n = 0;

		for (; done < size && n < ARRAY_SIZE(blocks); n++) {
			blocks[n] = phys_to_page(phys_at(area, done));
			done += PAGE_SIZE << page_order(blocks[n]);
		}
		unmap(va + start, done - start);
		while (n--) {
			page_set_role(blocks[n], ROLE_PLAIN);
			__free_pages(blocks[n], page_order(blocks[n]));
		}
	}
}

/* Fill size bytes at va with pages, in blocks as large as can be had. Returns the bytes done. */
static unsigned long fill_with_blocks(struct vm_area *area, unsigned long size, gfp_t gfp, int nid)
{
	unsigned long va = area->range.start, done = 0;
	unsigned int largest = MAX_PAGE_ORDER;

	while (done < size) {
		unsigned int fits = ilog2((size - done) >> PAGE_SHIFT);
		unsigned int order = min(largest, fits);
		gfp_t try = order ? (gfp | __GFP_NORETRY) & ~__GFP_NOFAIL : gfp;
		struct page *page =
			nid < 0 ? alloc_pages(try, order) : alloc_pages_node(nid, try, order);

		if (page && map(va + done, page_to_phys(page), PAGE_SIZE << order, PAGE_KERNEL)) {
			__free_pages(page, order);
			break;
		}
		if (page && !done)
			area->phys = page_to_phys(page);
		if (page) {
			page_set_role(page, ROLE_VMALLOC);
			done += PAGE_SIZE << order;
		} else if (order) {
			largest = order - 1;
		} else {
			break;
		}
	}
	return done;
}

/* Asking for more than there is must not take everything first. The fast path does not count. */
static bool hopeless(unsigned long bytes)
{
	return bytes > PAGE_SIZE << MAX_PAGE_ORDER && bytes >> PAGE_SHIFT > nr_free_pages();
}

static void *vmalloc_gfp(unsigned long size, gfp_t gfp, int nid, const void *caller)
{
	unsigned long bytes = PAGE_ALIGN(size), done = 0;
	struct vm_area *area = NULL;

	if (size - 1 < VMALLOC_END - VMALLOC_START && !hopeless(bytes))
		area = area_create(bytes, 0, VM_ALLOC, prot_memtype(PAGE_KERNEL), caller);
	if (area)
		done = fill_with_blocks(area, bytes, gfp | __GFP_NOWARN, nid);
	if (area && done == bytes)
		return (void *)area->range.start;
	if (area) {
		release_blocks(area, done);
		area_destroy(area);
	}
	if (!(gfp & __GFP_NOWARN))
		pr_warn("vmalloc: %lu bytes: out of memory or addresses", size);
	check_nofail(gfp);
	return NULL;
}

void *vmalloc(unsigned long size)
{
	return vmalloc_gfp(size, GFP_KERNEL, -1, __builtin_return_address(0));
}

void *vzalloc(unsigned long size)
{
	return vmalloc_gfp(size, __GFP_ZERO, -1, __builtin_return_address(0));
}

void *__vmalloc_node(unsigned long size, gfp_t gfp, int nid)
{
	return vmalloc_gfp(size, gfp, nid, __builtin_return_address(0));
}

void vfree(const void *addr)
{
	struct vm_area *area;

	if (!addr)
		return;
	area = area_take("vfree", (unsigned long)addr, VM_ALLOC);
	if (!area)
		return;
	release_blocks(area, area_size(area));
	area_destroy(area);
}

/* --- vmap: areas over pages of somebody else -------------------------------------------------- */

static int map_pages(unsigned long va, struct page **pages, unsigned int count, pgprot_t prot)
{
	unsigned int first = 0;

	for (unsigned int i = 1; i <= count; i++) {
		phys_addr_t phys = page_to_phys(pages[first]);
		unsigned long size = (i - first) * PAGE_SIZE;

		if (i < count && page_to_phys(pages[i]) == phys + size)
			continue;
		if (map(va + first * PAGE_SIZE, phys, size, prot)) {
			unmap(va, first * PAGE_SIZE);
			return -ENOMEM;
		}
		first = i;
	}
	return 0;
}

static const char *vmap_refusal(unsigned int count, unsigned long flags, pgprot_t prot)
{
	if (!count || flags != VM_MAP)
		return "no pages, or flags other than VM_MAP";
	if (prot_memtype(prot) != prot_memtype(PAGE_KERNEL))
		return "a page cannot have two memory types";
	if (prot_executable(prot))
		return "executable";
	return NULL;
}

void *vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot)
{
	const char *why = vmap_refusal(count, flags, prot);
	struct vm_area *area = NULL;

	if (!why) {
		area = area_create(count * PAGE_SIZE, page_to_phys(pages[0]), VM_MAP,
				   prot_memtype(prot), __builtin_return_address(0));
		why = "out of addresses or memory";
	}
	if (area && !map_pages(area->range.start, pages, count, prot))
		return (void *)area->range.start;
	if (area)
		area_destroy(area);
	pr_warn("vmap: %u pages: %s", count, why);
	return NULL;
}

/* What vunmap() and iounmap() share: the area goes, what it mapped stays. */
static void drop_mapping(const char *who, unsigned long addr, unsigned int kind)
{
	struct vm_area *area;

	if (!addr)
		return;
	area = area_take(who, addr, kind);
	if (!area)
		return;
	unmap(area->range.start, area_size(area));
	area_destroy(area);
}

void vunmap(const void *addr)
{
	drop_mapping("vunmap", (unsigned long)addr, VM_MAP);
}

/* --- ioremap: areas over device registers ----------------------------------------------------- */

static int found_leaf(const struct pgtable_leaf *leaf, void *arg)
{
	(void)leaf, (void)arg;
	return 1;
}

/* Asked of the tables, so that no-map ranges and what mem= clipped count as what they are. */
static bool in_linear_map(phys_addr_t first, phys_addr_t last)
{
	static const struct pgtable_visitor visitor = {.leaf = found_leaf};
	phys_addr_t linear_last = memstart_addr + LINEAR_SIZE - 1;

	first = max(first, memstart_addr);
	last = min(last, linear_last);
	if (first > last)
		return false;
	return pgtable_walk(&init_mm, (unsigned long)phys_to_virt(first),
			    (unsigned long)phys_to_virt(last), &visitor, NULL) != 0;
}

static const char *ioremap_refusal(phys_addr_t phys, size_t size)
{
	if (!size || size > BIT(cpu_pa_bits()) || phys > BIT(cpu_pa_bits()) - size)
		return "not a range of physical addresses";
	if (in_linear_map(phys, phys + size - 1))
		return "memory, which the linear map has with another type; use phys_to_virt()";
	return NULL;
}

void *ioremap_prot(phys_addr_t phys, size_t size, pgprot_t prot)
{
	const char *why = ioremap_refusal(phys, size);
	unsigned long offset = phys & ~PAGE_MASK;
	unsigned long bytes = PAGE_ALIGN(offset + size);
	struct vm_area *area = NULL;

	if (!why) {
		area = area_create(bytes, phys - offset, VM_IOREMAP, prot_memtype(prot),
				   __builtin_return_address(0));
		why = "no room, or mapped with another memory type";
	}
	if (area && !map(area->range.start, phys - offset, bytes, prot))
		return (void *)(area->range.start + offset);
	if (area)
		area_destroy(area);
	pr_warn("ioremap: 0x%llx bytes at 0x%llx: %s", (unsigned long long)size,
		(unsigned long long)phys, why);
	return NULL;
}

void iounmap(const volatile void *addr)
{
	drop_mapping("iounmap", (unsigned long)addr & PAGE_MASK, VM_IOREMAP);
}

/* --- questions -------------------------------------------------------------------------------- */

unsigned long vmalloc_to_pfn(const void *addr)
{
	unsigned long va = (unsigned long)addr;
	struct pgtable_leaf leaf;

	if (!is_vmalloc_addr(addr) || !pgtable_lookup(&init_mm, va, &leaf))
		return NO_PFN;
	return PFN_DOWN(leaf.pa + (va - leaf.va));
}

struct page *vmalloc_to_page(const void *addr)
{
	unsigned long pfn = vmalloc_to_pfn(addr);

	return pfn != NO_PFN && pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
}

static void show_area(const struct vm_area *area)
{
	cprintf("0x%016lx-0x%016lx %7lu %pS", area->range.start, area->range.end,
		area->range.end - area->range.start, area->caller);
	if (area->kind == VM_IOREMAP)
		cprintf(" phys=0x%016llx ioremap\n", (unsigned long long)area->phys);
	else
		cprintf(" pages=%lu %s\n", area_size(area) >> PAGE_SHIFT,
			area->kind == VM_ALLOC ? "vmalloc" : "vmap");
}

/* The lock is not held while a slow console takes the text: each line finds the next area anew. */
static int vmallocinfo(int argc, char **argv)
{
	unsigned long cursor = VMALLOC_START;

	(void)argv;
	if (argc != 1)
		return -EINVAL;
	for (;;) {
		unsigned long flags = spin_lock_irqsave(&space_lock);
		struct vm_area *found = area_from(cursor);
		struct vm_area area;

		if (found)
			area = *found;
		spin_unlock_irqrestore(&space_lock, flags);
		if (!found)
			return 0;
		show_area(&area);
		cursor = area.range.end;
	}
}
MONITOR_COMMAND(vmallocinfo, "", "areas of vmalloc, vmap and ioremap", vmallocinfo);
