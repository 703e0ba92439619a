/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy system inside opened sections, the CPUs' lists in front of it, and the calls everybody
 * uses. What is not opened yet, and the start of life, is in zone.c; the words of descriptors are
 * in memmap.h.
 *
 * Fast path: a block comes from and goes to this CPU's list of its zone and order, interrupts
 * masked, no lock. Whatever is unusual (empty, full, other zone asked for, anything wrong) falls
 * into the slow path, which checks everything. To see every call, as fault injection and poisoning
 * must, make the capacity of the lists 0.
 */
#include <asm/irqflags.h>
#include <asm/percpu.h>
#include <lib/bug.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/memblock.h>
#include <mm/debug.h>
#include <mm/mm.h>
#include <mm/zone.h>

/* Memory for a CPU's lists of one zone: 8 KiB, or a page where that is larger. */
#define LISTS_ORDER (PAGE_SHIFT > 12 ? 0 : 1)

/* --- blocks in a section: zone locked ------------------------------------------------------ */

/* The word of a free block without its links. */
static inline u64 free_tag(const struct section *sec, unsigned int order)
{
	return word_make(PAGE_FREE, sec->zone, order);
}

static inline bool is_free_block(const struct page *page, u64 tag)
{
	return (u32)page_word(page) == tag;
}

static void link_block(struct section *sec, unsigned int index, unsigned int order)
{
	unsigned int next = sec->head[order];
	struct page *map = sec->map;

	page_set_word(&map[index], free_tag(sec, order) | (u64)LINK_NONE << PAGE_PREV_POS |
					   (u64)next << PAGE_NEXT_POS);
	if (next != LINK_NONE)
		page_set_word(&map[next],
			      word_with(page_word(&map[next]), PAGE_PREV_POS, 16, index));
	sec->head[order] = (u16)index;
	sec->nonempty |= (u16)(1u << order);
}

/* Take a block off its list. Its word is left for the caller to replace. */
static void unlink_block(struct section *sec, unsigned int index, unsigned int order)
{
	struct page *map = sec->map;
	u64 word = page_word(&map[index]);
	unsigned int prev = (u16)(word >> PAGE_PREV_POS);
	unsigned int next = (u16)(word >> PAGE_NEXT_POS);

	if (next != LINK_NONE)
		page_set_word(&map[next],
			      word_with(page_word(&map[next]), PAGE_PREV_POS, 16, prev));
	if (prev != LINK_NONE) {
		page_set_word(&map[prev],
			      word_with(page_word(&map[prev]), PAGE_NEXT_POS, 16, next));
		return;
	}
	sec->head[order] = (u16)next;
	if (next == LINK_NONE)
		sec->nonempty &= (u16) ~(1u << order);
}

/* Keep the section on the zone's list of its highest non-empty order. */
static void sort_section(struct zone *zone, struct section *sec)
{
	unsigned int list = fls64(sec->nonempty), old = sec->list;

	if (likely(list == old))
		return;
	if (old) {
		if (sec->prev)
			sec->prev->next = sec->next;
		else
			zone->sections[old] = sec->next;
		if (sec->next)
			sec->next->prev = sec->prev;
		if (!zone->sections[old])
			zone->avail &= ~(1u << old);
	}
	sec->list = (u8)list;
	if (!list)
		return;
	sec->prev = NULL;
	sec->next = zone->sections[list];
	if (sec->next)
		sec->next->prev = sec;
	zone->sections[list] = sec;
	zone->avail |= 1u << list;
}

static void count_free(struct zone *zone, struct section *sec, long pages)
{
	zone->open_free += (unsigned long)pages;
	sec->free += (u32)pages;
}

/* Free the block: join it with its free buddies, as far as they are of the same section and zone.
 */
