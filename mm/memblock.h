/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock: what the boot knows about physical memory, as two sorted lists of half-open ranges.
 * `memory` is what exists, `reserved` what is taken; free is what lies in the first and not in the
 * second.
 *
 * It is the allocator from setup_machine_fdt() on until memblock_free_all() hands all free ranges
 * to the page allocator. From then on it can be read, and nothing can be allocated or freed with
 * it.
 *
 * Addresses are physical and sizes are bytes unless a comment says otherwise. base + size is cut
 * off at the end of the address space, a size of 0 changes nothing. Boot CPU only, no locks.
 * Functions that return int return 0, or -ENOMEM when an array is full and cannot grow: then the
 * range was left out and the caller says which.
 */
#ifndef MM_MEMBLOCK_H
#define MM_MEMBLOCK_H

#include <asm/page.h>
#include <lib/compiler.h>
#include <lib/types.h>

/* Alignment of an allocation that asks for none: the largest cache line of the cores we know. */
#ifndef SMP_CACHE_BYTES
#define SMP_CACHE_BYTES 64
#endif

/* Entries of the arrays in the image, before they grow; the two may differ. */
#ifndef INIT_MEMBLOCK_REGIONS
#define INIT_MEMBLOCK_REGIONS 128
#endif

#ifndef INIT_MEMBLOCK_MEMORY_REGIONS
#define INIT_MEMBLOCK_MEMORY_REGIONS INIT_MEMBLOCK_REGIONS
#endif

#ifndef INIT_MEMBLOCK_RESERVED_REGIONS
#define INIT_MEMBLOCK_RESERVED_REGIONS INIT_MEMBLOCK_REGIONS
#endif

/* Nodes are 0..MAX_NUMNODES-1. MAX_NUMNODES itself is recorded where no node was given yet. */
#ifndef MAX_NUMNODES
#define MAX_NUMNODES 16
#endif
#ifndef NUMA_NO_NODE
#define NUMA_NO_NODE (-1)
#endif

/* What max_addr may be besides an address: current_limit, */
#define MEMBLOCK_ALLOC_ACCESSIBLE 0
/* the same under a name that promises not to track the memory, which nothing here does, */
#define MEMBLOCK_ALLOC_NOLEAKTRACE 1
/* or no limit at all. */
#define MEMBLOCK_ALLOC_ANYWHERE (~(phys_addr_t)0)
/* As min_addr: anywhere from the second page up; the first page is never given out. */
#define MEMBLOCK_LOW_LIMIT 0
/* What memblock_alloc_low() means by low. */
#ifndef ARCH_LOW_ADDRESS_LIMIT
#define ARCH_LOW_ADDRESS_LIMIT 0xffffffffUL
#endif

enum memblock_flags {
	MEMBLOCK_NONE = 0,
	MEMBLOCK_HOTPLUG = 0x01,        /* may be taken out of the running machine */
	MEMBLOCK_MIRROR = 0x02,         /* kept twice by the hardware */
	MEMBLOCK_NOMAP = 0x04,          /* not in the linear map, never given out */
	MEMBLOCK_DRIVER_MANAGED = 0x08, /* a driver announced it, the firmware did not */
	MEMBLOCK_RSRV_NOINIT = 0x10,    /* reserved: its page descriptors stay untouched */
	MEMBLOCK_RSRV_KERN = 0x20,      /* reserved: by an allocation of ours */
};

struct memblock_region {
	phys_addr_t base, size;
	enum memblock_flags flags;
	int nid;
};

/* total_size is kept by the functions below; regions[] holds cnt entries and has room for max. */
struct memblock_type {
	unsigned long cnt, max;
	phys_addr_t total_size;
	struct memblock_region *regions;
	char *name;
	/* Where regions[] is: of the image, or grown and to be given back when it is outgrown. */
	enum { ARRAY_IMAGE, ARRAY_MEMORY, ARRAY_SLAB } array;
};

