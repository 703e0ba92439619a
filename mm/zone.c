/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes and zones: their start from memblock, extents of memory in sections not yet opened, opening
 * a section when blocks are needed, and ranges of any size. A boot costs what the number of ranges
 * costs, not what the number of pages does: nothing here touches a page before someone asks for
 * memory.
 */
#include <asm/percpu.h>
#include <lib/bug.h>
#include <lib/errno.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/debug.h>
#include <mm/ledger.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/zone.h>

const char *const zone_names[NR_ZONE_TYPES] = {"DMA", "DMA32", "Normal"};

struct zone *zones;
unsigned int nr_zones;
struct node *nodes;
unsigned int nr_nodes;

/* Zone limits: page frames below type_limit[t] are of type t or lower. */
static unsigned long type_limit[NR_ZONE_TYPES] = {0, 0, ~UL(0)};

/* Blocks a CPU keeps of each order, where the zone is large enough. Their sum, and one more each,
 * are at most 1024: 8 KiB of pointers. */
static const u16 list_capacity[NR_PAGE_ORDERS] = {
	[0] = 880, [1] = 64, [2] = 32, [3] = 32, [4] = 8, [9] = 2};

/* --- extents ------------------------------------------------------------------------------- */

unsigned int extents_above(const struct extents *ext, unsigned long pfn)
{
	unsigned int lo = 0, hi = ext->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (ext->range[mid].end > pfn)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* Put those of a and b that are not empty in the place of n extents from i on. */
static int replace_extents(struct extents *ext, unsigned int i, unsigned int n, struct extent a,
			   struct extent b)
{
	unsigned int m = (a.start < a.end) + (b.start < b.end), behind = ext->nr - i - n;

	if (i + m + behind > ext->max)
		return -ENOSPC;
	if (m != n)
		memmove(&ext->range[i + m], &ext->range[i + n], behind * sizeof(a));
	ext->nr = i + m + behind;
	if (a.start < a.end)
		ext->range[i++] = a;
	if (b.start < b.end)
		ext->range[i] = b;
	return 0;
}

int extents_insert(struct extents *ext, unsigned long start, unsigned long end, bool join)
{
	unsigned int i = extents_above(ext, start), n = 0;
	struct extent what = {start, end};
	int err;

	if (i < ext->nr && ext->range[i].start < end)
		return -EEXIST;
	if (join && i < ext->nr && ext->range[i].start == end) {
		what.end = ext->range[i].end;
		n++;
	}
	if (join && i > 0 && ext->range[i - 1].end == start) {
		what.start = ext->range[--i].start;
		n++;
	}
	err = replace_extents(ext, i, n, what, (struct extent){0, 0});
	if (!err)
		ext->pages += end - start;
	return err;
}

int extents_remove(struct extents *ext, unsigned long start, unsigned long end)
{
	unsigned int i = extents_above(ext, start);
	struct extent old;
	int err;

	if (i == ext->nr || ext->range[i].start > start || ext->range[i].end < end)
		return -ENOENT;
	old = ext->range[i];
	err = replace_extents(ext, i, 1, (struct extent){old.start, start},
			      (struct extent){end, old.end});
	if (!err)
		ext->pages -= end - start;
	return err;
}

bool extents_reserve(struct zone *zone, struct extents *ext, unsigned int n)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);
	unsigned int max = ext->max, room = max - ext->nr;
	struct extent *old = NULL, *range;
	size_t size;

	n += zone->contig.nr; /* each one given out may need an entry when it comes back */
	spin_unlock_irqrestore(&zone->lock, flags);
	if (room >= n)
		return true;
	size = PAGE_SIZE << get_order((2 * max + n) * sizeof(*range));
	range = alloc_meta(size, GFP_NOWAIT);
	if (!range)
		return false;
	flags = spin_lock_irqsave(&zone->lock);
	if (max == ext->max) {
		if (ext->nr)
			memcpy(range, ext->range, ext->nr * sizeof(*range));
		if (ext->from_pages)
			old = ext->range;
		ext->range = range;
		ext->max = (unsigned int)(size / sizeof(*range));
		ext->from_pages = true;
	} else {
		old = range; /* another CPU was faster */
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	if (old)
		free_meta(old);
	return true;
}

/* --- opening sections: zone locked --------------------------------------------------------- */