void section_put(struct zone *zone, struct section *sec, unsigned int index, unsigned int order)
{
	struct page *map = sec->map;

	count_free(zone, sec, 1L << order);
	while (order < MAX_PAGE_ORDER) {
		unsigned int bit = 1u << order;

		if (!is_free_block(&map[index ^ bit], free_tag(sec, order)))
			break;
		unlink_block(sec, index ^ bit, order);
		page_set_word(&map[index | bit], 0); /* the upper half becomes a tail */
		index &= ~bit;
		order++;
	}
	link_block(sec, index, order);
	sort_section(zone, sec);
}

/* A block from a section that has one of this order or above. Its word still says FREE: the caller
 * gives it another before the zone is unlocked, or a buddy that is freed then joins it. */
static struct page *section_take(struct zone *zone, struct section *sec, unsigned int order)
{
	unsigned int from = order + ffs64((u64)sec->nonempty >> order);
	unsigned int index = sec->head[from];

	unlink_block(sec, index, from);
	while (from > order) {
		from--;
		link_block(sec, index + (1u << from), from);
	}
	count_free(zone, sec, -(1L << order));
	sort_section(zone, sec);
	return &sec->map[index];
}

/* The section whose largest block is the smallest that serves; NULL if no opened one does. */
static struct section *fitting_section(const struct zone *zone, unsigned int order)
{
	u32 fit = zone->avail >> (order + 1);

	return fit ? zone->sections[order + 1 + ffs64(fit)] : NULL;
}

struct page *zone_take(struct zone *zone, unsigned int order)
{
	struct section *sec;

	while (!(sec = fitting_section(zone, order)))
		if (!zone_open(zone, order))
			return NULL;
	return section_take(zone, sec, order);
}

bool zone_take_at(struct zone *zone, struct page *page)
{
	struct section *sec = page_section(page, zone->id);

	if (!is_free_block(page, free_tag(sec, MAX_PAGE_ORDER)))
		return false;
	unlink_block(sec, (unsigned int)(page - sec->map), MAX_PAGE_ORDER);
	page_set_word(page, 0);
	count_free(zone, sec, -(1L << MAX_PAGE_ORDER));
	sort_section(zone, sec);
	return true;
}

/* --- CPUs' lists: interrupts masked -------------------------------------------------------- */

struct page_list **cpu_lists;

/* Where the lists of CPUs that were not heard of yet all point: empty and full at once, so every
 * call takes the slow path. */
static struct page *no_slot[1];
static struct page_list *shared_lists;
/* Room for the lists of every CPU, without the blocks' slots. */
static struct page_list *lists_memory;

static inline bool list_ready(const struct page_list *list)
{
	return __atomic_load_n(&list->limit, __ATOMIC_ACQUIRE) != no_slot + 1;
}

static inline void list_push(struct page_list *list, struct page **top, struct page *page)
{
	page_set_word(page, list->free_word);
	*top = page;
	WRITE_ONCE(list->top, top + 1);
}

/* NULL if the list is empty: that is what lies below its first block. */
static inline struct page *list_pop(struct page_list *list)
{
	struct page **top = list->top - 1, *page = *top;

	if (likely(page))
		WRITE_ONCE(list->top, top);
	return page;
}

static inline struct page_list *list_of(const struct zone *zone, unsigned int order)
{
	return &cpu_lists[smp_processor_id()][zone->id * LISTS_PER_ZONE + order];
}

/* This CPU uses lists for the first time: give it its own. */
static void own_cpu_lists(unsigned int cpu)
{
	unsigned int nr = nr_zones * LISTS_PER_ZONE;
	struct page_list *lists = lists_memory + (size_t)cpu * nr;

	memcpy(lists, shared_lists, nr * sizeof(*lists));
	__atomic_store_n(&cpu_lists[cpu], lists, __ATOMIC_RELEASE);
}

static void give_lists_memory(struct zone *zone)
{
	struct page_list *list = list_of(zone, 0);
	struct page **slot;
	struct page *page;

	spin_lock(&zone->lock);
	page = zone_take(zone, LISTS_ORDER);
	if (page)
		page_set_word(page, word_make(PAGE_ALLOC, zone->id, LISTS_ORDER) |
					    (u64)ROLE_META << PAGE_CACHE_POS);
	spin_unlock(&zone->lock);
	if (!page)
		return;
	slot = page_address(page);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++, list++) {
		if (!zone->capacity[order])
			continue;
		*slot++ = NULL;
		WRITE_ONCE(list->top, slot);
		slot += zone->capacity[order];
		__atomic_store_n(&list->limit, slot, __ATOMIC_RELEASE);
	}
}