struct memblock {
	bool bottom_up;            /* allocate from low addresses up instead of top down */
	phys_addr_t current_limit; /* end of what an allocation gets unless it says otherwise */
	struct memblock_type memory, reserved;
};

extern struct memblock memblock;

/* Policy, off by default: leave hot-pluggable memory alone; honour memblock_mark_mirror(). */
extern bool movable_node_enabled, mirrored_kernelcore;

/*
 * Set by the slab allocator when it is up: arrays grow from there. alloc takes bytes and returns
 * NULL when there is nothing left; free takes what alloc returned.
 */
extern void *(*memblock_late_alloc)(size_t size);
extern void (*memblock_late_free)(const void *array);

/* ---- Lists of ranges of any kind: beside memory and reserved, one more may exist (ledger.c) ----
 */

/* Add what type does not hold yet of the range; first come, first kept. -ENOMEM when its array is
 * full and cannot grow. These two work as long as arrays can grow, after the boot too. */
int memblock_add_range(struct memblock_type *type, phys_addr_t base, phys_addr_t size, int nid,
		       enum memblock_flags flags);
int memblock_remove_range(struct memblock_type *type, phys_addr_t base, phys_addr_t size);
/* Index of the first region that ends above addr; cnt if there is none. */
unsigned long memblock_first_above(const struct memblock_type *type, phys_addr_t addr);

/* ---- What exists ---- */

/* Add memory without a node yet. What is there already stays as it is; a disagreement is warned of.
 */
int memblock_add(phys_addr_t base, phys_addr_t size);

/* The same with a node and flags. */
int memblock_add_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags);

/*
 * The same for many ranges in any order, before there is any other memory: collect each, then add
 * all. Adding them one by one moves half of the array for each, this sorts them first. Bytes that
 * two ranges share are said. -ENOMEM: this range is not collected.
 */
int memblock_collect_node(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags);
void memblock_add_collected(void);

/* Forget memory. */
int memblock_remove(phys_addr_t base, phys_addr_t size);

/* Set or clear one flag of the memory in the range; ranges are cut at its ends where needed. */
int memblock_mark_nomap(phys_addr_t base, phys_addr_t size);
int memblock_clear_nomap(phys_addr_t base, phys_addr_t size);
int memblock_mark_hotplug(phys_addr_t base, phys_addr_t size);
int memblock_clear_hotplug(phys_addr_t base, phys_addr_t size);

/* Does nothing unless mirrored_kernelcore is set; afterwards allocations prefer mirrored memory. */
int memblock_mark_mirror(phys_addr_t base, phys_addr_t size);

/* True once memory was marked as mirrored. */
bool memblock_has_mirror(void);

/* Give every region of type in the range the node nid. */
int memblock_set_node(phys_addr_t base, phys_addr_t size, struct memblock_type *type, int nid);

/*
 * Round each range of memory inwards to align (a power of two), drop what becomes empty. total_size
 * goes on counting what rounding cut off, as it does in Linux.
 */
void memblock_trim_memory(phys_addr_t align);

/*
 * Keep the first limit bytes of memory, forget memory and reservations above. A limit of 0, or not
 * reached, changes nothing.
 */
void memblock_enforce_memory_limit(phys_addr_t limit);

/* Keep only memory in the range, and no-map memory anywhere; forget the reservations outside. */
void memblock_cap_memory_range(phys_addr_t base, phys_addr_t size);

/* memblock_cap_memory_range() to the first limit bytes of memory. */
void memblock_mem_limit_remove_map(phys_addr_t limit);

/* ---- What is taken ---- */

/* Reserve a range, of memory or not, on no particular node. */
int memblock_reserve(phys_addr_t base, phys_addr_t size);

/* Reserve a range for the kernel's own data (MEMBLOCK_RSRV_KERN). */
int memblock_reserve_kern(phys_addr_t base, phys_addr_t size);

/* Reserve a range with node and flags of the caller's choice. */
int __memblock_reserve(phys_addr_t base, phys_addr_t size, int nid, enum memblock_flags flags);