static unsigned long section_of(unsigned long pfn)
{
	return (pfn - PFN_DOWN(memstart_addr)) >> SECTION_SHIFT;
}

static unsigned long section_start(unsigned long index)
{
	return (index << SECTION_SHIFT) + PFN_DOWN(memstart_addr);
}

/*
 * Who pays for the descriptors of section [first, last): the zone's open blocks, or the section's
 * own extents from the lowest page frame on. All pages of the extents below next are spent.
 */
struct payer {
	struct zone *zone;
	unsigned long first, last;
	bool own;
	unsigned int extent;
	unsigned long next, end; /* in that extent */
};

static void mark_meta(struct zone *zone, unsigned long pfn)
{
	page_set_word(pfn_to_page(pfn),
		      word_make(PAGE_ALLOC, zone->id, 0) | (u64)ROLE_META << PAGE_CACHE_POS);
}

/* The part of extent i inside [first, last). */
static struct extent clip(const struct extents *ext, unsigned int i, unsigned long first,
			  unsigned long last)
{
	return (struct extent){max(ext->range[i].start, first), min(ext->range[i].end, last)};
}

static phys_addr_t pay_page(void *arg)
{
	struct payer *payer = arg;
	unsigned long pfn;

	if (!payer->own) {
		pfn = page_to_pfn(zone_take(payer->zone, 0));
		mark_meta(payer->zone, pfn);
		return PFN_PHYS(pfn);
	}
	if (payer->next == payer->end) {
		struct extent part =
			clip(&payer->zone->unopened, payer->extent++, payer->first, payer->last);

		payer->next = part.start;
		payer->end = part.end;
	}
	return PFN_PHYS(payer->next++);
}

static void put_blocks(struct zone *zone, struct section *sec, unsigned long start,
		       unsigned long end)
{
	unsigned long base = page_to_pfn(sec->map);

	while (start < end) {
		unsigned int order = order_within(start - base, end - base);

		section_put(zone, sec, (unsigned int)(start - base), order);
		start += UL(1) << order;
	}
}

static unsigned long pages_within(const struct extents *ext, unsigned long first,
				  unsigned long last)
{
	unsigned long pages = 0;

	for (unsigned int i = extents_above(ext, first); i < ext->nr && ext->range[i].start < last;
	     i++) {
		struct extent part = clip(ext, i, first, last);

		pages += part.end - part.start;
	}
	return pages;
}

/* Open section index, in which an extent of the zone starts: all extents in it become blocks.
 * zone->open_need: lowered to the open pages that would do, where there are too few. */
static bool open_at(struct zone *zone, unsigned long index)
{
	unsigned long first = section_start(index), last = first + SECTION_PAGES;
	struct extents *ext = &zone->unopened;
	unsigned long cost = section_cost(index);
	unsigned int i = extents_above(ext, first);
	struct payer payer = {.zone = zone, .first = first, .last = last, .extent = i};
	struct section *sec;

	payer.own = zone->open_free < cost;
	if (payer.own && pages_within(ext, first, last) <= cost) {
		zone->open_need = min(zone->open_need, cost);
		return false;
	}
	sec = section_open(index, zone->id, pay_page, &payer);
	sec->below = zone->opened;
	zone->opened = sec;
	zone->nr_opened++;
	while (i < ext->nr && ext->range[i].start < last) {
		struct extent part = clip(ext, i, first, last);
		unsigned long pfn = part.start;

		BUG_ON(extents_remove(ext, part.start, part.end));
		for (; pfn < min(payer.next, part.end); pfn++)
			mark_meta(zone, pfn);
		put_blocks(zone, sec, pfn, part.end);
		i = extents_above(ext, first);
	}
	return true;
}

/* The section an extent starts in; where it has too little of that one, the next, if the rest can
 * be noted. */
static bool open_extent(struct zone *zone, struct extent e)
{
	unsigned long index = section_of(e.start);

	if (open_at(zone, index))
		return true;
	return e.end > section_start(index + 1) &&
	       zone->unopened.nr + zone->contig.nr < zone->unopened.max && open_at(zone, index + 1);
}

/*
 * Always at an extent's beginning: if its block lies in a later section, the caller asks again.
 * Sections too small to pay for themselves wait until open blocks can: how many that takes is
 * remembered, so that not every request looks at all of them.
 */
