/* SPDX-License-Identifier: BSD-2-Clause */
#include <mm/memblock.h>

#include <asm/brk.h>
#include <asm/memory.h>
#include <lib/bug.h>
#include <lib/cmdline.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

/* Growth doubles and leaves the old array behind: enough for 4,096 regions of each type. */
RESERVE_BRK(memblock, SZ_1M - SZ_64K);

static struct memblock_region first_memory[INIT_MEMBLOCK_MEMORY_REGIONS];
static struct memblock_region first_reserved[INIT_MEMBLOCK_RESERVED_REGIONS];

struct memblock memblock = {
	.current_limit = MEMBLOCK_ALLOC_ANYWHERE,
	.memory = {.name = "memory", .max = ARRAY_SIZE(first_memory), .regions = first_memory},
	.reserved = {.name = "reserved",
		     .max = ARRAY_SIZE(first_reserved),
		     .regions = first_reserved},
};

/* Weak: where memory can be plugged, that code owns the policy. */
bool movable_node_enabled __attribute__((weak));
bool mirrored_kernelcore __attribute__((weak));
void *(*memblock_late_alloc)(size_t size);
void (*memblock_late_free)(const void *array);

static bool can_resize; /* arrays may grow into memory */
static bool closed;     /* memory belongs to the page allocator */
static bool some_mirror;
static bool debug; /* memblock=debug */

static phys_addr_t region_end(const struct memblock_region *r)
{
	return r->base + r->size;
}

/* End of [base, base + size) in an address space that ends. */
static phys_addr_t range_end(phys_addr_t base, phys_addr_t size)
{
	return size > PHYS_ADDR_MAX - base ? PHYS_ADDR_MAX : base + size;
}

static bool is_node(int nid)
{
	return nid >= 0 && nid < MAX_NUMNODES;
}