/* This CPU's list, with memory unless the zone is too small for lists of this order or has none
 * left. */
static struct page_list *own_list(struct zone *zone, unsigned int order)
{
	if (unlikely(zone->capacity[order] && !list_ready(list_of(zone, order)))) {
		unsigned int cpu = smp_processor_id();

		if (cpu_lists[cpu] == shared_lists)
			own_cpu_lists(cpu);
		give_lists_memory(zone);
	}
	return list_of(zone, order);
}

/* Fill an empty list behind a block just taken. Prefers small blocks, and larger ones cut up at
 * once. Zone locked. */
static void list_refill(struct zone *zone, struct page_list *list, unsigned int order)
{
	unsigned int room = (unsigned int)(list->limit - list->top);
	unsigned int want = min(max(REFILL_PAGES >> order, 1u) - 1, room);

	while (want) {
		struct section *sec = fitting_section(zone, order);
		unsigned int from;
		struct page *page;

		if (!sec)
			return;
		from = order + min(ffs64((u64)sec->nonempty >> order), ilog2(want));
		page = section_take(zone, sec, from);
		for (unsigned int i = 1u << (from - order); i-- > 0; want--)
			list_push(list, list->top, page + (i << order));
	}
}

/* Give the n blocks that have lain longest on a list back. */
static void list_drain(struct zone *zone, struct page_list *list, unsigned int order,
		       unsigned long n)
{
	unsigned long count = page_list_count(smp_processor_id(), zone, order);
	struct page **first = list->top - count;

	spin_lock(&zone->lock);
	for (unsigned long i = 0; i < n; i++) {
		struct section *sec = page_section(first[i], zone->id);

		section_put(zone, sec, (unsigned int)(first[i] - sec->map), order);
	}
	spin_unlock(&zone->lock);
	memmove(first, first + n, (count - n) * sizeof(*first));
	WRITE_ONCE(list->top, list->top - n);
}

unsigned long page_list_count(unsigned int cpu, const struct zone *zone, unsigned int order)
{
	const struct page_list *lists = __atomic_load_n(&cpu_lists[cpu], __ATOMIC_ACQUIRE);
	const struct page_list *list = &lists[zone->id * LISTS_PER_ZONE + order];

	if (!list_ready(list))
		return 0;
	return zone->capacity[order] - (unsigned long)(list->limit - READ_ONCE(list->top));
}

void drain_local_pages(void)
{
	unsigned long flags = local_irq_save();
	unsigned int cpu = smp_processor_id();

	for (struct zone *zone = zones; zone < zones + nr_zones; zone++) {
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			unsigned long n = page_list_count(cpu, zone, order);

			if (n)
				list_drain(zone, list_of(zone, order), order, n);
		}
	}
	local_irq_restore(flags);
}

/* --- allocation ---------------------------------------------------------------------------- */

static struct page *zone_alloc(struct zone *zone, unsigned int order)
{
	unsigned long flags = local_irq_save();
	struct page_list *list = own_list(zone, order);
	struct page *page = list_pop(list);

	if (!page) {
		spin_lock(&zone->lock);
		page = zone_take(zone, order);
		if (page)
			page_set_word(page, list->alloc_word);
		if (page && list->top != list->limit)
			list_refill(zone, list, order);
		spin_unlock(&zone->lock);
	} else {
		page_set_word(page, list->alloc_word);
	}
	local_irq_restore(flags);
	return page;
}

/* Same node first, from the zone the flags name downwards; then the other nodes. */
static struct page *nodes_alloc(int nid, gfp_t gfp, unsigned long n, unsigned long align)
{
	unsigned int first = node_index(nid), tries = nodes_to_try(nid, gfp);