/* Set MEMBLOCK_RSRV_KERN, or MEMBLOCK_RSRV_NOINIT, on what is reserved in the range. */
int memblock_reserved_mark_kern(phys_addr_t base, phys_addr_t size);
int memblock_reserved_mark_noinit(phys_addr_t base, phys_addr_t size);

/* Give a reserved range back, by physical address. -EBUSY after memblock_free_all(). */
int memblock_phys_free(phys_addr_t base, phys_addr_t size);

/* The same by virtual address, as memblock_alloc() returned it; NULL is fine. */
void memblock_free(void *ptr, size_t size);

/* ---- Allocation: top down unless bottom_up. Returns 0 or NULL when there is no room. ---- */

/*
 * Reserve size bytes aligned to align (a power of two; 0 is warned of and means SMP_CACHE_BYTES) in
 * [start, end) and return the physical address. nid: the node to take it from, the others if it has
 * no room, unless exact_nid.
 */
phys_addr_t memblock_alloc_range_nid(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				     phys_addr_t end, int nid, bool exact_nid);
phys_addr_t memblock_phys_alloc_range(phys_addr_t size, phys_addr_t align, phys_addr_t start,
				      phys_addr_t end);
phys_addr_t memblock_phys_alloc_try_nid(phys_addr_t size, phys_addr_t align, int nid);

/*
 * The same, returning the address in the linear map. min_addr is a wish, dropped when there is
 * nothing above it; max_addr never exceeds current_limit. The memory is cleared, but for the _raw
 * ones.
 */
void *memblock_alloc_try_nid(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
			     phys_addr_t max_addr, int nid);
void *memblock_alloc_try_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				 phys_addr_t max_addr, int nid);
void *memblock_alloc_exact_nid_raw(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr,
				   phys_addr_t max_addr, int nid);

/* memblock_alloc() for what the boot cannot do without: panics in the name of the caller. */
#define memblock_alloc_or_panic(size, align) __memblock_alloc_or_panic(size, align, __func__)
void *__memblock_alloc_or_panic(phys_addr_t size, phys_addr_t align, const char *func);

static inline phys_addr_t memblock_phys_alloc(phys_addr_t size, phys_addr_t align)
{
	return memblock_phys_alloc_range(size, align, MEMBLOCK_LOW_LIMIT,
					 MEMBLOCK_ALLOC_ACCESSIBLE);
}

/* On nid if possible, anywhere else if not. */
static inline void *memblock_alloc_node(phys_addr_t size, phys_addr_t align, int nid)
{
	return memblock_alloc_try_nid(size, align, MEMBLOCK_LOW_LIMIT, MEMBLOCK_ALLOC_ACCESSIBLE,
				      nid);
}

static inline void *memblock_alloc(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_node(size, align, NUMA_NO_NODE);
}

/* Preferably above min_addr. */
static inline void *memblock_alloc_from(phys_addr_t size, phys_addr_t align, phys_addr_t min_addr)
{
	return memblock_alloc_try_nid(size, align, min_addr, MEMBLOCK_ALLOC_ACCESSIBLE,
				      NUMA_NO_NODE);
}

/* Below ARCH_LOW_ADDRESS_LIMIT. */
static inline void *memblock_alloc_low(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_try_nid(size, align, MEMBLOCK_LOW_LIMIT, ARCH_LOW_ADDRESS_LIMIT,
				      NUMA_NO_NODE);
}