/* Appending costs one comparison. */
unsigned long memblock_first_above(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned long low = 0, high = type->cnt;

	if (!high || region_end(&type->regions[high - 1]) <= addr)
		return high;
	while (low < high) {
		unsigned long mid = low + (high - low) / 2;

		if (region_end(&type->regions[mid]) > addr)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* The region that holds the byte at addr, or NULL. */
static struct memblock_region *region_at(const struct memblock_type *type, phys_addr_t addr)
{
	unsigned long i = memblock_first_above(type, addr);

	return i < type->cnt && type->regions[i].base <= addr ? &type->regions[i] : NULL;
}

/* ---- Walking ---- */

static bool passed_over(const struct memblock_type *type, const struct memblock_region *r, int nid,
			enum memblock_flags want)
{
	enum memblock_flags unwanted = r->flags & ~want;

	if (type != &memblock.memory)
		return false;
	if (is_node(nid) && r->nid != nid)
		return true;
	if (unwanted & (MEMBLOCK_NOMAP | MEMBLOCK_DRIVER_MANAGED))
		return true;
	if (want & ~r->flags & MEMBLOCK_MIRROR)
		return true;
	return (unwanted & MEMBLOCK_HOTPLUG) && movable_node_enabled;
}

/* Gap number n of a type: what lies before its region n, the last one reaching to the end of the
 * address space. */
static void gap(const struct memblock_type *type, u32 n, phys_addr_t *start, phys_addr_t *end)
{
	*start = n ? region_end(&type->regions[n - 1]) : 0;
	*end = n < type->cnt ? type->regions[n].base : PHYS_ADDR_MAX;
}

/*
 * Find the next gap of `out` that meets r, from gap *n on in the given direction, and cut *start,
 * *end down to it. Sets *used_up when nothing of r is left behind that gap.
 */
static bool meet_gap(const struct memblock_type *out, u32 *n, bool up, phys_addr_t *start,
		     phys_addr_t *end, bool *used_up)
{
	for (; *n <= out->cnt; *n += up ? 1 : -1) {
		phys_addr_t low, high;
		bool under, over;

		gap(out, *n, &low, &high);
		under = high <= *start;
		over = low >= *end;
		if (up ? over : under)
			return false;
		if (under || over)
			continue;
		*used_up = up ? *end <= high : *start >= low;
		*start = max(*start, low);
		*end = min(*end, high);
		return true;
	}
	return false;
}

/* The cursor holds the index into `in` (bits 31:0) and the gap of `out` (63:32); indices run out
 * below 0 by wrapping. */
bool memblock_step(u64 *cursor, bool up, const struct memblock_type *in,
		   const struct memblock_type *out, int nid, enum memblock_flags flags,
		   phys_addr_t *p_start, phys_addr_t *p_end, int *p_nid)
{
	u32 i = (u32)*cursor, n = *cursor >> 32, step = up ? 1 : -1;

	for (; i < in->cnt; i += step) {
		const struct memblock_region *r = &in->regions[i];
		phys_addr_t start = r->base, end = region_end(r);
		bool used_up = true;

		if (passed_over(in, r, nid, flags))
			continue;
		if (out && !meet_gap(out, &n, up, &start, &end, &used_up))
			continue;
		if (used_up)
			i += step;
		else
			n += step;
		*cursor = (u64)n << 32 | i;
		if (p_start)
			*p_start = start;
		if (p_end)
			*p_end = end;
		if (p_nid)
			*p_nid = r->nid;
		return true;
	}
	*cursor = ~(u64)0;
	return false;
}

bool memblock_step_pfn(int *cursor, int nid, unsigned long *p_start, unsigned long *p_end,
		       int *p_nid)
{
	for (unsigned long i = *cursor + 1; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.regions[i];
		unsigned long start = memblock_region_memory_base_pfn(r);
		unsigned long end = memblock_region_memory_end_pfn(r);

		if (start >= end || (is_node(nid) && r->nid != nid))
			continue;
		*cursor = i;
		if (p_start)
			*p_start = start;
		if (p_end)
			*p_end = end;
		if (p_nid)
			*p_nid = r->nid;
		return true;
	}
	*cursor = -1;
	return false;
}

/* ---- Finding room ---- */

static phys_addr_t __init fit(phys_addr_t start, phys_addr_t end, phys_addr_t size,
			      phys_addr_t align)
{
	phys_addr_t at;

	if (memblock.bottom_up) {
		at = ALIGN(start, align);
		return at >= start && at < end && end - at >= size ? at : 0;
	}
	if (end < size)
		return 0;
	at = ALIGN_DOWN(end - size, align);
	return at >= start ? at : 0;
}

/* The best place for size bytes in [low, high), never the first page; 0 if there is none. Reserves
 * nothing. */
static phys_addr_t __init find_room(phys_addr_t size, phys_addr_t align, phys_addr_t low,
				    phys_addr_t high, int nid, enum memblock_flags flags)
{
	bool up = memblock.bottom_up;
	struct memblock_type *memory = &memblock.memory, *taken = &memblock.reserved;
	u64 cursor = up ? 0 : memblock_cursor_top(memory, taken);
	phys_addr_t start, end, at;

	if (high == MEMBLOCK_ALLOC_ACCESSIBLE || high == MEMBLOCK_ALLOC_NOLEAKTRACE)
		high = memblock.current_limit;
	low = max(low, (phys_addr_t)PAGE_SIZE);
	high = max(low, high);

	while (memblock_step(&cursor, up, memory, taken, nid, flags, &start, &end, NULL)) {
		start = min(max(start, low), high);
		end = min(max(end, low), high);
		at = fit(start, end, size, align);
		if (at)
			return at;
	}
	return 0;
}

/* The same on nid if possible, elsewhere unless exact_nid; and of mirrored memory first, once there
 * is some. */
static phys_addr_t __init find_best(phys_addr_t size, phys_addr_t align, phys_addr_t low,
				    phys_addr_t high, int nid, bool exact_nid)
{
	enum memblock_flags flags = some_mirror ? MEMBLOCK_MIRROR : MEMBLOCK_NONE;

	for (;; flags = MEMBLOCK_NONE) {
		phys_addr_t at = find_room(size, align, low, high, nid, flags);

		if (!at && is_node(nid) && !exact_nid)
			at = find_room(size, align, low, high, NUMA_NO_NODE, flags);
		if (at || flags == MEMBLOCK_NONE)
			return at;
		pr_warn("memblock: no mirrored memory for %#lx bytes, taking other memory\n", size);
	}
}

static phys_addr_t __init find_anywhere(phys_addr_t size, phys_addr_t low, phys_addr_t high)
{
	return find_best(size, PAGE_SIZE, low, high, NUMA_NO_NODE, true);
}

/* ---- Growing an array ---- */

/*
 * Room for an array in memory. The reserved array grows while [base, end) is being reserved, and
 * must stay out of it: above it if possible, else below. (find_room() reads an end of 0 or 1 as "no
 * limit".)
 */
static phys_addr_t __init find_array_room(const struct memblock_type *type, phys_addr_t size,
					  phys_addr_t base, phys_addr_t end)
{
	phys_addr_t limit = memblock.current_limit, at;

	if (type != &memblock.reserved)
		return find_anywhere(size, 0, limit);
	at = find_anywhere(size, end, limit);
	if (at || base <= MEMBLOCK_ALLOC_NOLEAKTRACE)
		return at;
	return find_anywhere(size, 0, min(base, limit));
}

static int cannot_grow(const struct memblock_type *type)
{
	static unsigned long told;

	if (told != type->max)
		pr_err("memblock: %s array is full at %lu regions and has no room to grow\n",
		       type->name, type->max);
	told = type->max;
	return -ENOMEM;
}

static void switch_array(struct memblock_type *type, struct memblock_region *array)
{
	size_t bytes = type->max * sizeof(*array);

	memcpy(array, type->regions, bytes);
	memset(array + type->max, 0, bytes);
	type->regions = array;
	type->max *= 2;
}

/* Double an array into memory, which costs a reservation and may give back another one. */
static int __init grow_into_memory(struct memblock_type *type, phys_addr_t base, phys_addr_t end)
{
	struct memblock_region *old = type->regions;
	phys_addr_t old_size = PAGE_ALIGN(type->max * sizeof(*old));
	phys_addr_t new_size = PAGE_ALIGN(2 * type->max * sizeof(*old));
	phys_addr_t at = find_array_room(type, new_size, base, end);

	if (!at)
		return cannot_grow(type);
	switch_array(type, __va(at));
	/* This may grow `reserved` in turn, which knows what is just being reserved. */
	if (memblock_add_range(&memblock.reserved, at, new_size, NUMA_NO_NODE,
			       MEMBLOCK_RSRV_KERN)) {
		type->regions = old;
		type->max /= 2;
		return cannot_grow(type);
	}
	if (type->array == ARRAY_MEMORY)
		memblock_remove_range(&memblock.reserved, virt_to_phys(old), old_size);
	type->array = ARRAY_MEMORY;
	return 0;
}

/* Double the array of type, for the sake of the range [base, end). */
static int grow(struct memblock_type *type, phys_addr_t base, phys_addr_t end)
{
	struct memblock_region *old = type->regions, *array;
	size_t size = 2 * type->max * sizeof(*old);

	if (memblock_late_alloc)
		array = memblock_late_alloc(size);
	else if (!can_resize)
		array = extend_brk(size, __alignof__(*old));
	else
		return closed ? cannot_grow(type) : grow_into_memory(type, base, end);
	if (!array)
		return cannot_grow(type);
	switch_array(type, array);
	if (type->array == ARRAY_SLAB && memblock_late_free)
		memblock_late_free(old);
	type->array = can_resize ? ARRAY_SLAB : ARRAY_IMAGE;
	return 0;
}

/* ---- Changing the lists ---- */

/* Join what belongs together among regions[first..last]. */
static void merge(struct memblock_type *type, unsigned long first, unsigned long last)
{
	struct memblock_region *r = type->regions;
	unsigned long kept = first, i;

	if (first >= type->cnt)
		return;
	last = min(last, type->cnt - 1);
	for (i = first + 1; i <= last; i++) {
		if (region_end(&r[kept]) == r[i].base && r[kept].flags == r[i].flags &&
		    r[kept].nid == r[i].nid)
			r[kept].size += r[i].size;
		else if (++kept != i)
			r[kept] = r[i];
	}
	if (kept >= last)
		return;
	memmove(&r[kept + 1], &r[last + 1], (type->cnt - 1 - last) * sizeof(*r));
	type->cnt -= last - kept;
}

/* The regions [first, end) were touched: they may have come to fit each other or their neighbours.
 */
static void merge_around(struct memblock_type *type, unsigned long first, unsigned long end)
{
	merge(type, first ? first - 1 : 0, end);
}

static void check_agreement(const struct memblock_type *type, const struct memblock_region *old,
			    const struct memblock_region *add)
{
	bool node = is_node(add->nid) && add->nid != old->nid;
	bool flags = add->flags != MEMBLOCK_NONE && add->flags != old->flags;

	if (node || flags)
		pr_warn("memblock: %s [%#lx-%#lx] node %d flags %#x overlaps [%#lx-%#lx] "
			"node %d flags %#x, which stays\n",
			type->name, add->base, region_end(add) - 1, add->nid, add->flags, old->base,
			region_end(old) - 1, old->nid, old->flags);
}

/* Count the pieces of add that type does not hold yet; regions [from, *to) are those it overlaps.
 */
static unsigned long count_missing(const struct memblock_type *type, unsigned long from,
				   const struct memblock_region *add, unsigned long *to)
{
	phys_addr_t done = add->base, end = region_end(add);
	unsigned long i, missing = 0;

	for (i = from; i < type->cnt && type->regions[i].base < end; i++) {
		if (type->regions[i].base > done)
			missing++;
		done = min(region_end(&type->regions[i]), end);
		check_agreement(type, &type->regions[i], add);
	}
	*to = i;
	return missing + (done < end);
}

/*
 * Put the missing pieces of add between the regions [from, to), working down from the upper end so
 * that each region moves once. One place at the end of the array moves nothing.
 */
static void insert_missing(struct memblock_type *type, unsigned long from, unsigned long to,
			   unsigned long missing, const struct memblock_region *add)
{
	struct memblock_region *r = type->regions;
	unsigned long write = to + missing, last = 0;
	phys_addr_t top = region_end(add);

	memmove(&r[write], &r[to], (type->cnt - to) * sizeof(*r));
	type->cnt += missing;
	for (;;) {
		phys_addr_t below = to > from ? region_end(&r[to - 1]) : 0;
		phys_addr_t start = max(below, add->base);

		if (start < top) {
			r[--write] = *add;
			r[write].base = start;
			r[write].size = top - start;
			type->total_size += top - start;
			last = last ? last : write + 1;
		}
		if (write == to)
			break;
		r[--write] = r[--to];
		top = r[write].base;
	}
	merge_around(type, write, last);
}

int memblock_add_range(struct memblock_type *type, phys_addr_t base, phys_addr_t size, int nid,
		       enum memblock_flags flags)
{
	phys_addr_t end = range_end(base, size);
	struct memblock_region add = {.base = base, .size = end - base, .nid = nid, .flags = flags};
	unsigned long from, to, missing;

	if (base == end)
		return 0;
	/* Growing `reserved` changes what it holds. */
	for (;;) {
		from = memblock_first_above(type, base);
		missing = count_missing(type, from, &add, &to);
		if (!missing)
			return 0;
		if (type->cnt + missing <= type->max)
			break;
		if (grow(type, base, end))
			return -ENOMEM;
	}
	if (!type->cnt)
		type->total_size = 0;
	insert_missing(type, from, to, missing, &add);
	return 0;
}

/* True when addr lies inside a region, not at its edge. */
static bool is_inside(const struct memblock_type *type, phys_addr_t addr)
{
	struct memblock_region *r = region_at(type, addr);

	return r && r->base != addr;
}

/* Cut the region around addr in two there, if there is one. The caller made sure of the room.
 * Returns the index of the first region from addr on. */
static unsigned long cut(struct memblock_type *type, phys_addr_t addr)
{
	unsigned long i = memblock_first_above(type, addr);
	struct memblock_region *r = &type->regions[i];

	if (!is_inside(type, addr))
		return i;
	memmove(r + 1, r, (type->cnt - i) * sizeof(*r));
	type->cnt++;
	r[0].size = addr - r->base;
	r[1].base = addr;
	r[1].size -= r[0].size;
	return i + 1;
}

/* Regions [first, end) of a type; first > end: there was no room to make them. */
struct indices {
	unsigned long first, end;
};

/*
 * Cut regions at both ends of a range, so that exactly the regions returned lie within it. Where
 * nothing is cut, a full array is no obstacle.
 */
static struct indices isolate(struct memblock_type *type, phys_addr_t base, phys_addr_t size)
{
	phys_addr_t stop = range_end(base, size);
	unsigned long first;

	if (base == stop)
		return (struct indices){0, 0};
	while (type->cnt + is_inside(type, base) + is_inside(type, stop) > type->max)
		if (grow(type, base, stop))
			return (struct indices){1, 0};
	first = cut(type, base);
	return (struct indices){first, cut(type, stop)};
}

/* Drop the regions [first, end). */
static void drop(struct memblock_type *type, unsigned long first, unsigned long end)
{
	struct memblock_region *r = type->regions;

	for (unsigned long i = first; i < end; i++)
		type->total_size -= r[i].size;
	memmove(&r[first], &r[end], (type->cnt - end) * sizeof(*r));
	type->cnt -= end - first;
	if (!type->cnt)
		r[0] = (struct memblock_region){.nid = MAX_NUMNODES};
}

int memblock_remove_range(struct memblock_type *type, phys_addr_t base, phys_addr_t size)
{
	struct indices in = isolate(type, base, size);

	if (in.first > in.end)
		return -ENOMEM;
	if (in.first < in.end)
		drop(type, in.first, in.end);
	return 0;
}

static int __init change_flag(struct memblock_type *type, phys_addr_t base, phys_addr_t size,
			      enum memblock_flags flag, bool set)
{
	struct indices in = isolate(type, base, size);

	if (in.first > in.end)
		return -ENOMEM;
	for (unsigned long i = in.first; i < in.end; i++) {
		if (set)
			type->regions[i].flags |= flag;
		else
			type->regions[i].flags &= ~flag;
	}
	merge_around(type, in.first, in.end);
	return 0;
}

/* ---- Memory ---- */

int __init memblock_add(phys_addr_t base, phys_addr_t size)
{
	return memblock_add_range(&memblock.memory, base, size, MAX_NUMNODES, MEMBLOCK_NONE);
}

int __init memblock_add_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags)
{
	return memblock_add_range(&memblock.memory, base, size, nid, flags);
}

/* Entries of the array behind the regions: what was collected. */
static unsigned long collected;

int __init memblock_collect_node(phys_addr_t base, phys_addr_t size, int nid,
				 enum memblock_flags flags)
{
	struct memblock_type *memory = &memblock.memory;

	BUG_ON(memory->cnt);
	if (collected == memory->max && grow(memory, base, range_end(base, size)))
		return -ENOMEM;
	memory->regions[collected++] =
		(struct memblock_region){base, range_end(base, size) - base, flags, nid};
	return 0;
}

/* Shell's sort: short, and one pass a step where they are in order already. */
static void __init sort_by_base(struct memblock_region *r, unsigned long n)
{
	unsigned long step = 1;

	while (step < n / 3)
		step = 3 * step + 1;
	for (; step; step /= 3) {
		for (unsigned long i = step; i < n; i++) {
			struct memblock_region one = r[i];
			unsigned long to = i;

			for (; to >= step && r[to - step].base > one.base; to -= step)
				r[to] = r[to - step];
			r[to] = one;
		}
	}
}

/* In order each adds one region at most: they never overtake what is still to be added. */
void __init memblock_add_collected(void)
{
	struct memblock_type *memory = &memblock.memory;

	sort_by_base(memory->regions, collected);
	for (unsigned long i = 0; i < collected; i++) {
		struct memblock_region add = memory->regions[i];
		phys_addr_t before = memory->cnt ? memory->total_size : 0;

		memblock_add_range(memory, add.base, add.size, add.nid, add.flags);
		before += add.size - memory->total_size;
		if (before)
			pr_warn("memblock: memory [%#lx-%#lx] repeats %#lx bytes, counted once\n",
				add.base, region_end(&add) - 1, before);
	}
	collected = 0;
}

int __init memblock_remove(phys_addr_t base, phys_addr_t size)
{
	return memblock_remove_range(&memblock.memory, base, size);
}

int __init memblock_mark_nomap(phys_addr_t base, phys_addr_t size)
{
	return change_flag(&memblock.memory, base, size, MEMBLOCK_NOMAP, true);
}

int __init memblock_clear_nomap(phys_addr_t base, phys_addr_t size)
{
	return change_flag(&memblock.memory, base, size, MEMBLOCK_NOMAP, false);
}

int __init memblock_mark_hotplug(phys_addr_t base, phys_addr_t size)
{
	return change_flag(&memblock.memory, base, size, MEMBLOCK_HOTPLUG, true);
}

int __init memblock_clear_hotplug(phys_addr_t base, phys_addr_t size)
{
	return change_flag(&memblock.memory, base, size, MEMBLOCK_HOTPLUG, false);
}

int __init memblock_mark_mirror(phys_addr_t base, phys_addr_t size)
{
	if (!mirrored_kernelcore)
		return 0;
	some_mirror = true;
	return change_flag(&memblock.memory, base, size, MEMBLOCK_MIRROR, true);
}

bool memblock_has_mirror(void)
{
	return some_mirror;
}

int __init memblock_set_node(phys_addr_t base, phys_addr_t size, struct memblock_type *type,
			     int nid)
{
	struct indices in = isolate(type, base, size);

	if (in.first > in.end)
		return -ENOMEM;
	for (unsigned long i = in.first; i < in.end; i++)
		type->regions[i].nid = nid;
	merge_around(type, in.first, in.end);
	return 0;
}

void __init memblock_trim_memory(phys_addr_t align)
{
	struct memblock_type *memory = &memblock.memory;
	unsigned long i = 0;

	while (i < memory->cnt) {
		struct memblock_region *r = &memory->regions[i];
		phys_addr_t start = ALIGN(r->base, align), end = ALIGN_DOWN(region_end(r), align);

		if (start < r->base || start >= end) {
			drop(memory, i, i + 1);
			continue;
		}
		r->base = start;
		r->size = end - start;
		i++;
	}
}

/* Where memory must end to keep limit bytes of it; PHYS_ADDR_MAX if there is less than that. */
static phys_addr_t __init end_of_first(phys_addr_t limit)
{
	struct memblock_region *r;

	for_each_mem_region (r) {
		if (limit <= r->size)
			return r->base + limit;
		limit -= r->size;
	}
	return PHYS_ADDR_MAX;
}

void __init memblock_enforce_memory_limit(phys_addr_t limit)
{
	phys_addr_t end = end_of_first(limit);

	if (!limit || end == PHYS_ADDR_MAX)
		return;
	memblock_remove_range(&memblock.memory, end, PHYS_ADDR_MAX);
	memblock_remove_range(&memblock.reserved, end, PHYS_ADDR_MAX);
}

void __init memblock_cap_memory_range(phys_addr_t base, phys_addr_t size)
{
	struct memblock_type *memory = &memblock.memory;
	struct indices in;

	if (!size)
		return;
	if (!memory->total_size) {
		pr_warn("memblock: no memory known yet that could be limited to %#lx bytes at %#lx\n",
			size, base);
		return;
	}
	in = isolate(memory, base, size);
	if (in.first > in.end)
		return;
	for (unsigned long i = memory->cnt; i-- > 0;)
		if ((i < in.first || i >= in.end) && !memblock_is_nomap(&memory->regions[i]))
			drop(memory, i, i + 1);
	memblock_remove_range(&memblock.reserved, 0, base);
	memblock_remove_range(&memblock.reserved, range_end(base, size), PHYS_ADDR_MAX);
}

void __init memblock_mem_limit_remove_map(phys_addr_t limit)
{
	phys_addr_t end = end_of_first(limit);

	if (limit && end != PHYS_ADDR_MAX)
		memblock_cap_memory_range(0, end);
}

/* ---- Reservations ---- */

/* True once memory is the page allocator's; says so. */
static bool too_late(const char *what, phys_addr_t size, const char *instead)
{
	if (!closed)
		return false;
	pr_warn("memblock: %s of %#lx bytes refused, memory is with the page allocator: use %s\n",
		what, size, instead);
	return true;
}

int __init __memblock_reserve(phys_addr_t base, phys_addr_t size, int nid,
			      enum memblock_flags flags)
{
	if (too_late("reservation", size, "alloc_pages()"))
		return -EBUSY;
	return memblock_add_range(&memblock.reserved, base, size, nid, flags);
}

int __init memblock_reserve(phys_addr_t base, phys_addr_t size)
{
	return __memblock_reserve(base, size, NUMA_NO_NODE, MEMBLOCK_NONE);
}

int __init memblock_reserve_kern(phys_addr_t base, phys_addr_t size)
{
	return __memblock_reserve(base, size, NUMA_NO_NODE, MEMBLOCK_RSRV_KERN);
}

int __init memblock_reserved_mark_kern(phys_addr_t base, phys_addr_t size)
{
	return change_flag(&memblock.reserved, base, size, MEMBLOCK_RSRV_KERN, true);
}

int __init memblock_reserved_mark_noinit(phys_addr_t base, phys_addr_t size)
{
	return change_flag(&memblock.reserved, base, size, MEMBLOCK_RSRV_NOINIT, true);
}

int memblock_phys_free(phys_addr_t base, phys_addr_t size)
{
	if (too_late("free", size, "__free_pages()"))
		return -EBUSY;
	return memblock_remove_range(&memblock.reserved, base, size);
}

void memblock_free(void *ptr, size_t size)
{
	if (ptr)
		memblock_phys_free(__pa(ptr), size);
}

/* ---- Allocation ---- */

static phys_addr_t __init alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				      phys_addr_t end, int nid, bool exact_nid)
{
	phys_addr_t at;

	if (WARN(!align, "memblock: allocation of %#lx bytes with alignment 0", size))
		align = SMP_CACHE_BYTES;
	at = find_best(size, align, start, end, nid, exact_nid);
	if (!at)
		return 0;
	if (is_node(nid) && region_at(&memblock.memory, at)->nid != nid)
		nid = NUMA_NO_NODE;
	return __memblock_reserve(at, size, nid, MEMBLOCK_RSRV_KERN) ? 0 : at;
}