	for (unsigned int i = 0; i < tries; i++) {
		const struct node *node = &nodes[(first + i) % nr_nodes];

		for (int type = gfp_zone(gfp); type >= 0; type--) {
			struct zone *zone = node->zone[type];
			struct page *page = NULL;

			if (zone)
				page = align ? zone_contig(zone, n, align) : zone_alloc(zone, n);
			if (page)
				return page;
		}
	}
	return NULL;
}

unsigned long (*reclaim_pages)(void);

void check_nofail(gfp_t gfp)
{
	if (gfp & __GFP_NOFAIL)
		panic("__GFP_NOFAIL, and no memory");
}

/* Make more memory available, the harder the higher tries is (0, 1, ...); false: no more can be
 * done. */
static bool try_harder(gfp_t gfp, unsigned int tries)
{
	if (tries > 1 || (tries && (gfp & __GFP_NORETRY || !reclaim_pages)))
		return false;
	if (tries)
		reclaim_pages();
	drain_local_pages();
	return true;
}

__noinline struct page *request_pages(int nid, gfp_t gfp, unsigned long n, unsigned long align)
{
	bool possible = align ? n > 0 : n <= MAX_PAGE_ORDER;
	struct page *page = NULL;

	if (possible && !fail_call(gfp, &fail_page_alloc, align ? "pages" : "order", n)) {
		page = nodes_alloc(nid, gfp, n, align);
		for (unsigned int tries = 0; !page && try_harder(gfp, tries); tries++)
			page = nodes_alloc(nid, gfp, n, align);
	}
	if (page && (gfp & __GFP_ZERO || init_on_alloc))
		memset(page_address(page), 0, align ? n << PAGE_SHIFT : PAGE_SIZE << n);
	if (!page && !(gfp & __GFP_NOWARN)) {
		unsigned long free = nr_free_pages();

		if (align)
			pr_warn("no %lu contiguous pages aligned to %lu, %lu pages free\n", n,
				align, free);
		else
			pr_warn("page allocation failure: order:%lu, gfp:0x%x, %lu pages free%s\n",
				n, gfp, free, possible ? "" : "; no block is that large");
	}
	if (!page)
		check_nofail(gfp);
	return page;
}

/* For the fast paths, which need not extend an order. */
static __noinline struct page *alloc_slow(gfp_t gfp, unsigned int order)
{
	return request_pages(-1, gfp, order, 0);
}

struct page *alloc_one_page(void)
{
	unsigned long flags = local_irq_save();
	struct page_list *list = &cpu_lists[smp_processor_id()][0];
	struct page *page = list_pop(list);

	if (likely(page)) {
		page_set_word(page, list->alloc_word);
		local_irq_restore(flags);
		return page;
	}
	local_irq_restore(flags);
	return alloc_slow(GFP_KERNEL, 0);
}

struct page *alloc_block(gfp_t gfp, unsigned int order)
{
	if (likely(gfp < __GFP_ZERO && order < LISTS_PER_ZONE)) {
		unsigned long flags = local_irq_save();
		struct page_list *list = &cpu_lists[smp_processor_id()][order]; /* of zones[0] */
		struct page *page = list_pop(list);

		if (likely(page)) {
			page_set_word(page, list->alloc_word);
			local_irq_restore(flags);
			return page;
		}
		local_irq_restore(flags);
	}
	return alloc_slow(gfp, order);
}

struct page *alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return request_pages(nid, gfp, order, 0);
}

unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	return page ? (unsigned long)page_address(page) : 0;
}

/* --- freeing ------------------------------------------------------------------------------- */

static void report_bad_free(const struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page);
	char what[96];

	describe_page(page, what, sizeof(what));
	WARN(true, "bad free of page frame 0x%lx (0x%llx) as order %u, ignored: it is %s", pfn,
	     (unsigned long long)PFN_PHYS(pfn), order, what);
}