static inline void *memblock_alloc_raw(phys_addr_t size, phys_addr_t align)
{
	return memblock_alloc_try_nid_raw(size, align, MEMBLOCK_LOW_LIMIT,
					  MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
}

/* ---- Settings ---- */

/* The linear map is live: from now on full arrays grow into memory, before that into the brk area.
 */
void memblock_allow_resize(void);

static inline bool memblock_bottom_up(void)
{
	return memblock.bottom_up;
}

static inline void memblock_set_bottom_up(bool enable)
{
	memblock.bottom_up = enable;
}

phys_addr_t memblock_get_current_limit(void);
void memblock_set_current_limit(phys_addr_t limit);

/* ---- Questions ---- */

/* Lowest address of memory, and the address behind the highest; 0 without memory. */
phys_addr_t memblock_start_of_DRAM(void);
phys_addr_t memblock_end_of_DRAM(void);

/* Bytes of memory; bytes reserved; those of them with MEMBLOCK_RSRV_KERN on node nid, below limit.
 */
phys_addr_t memblock_phys_mem_size(void);
phys_addr_t memblock_reserved_size(void);
phys_addr_t memblock_reserved_kern_size(phys_addr_t limit, int nid);

/* Pages of memory that our own allocations do not hold. */
unsigned long memblock_estimated_nr_free_pages(void);

/* Whether the byte at addr is memory; memory that is mapped (not no-map); reserved. */
bool memblock_is_memory(phys_addr_t addr);
bool memblock_is_map_memory(phys_addr_t addr);
bool memblock_is_reserved(phys_addr_t addr);

/* Whether one region of memory holds all of the range; whether any of it is reserved; or part of
 * type. */
bool memblock_is_region_memory(phys_addr_t base, phys_addr_t size);
bool memblock_is_region_reserved(phys_addr_t base, phys_addr_t size);
bool memblock_overlaps_region(struct memblock_type *type, phys_addr_t base, phys_addr_t size);

/* Node of page frame pfn and the frames of its region, or NUMA_NO_NODE. */
int memblock_search_pfn_nid(unsigned long pfn, unsigned long *start_pfn, unsigned long *end_pfn);

static inline int memblock_get_region_node(const struct memblock_region *r)
{
	return r->nid;
}

static inline void memblock_set_region_node(struct memblock_region *r, int nid)
{
	r->nid = nid;
}

static inline bool memblock_is_nomap(struct memblock_region *m)
{
	return (m->flags & MEMBLOCK_NOMAP) != 0;
}

static inline bool memblock_is_mirror(struct memblock_region *m)
{
	return (m->flags & MEMBLOCK_MIRROR) != 0;
}

static inline bool memblock_is_hotpluggable(struct memblock_region *m)
{
	return (m->flags & MEMBLOCK_HOTPLUG) != 0;
}

static inline bool memblock_is_driver_managed(struct memblock_region *m)
{
	return (m->flags & MEMBLOCK_DRIVER_MANAGED) != 0;
}

static inline bool memblock_is_reserved_noinit(struct memblock_region *m)
{
	return (m->flags & MEMBLOCK_RSRV_NOINIT) != 0;
}

/* Page frames that lie entirely in a region of memory: [base_pfn, end_pfn). */
static inline unsigned long memblock_region_memory_base_pfn(const struct memblock_region *r)
{
	return PFN_UP(r->base);
}

static inline unsigned long memblock_region_memory_end_pfn(const struct memblock_region *r)
{
	return PFN_DOWN(r->base + r->size);
}

/* Page frames of which a reserved region holds at least a byte. */
static inline unsigned long memblock_region_reserved_base_pfn(const struct memblock_region *r)
{
	return PFN_DOWN(r->base);
}

static inline unsigned long memblock_region_reserved_end_pfn(const struct memblock_region *r)
{
	return PFN_UP(r->base + r->size);
}

/* ---- Iteration. Cursors (i) are u64, outputs may be NULL. Arrays must not change meanwhile. ----
 */

/*
 * One step through the parts of `in` that are not in `out` (NULL: all of `in`), upwards or
 * downwards; false at the end. Where two regions of `out` touch, an empty range (start == end) is
 * seen. Regions of memory are passed over when they are not on nid (unless that is NUMA_NO_NODE),
 * when they are no-map or driver-managed and flags do not name that, when hot-pluggable with
 * movable_node_enabled and not named, and when flags name MIRROR and they are not.
 */
bool memblock_step(u64 *cursor, bool up, const struct memblock_type *in,
		   const struct memblock_type *out, int nid, enum memblock_flags flags,
		   phys_addr_t *p_start, phys_addr_t *p_end, int *p_nid);

/* A cursor at the upper end of the two types. */
static inline u64 memblock_cursor_top(const struct memblock_type *in,
				      const struct memblock_type *out)
{
	return (u64)(out ? out->cnt : 0) << 32 | (u32)(in->cnt - 1);
}

#define memblock_for_each_up(i, in, out, nid, flags, p_start, p_end, p_nid)                        \
	for ((i) = 0; memblock_step(&(i), true, in, out, nid, flags, p_start, p_end, p_nid);)
#define memblock_for_each_down(i, in, out, nid, flags, p_start, p_end, p_nid)                      \
	for ((i) = memblock_cursor_top(in, out);                                                   \
	     memblock_step(&(i), false, in, out, nid, flags, p_start, p_end, p_nid);)

/* Free ranges: memory that is not reserved. */
#define for_each_free_mem_range(i, nid, flags, p_start, p_end, p_nid)                              \
	memblock_for_each_up(i, &memblock.memory, &memblock.reserved, nid, flags, p_start, p_end,  \
			     p_nid)
#define for_each_free_mem_range_reverse(i, nid, flags, p_start, p_end, p_nid)                      \
	memblock_for_each_down(i, &memblock.memory, &memblock.reserved, nid, flags, p_start,       \
			       p_end, p_nid)

/* All memory but no-map. */
#define for_each_mem_range(i, p_start, p_end)                                                      \
	memblock_for_each_up(i, &memblock.memory, NULL, NUMA_NO_NODE,                              \
			     MEMBLOCK_HOTPLUG | MEMBLOCK_DRIVER_MANAGED, p_start, p_end, NULL)
#define for_each_mem_range_rev(i, p_start, p_end)                                                  \
	memblock_for_each_down(i, &memblock.memory, NULL, NUMA_NO_NODE,                            \
			       MEMBLOCK_HOTPLUG | MEMBLOCK_DRIVER_MANAGED, p_start, p_end, NULL)

#define for_each_reserved_mem_range(i, p_start, p_end)                                             \
	memblock_for_each_up(i, &memblock.reserved, NULL, NUMA_NO_NODE, MEMBLOCK_NONE, p_start,    \
			     p_end, NULL)

/* Region by region, region being a struct memblock_region *. */
#define memblock_for_each_region(region, type)                                                     \
	for ((region) = (type)->regions; (region) < (type)->regions + (type)->cnt; (region)++)
#define for_each_mem_region(region)          memblock_for_each_region(region, &memblock.memory)
#define for_each_reserved_mem_region(region) memblock_for_each_region(region, &memblock.reserved)

/* Whole page frames of memory on nid (NUMA_NO_NODE: all nodes); i is an int, -1 behind the last. */
#define for_each_mem_pfn_range(i, nid, p_start, p_end, p_nid)                                      \
	for ((i) = -1; memblock_step_pfn(&(i), nid, p_start, p_end, p_nid);)
bool memblock_step_pfn(int *cursor, int nid, unsigned long *p_start, unsigned long *p_end,
		       int *p_nid);

/* ---- The end ---- */

/* Hand every free range, rounded inwards to pages, to free_memblock_range(); memblock can only be
 * read afterwards. */
void memblock_free_all(void);

/*
 * Provided by the page allocator: [start, end) is free, page aligned, not empty, and all on one
 * node (0 where the tree names none). Called upwards; it may read memblock.
 */
void free_memblock_range(phys_addr_t start, phys_addr_t end, int nid);

/* Print sizes and every region of both types; print is cprintf() or the like. */
void memblock_show(void (*print)(const char *fmt, ...) __printf(1, 2));

/* The same to the log if "memblock=debug" is on the command line. */
void memblock_dump_all(void);

#endif