phys_addr_t memblock_alloc_range_nid(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				     phys_addr_t end, int nid, bool exact_nid)
{
	if (too_late("allocation", size, "alloc_pages() or kmalloc()"))
		return 0;
	return alloc_range(size, align, start, end, nid, exact_nid);
}

phys_addr_t __init memblock_phys_alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
					     phys_addr_t end)
{
	return memblock_alloc_range_nid(size, align, start, end, NUMA_NO_NODE, false);
}

phys_addr_t __init memblock_phys_alloc_try_nid(phys_addr_t size, phys_addr_t align, int nid)
{
	return memblock_alloc_range_nid(size, align, MEMBLOCK_LOW_LIMIT, MEMBLOCK_ALLOC_ACCESSIBLE,
					nid, false);
}

static void *__init alloc_mapped(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				 phys_addr_t max_addr, int nid, bool exact_nid)
{
	phys_addr_t at;

	max_addr = min(max_addr, memblock.current_limit);
	at = memblock_alloc_range_nid(size, align, min_addr, max_addr, nid, exact_nid);
	if (!at && min_addr && !closed)
		at = memblock_alloc_range_nid(size, align, 0, max_addr, nid, exact_nid);
	return at ? __va(at) : NULL;
}

void *__init memblock_alloc_try_nid(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				    phys_addr_t max_addr, int nid)
{
	void *p = alloc_mapped(size, align, min_addr, max_addr, nid, false);

	return p ? memset(p, 0, size) : NULL;
}