bool zone_open(struct zone *zone, unsigned int order)
{
	const struct extents *ext = &zone->unopened;
	unsigned long base = PFN_DOWN(memstart_addr), size = UL(1) << order;

	if (order >= zone->open_order && zone->open_free < zone->open_need)
		return false;
	zone->open_order = order;
	zone->open_need = ~UL(0);
	for (unsigned int i = 0; i < ext->nr; i++) {
		struct extent e = ext->range[i];

		if (ALIGN(e.start - base, size) + size <= e.end - base && open_extent(zone, e)) {
			zone->open_need = 0;
			return true;
		}
	}
	return false;
}

/* --- taking over memory -------------------------------------------------------------------- */

/* The zone's opened section with the lowest index at or above index; NULL if there is none. */
static struct section *next_opened(const struct zone *zone, unsigned long index)
{
	struct page *from = vmemmap + (index << SECTION_SHIFT);
	struct section *found = NULL;

	for (struct section *sec = zone->opened; sec; sec = sec->below)
		if (sec->map >= from && (!found || sec->map < found->map))
			found = sec;
	return found;
}

unsigned long zone_add_free(struct zone *zone, unsigned long start, unsigned long end)
{
	while (start < end) {
		struct section *sec = next_opened(zone, section_of(start));
		unsigned long base = sec ? page_to_pfn(sec->map) : end;
		unsigned long stop = min(base > start ? base : base + SECTION_PAGES, end);

		if (sec && base <= start)
			put_blocks(zone, sec, start, stop);
		else if (extents_insert(&zone->unopened, start, stop, true))
			break;
		else
			zone->open_need = 0;
		start = stop;
	}
	return start;
}

/* False, and a message, if that was not possible for all of the range. */
static bool add_range(struct zone *zone, unsigned long start, unsigned long end)
{
	const struct extents *ext = &zone->unopened;
	bool full;

	do {
		unsigned long flags = spin_lock_irqsave(&zone->lock);

		start = zone_add_free(zone, start, end);
		full = ext->nr == ext->max;
		spin_unlock_irqrestore(&zone->lock, flags);
		if (start == end)
			return true;
	} while (full && extents_reserve(zone, &zone->unopened, 1));
	pr_err("page frames 0x%lx-0x%lx are lost: %s\n", start, end - 1,
	       full ? "no memory to note them" : "part of them is free already");
	return false;
}

static __noinline enum zone_type pfn_type(unsigned long pfn)
{
	return pfn < type_limit[ZONE_DMA]     ? ZONE_DMA
	       : pfn < type_limit[ZONE_DMA32] ? ZONE_DMA32
					      : ZONE_NORMAL;
}

unsigned int node_index(int nid)
{
	for (unsigned int i = 0; nid > 0 && i < nr_nodes; i++)
		if (nodes[i].nid == nid)
			return i;
	return 0;
}

unsigned int nodes_to_try(int nid, gfp_t gfp)
{
	if (!(gfp & __GFP_THISNODE) || !nr_nodes)
		return nr_nodes;
	return nid < 0 || nodes[node_index(nid)].nid == nid;
}

bool zone_serves(const struct zone *zone, int nid, gfp_t gfp)
{
	unsigned int n = nodes_to_try(nid, gfp);

	return zone->type <= gfp_zone(gfp) &&
	       (!(gfp & __GFP_THISNODE) || (n && zone->nid == nodes[node_index(nid)].nid));
}

bool all_zones_serve(int nid, gfp_t gfp)
{
	for (unsigned int i = 0; i < nr_zones; i++)
		if (!zone_serves(&zones[i], nid, gfp))
			return false;
	return true;
}

static int clean_nid(int nid)
{
	return nid < 0 || nid == MAX_NUMNODES ? 0 : nid;
}

struct zone *pfn_to_zone(unsigned long pfn)
{
	unsigned long start, end;

	if (!nr_nodes || !memblock_is_memory(PFN_PHYS(pfn)))
		return NULL;
	return nodes[node_index(clean_nid(memblock_search_pfn_nid(pfn, &start, &end)))]
		.zone[pfn_type(pfn)];
}