static __noinline void free_slow(struct page *page, unsigned int order)
{
	struct page_list *list;
	unsigned long flags;
	struct zone *zone;
	u64 word;

	if (order > MAX_PAGE_ORDER || !page_probe(page, &word) ||
	    word != word_make(PAGE_ALLOC, word_zone(word), order)) {
		report_bad_free(page, order);
		return;
	}
	if (init_on_free)
		memset(page_address(page), 0, PAGE_SIZE << order);
	zone = &zones[word_zone(word)];
	flags = local_irq_save();
	list = own_list(zone, order);
	if (list->top == list->limit && list_ready(list))
		list_drain(zone, list, order, DIV_ROUND_UP(zone->capacity[order], 2));
	if (list->top != list->limit) {
		list_push(list, list->top, page);
	} else {
		struct section *sec = page_section(page, zone->id);

		spin_lock(&zone->lock);
		section_put(zone, sec, (unsigned int)(page - sec->map), order);
		spin_unlock(&zone->lock);
	}
	local_irq_restore(flags);
}

_Static_assert(PAGE_ZONE_POS == PAGE_ORDER_POS + 4 && LISTS_PER_ZONE == 16,
	       "a word has the number of its list");

void __free_pages(struct page *page, unsigned int order)
{
	u64 word = page_in_span(page) ? page_word(page) : 0;

	if (likely(word & PAGE_ALLOC)) {
		unsigned long flags = local_irq_save();
		/* Zone and order lie side by side in the word. */
		unsigned int i = (unsigned int)word_field(word, PAGE_ORDER_POS, PAGE_ZONE_BITS + 4);
		struct page_list *list = &cpu_lists[smp_processor_id()][i];
		struct page **top = list->top, **limit = list->limit;

		/* The comparison of words checks state and role at once. */
		if (likely((i % LISTS_PER_ZONE == order) & (word == list->alloc_word) &
			   (top != limit))) {
			list_push(list, top, page);
			local_irq_restore(flags);
			return;
		}
		local_irq_restore(flags);
	}
	free_slow(page, order);
}

void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page((void *)addr), order);
}

/* --- small questions ----------------------------------------------------------------------- */

bool pfn_valid(unsigned long pfn)
{
	u64 word;

	return memblock_is_memory(PFN_PHYS(pfn)) && page_probe(pfn_to_page(pfn), &word);
}

void page_set_role(struct page *page, enum page_role role)
{
	u64 word = page_word(page);

	BUG_ON(word_type(word) != PAGE_ALLOC);
	page_set_word(page, word_with(word, PAGE_CACHE_POS, PAGE_CACHE_BITS, role));
}

bool page_drop_role(struct page *page, enum page_role role)
{
	u64 word = page_word(page), plain = word_with(word, PAGE_CACHE_POS, PAGE_CACHE_BITS, 0);

	return word_type(word) == PAGE_ALLOC && word_cache(word) == role &&
	       __atomic_compare_exchange_n(&page->word, &word, plain, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

void *alloc_meta(size_t size, gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, get_order(size));

	if (!page)
		return NULL;
	page_set_role(page, ROLE_META);
	return page_address(page);
}

void free_meta(const void *addr)
{
	struct page *page = virt_to_page(addr);

	page_set_role(page, ROLE_PLAIN);
	__free_pages(page, page_order(page));
}

void __init start_cpu_lists(void *(*alloc)(size_t size))
{
	size_t size = nr_zones * LISTS_PER_ZONE * sizeof(struct page_list);

	shared_lists = alloc(size);
	lists_memory = alloc(nr_cpu_ids * size);
	for (unsigned int i = 0; i < nr_zones * LISTS_PER_ZONE; i++) {
		unsigned int zone = i / LISTS_PER_ZONE, order = i % LISTS_PER_ZONE;

		shared_lists[i].top = shared_lists[i].limit = no_slot + 1;
		shared_lists[i].alloc_word = word_make(PAGE_ALLOC, zone, order);
		shared_lists[i].free_word = word_make(PAGE_LISTED, zone, order);
	}
	cpu_lists = alloc(nr_cpu_ids * sizeof(*cpu_lists));
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		cpu_lists[cpu] = shared_lists;
}