void *__init memblock_alloc_try_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
					phys_addr_t max_addr, int nid)
{
	return alloc_mapped(size, align, min_addr, max_addr, nid, false);
}

void *__init memblock_alloc_exact_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
					  phys_addr_t max_addr, int nid)
{
	return alloc_mapped(size, align, min_addr, max_addr, nid, true);
}

void *__init __memblock_alloc_or_panic(phys_addr_t size, phys_addr_t align, const char *func)
{
	void *p = memblock_alloc(size, align);

	if (!p)
		panic("%s: no memory left for %#lx bytes aligned to %#lx", func, size, align);
	return p;
}

/* ---- Settings and questions ---- */

void __init memblock_allow_resize(void)
{
	can_resize = true;
}

void __init memblock_set_current_limit(phys_addr_t limit)
{
	memblock.current_limit = limit;
}

phys_addr_t memblock_get_current_limit(void)
{
	return memblock.current_limit;
}

phys_addr_t memblock_start_of_DRAM(void)
{
	return memblock.memory.cnt ? memblock.memory.regions[0].base : 0;
}

phys_addr_t memblock_end_of_DRAM(void)
{
	unsigned long cnt = memblock.memory.cnt;

	return cnt ? region_end(&memblock.memory.regions[cnt - 1]) : 0;
}