/* Add whole pages of one node, cut at the zones' limits. Returns the pages taken over. */
static unsigned long add_pages(unsigned long start, unsigned long end, const struct node *node)
{
	unsigned long added = 0;

	while (start < end) {
		enum zone_type type = pfn_type(start);
		unsigned long stop = min(end, type_limit[type]);
		struct zone *zone = node->zone[type];

		if (!WARN(!zone, "page frames 0x%lx-0x%lx are not memory of node %d", start,
			  stop - 1, node->nid) &&
		    add_range(zone, start, stop)) {
			__atomic_fetch_add(&zone->managed, stop - start, __ATOMIC_RELAXED);
			added += stop - start;
		}
		start = stop;
	}
	return added;
}

void free_memblock_range(phys_addr_t start, phys_addr_t end, int nid)
{
	add_pages(PFN_UP(start), PFN_DOWN(end), &nodes[node_index(clean_nid(nid))]);
}

unsigned long free_reserved_range(phys_addr_t start, phys_addr_t end, const char *what)
{
	unsigned long pages;

	if (WARN(!ledger_release(start, end),
		 "%s 0x%llx-0x%llx given back, but it is not reserved memory: ignored", what,
		 (unsigned long long)start, (unsigned long long)end - 1))
		return 0;
	pages = add_pages(PFN_UP(start), PFN_DOWN(end),
			  &nodes[node_index(pfn_to_zone(PFN_DOWN(start))->nid)]);
	pr_debug("Freeing %s memory: %luK\n", what, pages << (PAGE_SHIFT - 10));
	return pages;
}

/* --- contiguous ranges --------------------------------------------------------------------- */

/* From the far end of unopened memory, so that sections keep being opened from the near one. */
static unsigned long contig_from_extents(struct zone *zone, unsigned long nr, unsigned long align)
{
	struct extents *ext = &zone->unopened;

	for (unsigned int i = ext->nr; i-- > 0;) {
		struct extent e = ext->range[i];
		unsigned long pfn;

		if (e.end - e.start < nr)
			continue;
		pfn = ALIGN_DOWN(e.end - nr, align);
		if (pfn >= e.start && !extents_remove(ext, pfn, pfn + nr))
			return pfn;
	}
	return NO_PFN;
}

/* Free blocks of order 10 in a row from page on, at most max. */
static unsigned long free_run(const struct zone *zone, const struct page *page, unsigned long max)
{
	u64 tag = word_make(PAGE_FREE, zone->id, MAX_PAGE_ORDER);
	unsigned long n = 0;

	while (n < max && (u32)page_look(page + (n << MAX_PAGE_ORDER)) == tag)
		n++;
	return n;
}

/* Each run of free blocks is looked at once, from where it begins. */
static unsigned long contig_from_blocks(struct zone *zone, unsigned long nr, unsigned long align)
{
	const unsigned long block = UL(1) << MAX_PAGE_ORDER;
	unsigned long blocks = nr >> MAX_PAGE_ORDER, run;

	for (struct section *sec = zone->opened; sec; sec = sec->below) {
		for (unsigned long i = 0; i < SECTION_PAGES; i += (run + 1) * block) {
			struct page *page = sec->map + i;
			unsigned long start = page_to_pfn(page), pfn = ALIGN(start, align);
			unsigned long want = ((pfn - start) >> MAX_PAGE_ORDER) + blocks;

			run = 0;
			if (free_run(zone, page - block, 1))
				continue;
			run = free_run(zone, page, want);
			if (run < want)
				continue;
			for (page = pfn_to_page(pfn); blocks--; page += block)
				BUG_ON(!zone_take_at(zone, page));
			return pfn;
		}
	}
	return NO_PFN;
}

/* An ordinary block, or a row of the largest, of which what is too much goes back. */
static unsigned long contig_from_opened(struct zone *zone, unsigned long nr, unsigned long align)
{
	unsigned int order = fls64(max(nr, align) - 1);
	unsigned long taken = UL(1) << order, pfn;
	struct page *page;

	if (order > MAX_PAGE_ORDER) {
		taken = ALIGN(nr, UL(1) << MAX_PAGE_ORDER);
		pfn = contig_from_blocks(zone, taken, align);
	} else {
		page = zone_take(zone, order);
		if (page)
			page_set_word(page, 0);
		pfn = page ? page_to_pfn(page) : NO_PFN;
	}
	/* Blocks only: what is left over lies in an opened section. */
	if (pfn != NO_PFN)
		BUG_ON(zone_add_free(zone, pfn + nr, pfn + taken) != pfn + taken);
	return pfn;
}