phys_addr_t memblock_phys_mem_size(void)
{
	return memblock.memory.total_size;
}

phys_addr_t memblock_reserved_size(void)
{
	return memblock.reserved.total_size;
}

phys_addr_t memblock_reserved_kern_size(phys_addr_t limit, int nid)
{
	phys_addr_t total = 0;
	struct memblock_region *r;

	for_each_reserved_mem_region (r) {
		if (r->base >= limit)
			break;
		if (!(r->flags & MEMBLOCK_RSRV_KERN) || (is_node(nid) && r->nid != nid))
			continue;
		total += min(r->size, limit - r->base);
	}
	return total;
}

unsigned long memblock_estimated_nr_free_pages(void)
{
	phys_addr_t ours = memblock_reserved_kern_size(MEMBLOCK_ALLOC_ANYWHERE, NUMA_NO_NODE);

	return PFN_DOWN(memblock_phys_mem_size() - ours);
}

bool memblock_is_memory(phys_addr_t addr)
{
	return region_at(&memblock.memory, addr) != NULL;
}

bool memblock_is_map_memory(phys_addr_t addr)
{
	struct memblock_region *r = region_at(&memblock.memory, addr);

	return r && !memblock_is_nomap(r);
}

bool memblock_is_reserved(phys_addr_t addr)
{
	return region_at(&memblock.reserved, addr) != NULL;
}

bool memblock_is_region_memory(phys_addr_t base, phys_addr_t size)
{
	struct memblock_region *r = region_at(&memblock.memory, base);

	return r && region_end(r) >= range_end(base, size);
}

bool memblock_overlaps_region(struct memblock_type *type, phys_addr_t base, phys_addr_t size)
{
	unsigned long i = memblock_first_above(type, base);

	return i < type->cnt && type->regions[i].base < range_end(base, size);
}

bool memblock_is_region_reserved(phys_addr_t base, phys_addr_t size)
{
	return memblock_overlaps_region(&memblock.reserved, base, size);
}

int memblock_search_pfn_nid(unsigned long pfn, unsigned long *start_pfn, unsigned long *end_pfn)
{
	struct memblock_region *r = region_at(&memblock.memory, PFN_PHYS(pfn));

	if (!r)
		return NUMA_NO_NODE;
	*start_pfn = PFN_DOWN(r->base);
	*end_pfn = PFN_DOWN(region_end(r));
	return r->nid;
}

/* ---- The end ---- */

void __init memblock_free_all(void)
{
	phys_addr_t start, end;
	u64 i;
	int nid;

	/* From here on all of it is the same to the page allocator. */
	memblock_clear_hotplug(0, PHYS_ADDR_MAX);
	closed = true;
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, &nid) {
		start = PAGE_ALIGN(start);
		end = ALIGN_DOWN(end, PAGE_SIZE);
		if (start < end)
			free_memblock_range(start, end, is_node(nid) ? nid : 0);
	}
}