struct page *zone_contig(struct zone *zone, unsigned long nr, unsigned long align)
{
	unsigned long pfn = NO_PFN, flags;

	if (nr > zone->present || !extents_reserve(zone, &zone->contig, 1) ||
	    !extents_reserve(zone, &zone->unopened, 2)) /* it comes back, and splits one now */
		return NULL;
	flags = spin_lock_irqsave(&zone->lock);
	if (zone->contig.nr < zone->contig.max &&
	    zone->contig.nr + 2 <= zone->unopened.max - zone->unopened.nr) {
		pfn = contig_from_extents(zone, nr, align);
		if (pfn == NO_PFN)
			pfn = contig_from_opened(zone, nr, align);
		if (pfn != NO_PFN)
			BUG_ON(extents_insert(&zone->contig, pfn, pfn + nr, false));
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return pfn == NO_PFN ? NULL : pfn_to_page(pfn);
}

unsigned long alloc_contig_pages(unsigned long nr, unsigned long align, gfp_t gfp, int nid)
{
	bool possible = is_power_of_2(align);
	struct page *page = request_pages(nid, gfp, possible ? nr : 0, possible ? align : 1);

	return page ? page_to_pfn(page) : NO_PFN;
}

/* Length of the range handed out at pfn, 0 if none; take: it is being given back. */
static unsigned long find_contig(struct zone *zone, unsigned long pfn, unsigned long take)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock), nr = 0;
	struct extents *ext = &zone->contig;
	unsigned int i = extents_above(ext, pfn);

	if (i < ext->nr && ext->range[i].start == pfn)
		nr = ext->range[i].end - pfn;
	if (take && nr == take)
		BUG_ON(extents_remove(ext, pfn, pfn + nr));
	spin_unlock_irqrestore(&zone->lock, flags);
	return nr;
}

unsigned long contig_range_pages(unsigned long pfn)
{
	struct zone *zone = pfn_to_zone(pfn);

	return zone ? find_contig(zone, pfn, 0) : 0;
}

void free_contig_range(unsigned long pfn, unsigned long nr)
{
	struct zone *zone = pfn_to_zone(pfn);
	unsigned long is = zone ? find_contig(zone, pfn, nr) : 0;

	if (WARN(!nr || is != nr,
		 "bad free of %lu contiguous pages at page frame 0x%lx, ignored: %lu are given out",
		 nr, pfn, is))
		return;
	if (init_on_free)
		memset(phys_to_virt(PFN_PHYS(pfn)), 0, nr << PAGE_SHIFT);
	add_range(zone, pfn, pfn + nr);
}

/* --- figures ------------------------------------------------------------------------------- */

/* The blocks an extent gives when its sections are opened, without what their descriptors will
 * cost. */
static void count_extent(struct extent e, unsigned long *count)
{
	unsigned long base = PFN_DOWN(memstart_addr), start = e.start - base, end = e.end - base;

	while (start < end) {
		unsigned int order = order_within(start, end);
		unsigned long blocks = order < MAX_PAGE_ORDER ? 1 : (end - start) >> order;

		count[order] += blocks;
		start += blocks << order;
	}
}

void zone_count_blocks(struct zone *zone, unsigned long count[NR_PAGE_ORDERS])
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);

	for (const struct section *sec = zone->opened; sec; sec = sec->below)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			for (unsigned int i = sec->head[order]; i != LINK_NONE;
			     i = (u16)(page_word(&sec->map[i]) >> PAGE_NEXT_POS))
				count[order]++;
	for (unsigned int i = 0; i < zone->unopened.nr; i++)
		count_extent(zone->unopened.range[i], count);
	spin_unlock_irqrestore(&zone->lock, flags);
}

unsigned long zone_free_pages(struct zone *zone)
{
	unsigned long flags = spin_lock_irqsave(&zone->lock);
	unsigned long pages = zone->open_free + zone->unopened.pages;

	spin_unlock_irqrestore(&zone->lock, flags);
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			pages += page_list_count(cpu, zone, order) << order;
	return pages;
}

unsigned long nr_free_pages(void)
{
	unsigned long pages = 0;

	for (unsigned int i = 0; i < nr_zones; i++)
		pages += zone_free_pages(&zones[i]);
	return pages;
}

unsigned long totalram_pages(void)
{
	unsigned long pages = 0;

	for (unsigned int i = 0; i < nr_zones; i++)
		pages += __atomic_load_n(&zones[i].managed, __ATOMIC_RELAXED);
	return pages;
}

/* --- the start ----------------------------------------------------------------------------- */

static void *__init start_memory(size_t size)
{
	void *p = memblock_alloc(size, SMP_CACHE_BYTES);

	if (!p)
		panic("no %zu bytes for nodes and zones", size);
	return p;
}

/*
 * The zone of this node and type, a new one if need be: by node, the highest type first, so that
 * zones[0] is where an ordinary request begins.
 */
static struct zone *__init start_zone(int nid, enum zone_type type)
{
	static unsigned int max_zones; /* room in zones[] */
	unsigned int i = nr_zones;

	for (; i > 0; i--) {
		struct zone *zone = &zones[i - 1];

		if (zone->nid == nid && zone->type == type)
			return zone;
		if (zone->nid < nid || (zone->nid == nid && zone->type > type))
			break;
	}
	if (nr_zones == max_zones) {
		struct zone *old = zones;

		max_zones = max_zones ? 2 * max_zones : NR_ZONE_TYPES;
		zones = start_memory(max_zones * sizeof(*zones));
		if (old) {
			memcpy(zones, old, nr_zones * sizeof(*zones));
			memblock_free(old, nr_zones * sizeof(*zones));
		}
	}
	if (nr_zones == MAX_ZONES)
		panic("more than %u zones", MAX_ZONES);
	memmove(&zones[i + 1], &zones[i], (nr_zones++ - i) * sizeof(*zones));
	zones[i] = (struct zone){.nid = nid, .type = (u8)type, .start_pfn = ~UL(0)};
	return &zones[i];
}

/* Account a range of memory of one node to its zones. */
static void __init start_range(unsigned long start, unsigned long end, int nid)
{
	while (start < end) {
		enum zone_type type = pfn_type(start);
		unsigned long stop = min(end, type_limit[type]);
		struct zone *zone = start_zone(nid, type);

		zone->present += stop - start;
		zone->start_pfn = min(zone->start_pfn, start);
		zone->end_pfn = max(zone->end_pfn, stop);
		zone->unopened.max++;
		start = stop;
	}
}

static void __init start_nodes(void)
{
	nodes = start_memory(nr_zones * sizeof(*nodes));
	for (struct zone *zone = zones; zone < zones + nr_zones; zone++) {
		if (!nr_nodes || nodes[nr_nodes - 1].nid != zone->nid)
			nodes[nr_nodes++].nid = zone->nid;
		nodes[nr_nodes - 1].zone[zone->type] = zone;
	}
}

static void __init size_zone(struct zone *zone, unsigned int id)
{
	/* Each reserved range can split a free one; some more may be reserved until memblock
	 * closes. */
	unsigned int spare = (unsigned int)memblock.reserved.cnt + 32;
	bool see_all = fail_page_alloc.nth || init_on_alloc || init_on_free;

	zone->id = (u16)id;
	zone->unopened.max += spare;
	zone->unopened.range = start_memory(zone->unopened.max * sizeof(struct extent));
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		/* No lists: the slow path sees every call. */
		unsigned long share = see_all ? 0 : zone->present >> (order + 7);

		zone->capacity[order] = (u16)min(share, (unsigned long)list_capacity[order]);
	}
}

void __init page_alloc_init(unsigned long dma_limit, unsigned long dma32_limit)
{
	unsigned long start, end;
	int i, nid;

	type_limit[ZONE_DMA] = dma_limit;
	type_limit[ZONE_DMA32] = max(dma_limit, dma32_limit);
	for_each_mem_pfn_range (i, NUMA_NO_NODE, &start, &end, &nid)
		start_range(start, end, clean_nid(nid));
	if (!nr_zones)
		panic("no memory at all");
	start_nodes();
	for (unsigned int id = 0; id < nr_zones; id++)
		size_zone(&zones[id], id);
	start_cpu_lists(start_memory);
}