/* A call is a line: the log ends a message with each. */
static void show_type(const struct memblock_type *type,
		      void (*print)(const char *fmt, ...) __printf(1, 2))
{
	print(" %s.cnt  = 0x%lx\n", type->name, type->cnt);
	for (unsigned long i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];
		bool node = is_node(r->nid);

		/* A number 0 in no digits is nothing. */
		print(" %s[0x%lx]\t[%#018lx-%#018lx], %#018lx bytes%s%.*d flags: 0x%x\n",
		      type->name, i, r->base, region_end(r) - 1, r->size, node ? " on node " : "",
		      node, node ? r->nid : 0, r->flags);
	}
}

void memblock_show(void (*print)(const char *fmt, ...) __printf(1, 2))
{
	print("MEMBLOCK configuration:\n memory size = %#018lx reserved size = %#018lx\n",
	      memblock_phys_mem_size(), memblock_reserved_size());
	show_type(&memblock.memory, print);
	show_type(&memblock.reserved, print);
}

static void __init log_text(const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pr_info("%s", text);
}

void __init memblock_dump_all(void)
{
	if (debug)
		memblock_show(log_text);
}

static int __init memblock_param(const char *val, size_t len)
{
	if (!val || len != 5 || memcmp(val, "debug", 5))
		return -EINVAL;
	debug = true;
	return 0;
}
EARLY_PARAM("memblock", memblock_param, "=debug lists memory and reservations in the log");
