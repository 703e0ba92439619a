/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slab caches. A slab is a block of 2 or more pages cut into objects; its free ones form a list
 * whose links are the marks (memmap.h has the words of the pages). In front of the slabs each CPU
 * has a magazine of free objects for each cache, so that the fast paths mask interrupts, move one
 * pointer and one mark, and take no lock.
 *
 *   where a free object is   its mark
 *   in a magazine            key ^ address
 *   on its slab's list       key ^ address ^ (1 + index of the next one), twice, in 32 bits
 *
 * A slab with a free object is on cache->partial, empty ones too until they are reclaimed; one
 * without is on no list.
 *
 * A cache without magazines (magazine_max 0) sees every call in its slow path: that is where
 * checks, poisoning and fault injection belong. Locks: caches, cache, then zone. A magazine belongs
 * to its CPU with interrupts masked; with the cache locked others may look into it, so that is how
 * it is replaced.
 *
 * A cache with checks has the mark behind the object, and what slab_debug= asks for around it; with
 * Z, everything that is nothing else is 0xcc, the mark of an object in use too:
 *
 *   slab: red zone, object, mark, users, red zone; object, mark, users, red zone; ...
 *
 * The last 8 bytes of a red zone are the left one of the object behind it.
 */
#include <asm/irqflags.h>
#include <asm/percpu.h>
#include <asm/spinlock.h>
#include <lib/bug.h>
#include <lib/cmdline.h>
#include <lib/errno.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/debug.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/slab.h>
#include <mm/zone.h>

/* Objects are slot[1] to *top, room is up to limit; slot[0] is what no_object() says. */
struct magazine {
	void **top, **limit;
	void *slot[];
};

struct kmem_cache {
	/* What the fast paths read. */
	u64 key;
	size_t mark_at;            /* bytes from an object to its mark */
	u64 slab_mask;             /* address bits that are the offset in a slab */
	u64 inverse, bound;        /* see is_object() */
	u64 id;                    /* in every page of its slabs */
	const struct page *pages;  /* vmemmap: a load of two is shorter than the constant */
	unsigned long first, last; /* addresses: open_span when the newest slab was made */
	/* The rest. */
	u32 size, object_size; /* bytes: from object to object; for the user */
	u32 per_slab;
	u16 order;
	u16 magazine_max; /* objects a CPU keeps at most; 0: no magazines */
	u32 first_at;     /* bytes from a slab's start to its first object */
	u32 debug;        /* SLAB_DEBUG_FLAGS */
	const char *name;
	void (*ctor)(void *obj);
	gfp_t gfp;       /* where all of its slabs must be */
	spinlock_t lock; /* all below, and the words of the slabs' pages */
	struct page *partial;
	unsigned long nr_slabs, nr_partial, nr_empty;
	unsigned long out; /* objects not on a slab's list: in use, or in magazines */
	/* In place of a magazine: empty and full at once, so that every call takes the slow path.
	 */
	struct {
		void **top, **limit;
		void *slot[1];
	} no_magazine;
	struct magazine *cpu[];
};

struct kmem_cache *kmalloc_caches[NR_KMALLOC_CLASSES];

#define MARK_LINK_BITS                                                                             \
	16 /* 1 + index needs one bit more than an index; twice, to be told when wrong */
#define MAX_PER_SLAB   ((1u << PAGE_COUNT_BITS) - 1)
#define MIN_SLAB_ORDER 1 /* the second page holds the link */
/* Larger ones only for objects that need them. */
#define BIG_SLAB_ORDER (PAGE_SHIFT > 12 ? MIN_SLAB_ORDER : 3)
#define EMPTY_SLABS    2 /* kept for the next burst, and an eighth of the partial ones */

/* --- cache numbers ------------------------------------------------------------------------- */

#define FIRST_CACHE_ID 16
#define CACHE_IDS      (1u << PAGE_CACHE_BITS)

/* By number. Grows by copying; old tables stay, because readers take no lock. */
static struct kmem_cache *first_table[64];
static struct kmem_cache **caches = first_table;
static unsigned int table_size = ARRAY_SIZE(first_table);
static spinlock_t caches_lock = SPIN_LOCK_UNLOCKED;
static u64 slab_seed;

/* Caches of struct kmem_cache and of the two smaller kinds of magazine: they have no magazines
 * themselves. */
static struct kmem_cache *cache_cache;
static struct kmem_cache *magazine_caches[2];
static const u16 magazine_bytes[] = {256, 2048, 8192};
#define MAGAZINE_LEVELS ARRAY_SIZE(magazine_bytes)

#define NO_MAGAZINE(cache) ((struct magazine *)&(cache)->no_magazine)

/* --- objects and slabs: cache locked ------------------------------------------------------- */

static inline u64 *mark_of(const struct kmem_cache *cache, const void *obj)
{
	return (u64 *)((char *)obj + cache->mark_at);
}

static inline u64 free_mark(const struct kmem_cache *cache, const void *obj)
{
	return cache->key ^ (unsigned long)obj;
}

/* Something whose mark is never one of a free object: the test of the mark finds the magazine's end
 * too. */
static void *no_object(const struct kmem_cache *cache)
{
	static const u64 no_mark;

	return (char *)&no_mark - cache->mark_at;
}

/*
 * Does an object start here, in the cache's slab? With inverse = 2^64 / size, rounded up, the
 * product for object i is i times what rounding up makes of 2^64; for any other offset it is larger
 * than for the last object.
 */
static __force_inline bool is_object(const struct kmem_cache *cache, const void *obj)
{
	return ((unsigned long)obj & cache->slab_mask) * cache->inverse < cache->bound;
}

/* Mark an object of its slab's list. index: of the one behind it; per_slab at the end. */
static void set_link(const struct kmem_cache *cache, void *obj, unsigned int index)
{
	u64 link = index + 1;

	*mark_of(cache, obj) = free_mark(cache, obj) ^ (link << MARK_LINK_BITS | link);
}

static inline unsigned int slab_used(u64 word)
{
	return (unsigned int)word_field(word, PAGE_USED_POS, PAGE_COUNT_BITS);
}

static inline unsigned int slab_index(u64 word)
{
	return (unsigned int)word_field(word, PAGE_INDEX_POS, PAGE_COUNT_BITS);
}

static void set_slab(struct page *slab, unsigned int used, unsigned int index)
{
	u64 word = word_with(page_word(slab), PAGE_USED_POS, PAGE_COUNT_BITS, used);

	page_set_word(slab, word_with(word, PAGE_INDEX_POS, PAGE_COUNT_BITS, index));
}

/* The slab behind this one on the list of partial ones. The link is split over the second page's
 * word. */
static struct page *slab_next(const struct page *slab)
{
	u64 word = page_word(slab + 1);
	u64 link = word_field(word, 4, 16) << PAGE_LINK_LOW | word >> PAGE_USED_POS;

	return link ? vmemmap + (link - 1) * 2 : NULL;
}

static void slab_set_next(struct page *slab, const struct page *next)
{
	u64 link = next ? page_index(next) / 2 + 1 : 0;
	u64 cache = word_cache(page_word(slab));

	page_set_word(slab + 1, link << PAGE_USED_POS | cache << PAGE_CACHE_POS |
					link >> PAGE_LINK_LOW << 4 | PAGE_SLAB_LINK);
}

static struct page *slab_head(struct page *page)
{
	u64 word = page_word(page);

	switch (word_type(word)) {
	case PAGE_SLAB_LINK:
		return page - 1;
	case PAGE_SLAB_TAIL:
		return page - word_field(word, PAGE_BACK_POS, PAGE_COUNT_BITS);
	default:
		return page;
	}
}

static void *object_at(const struct kmem_cache *cache, const struct page *slab, unsigned int index)
{
	return (char *)page_address(slab) + cache->first_at + (size_t)index * cache->size;
}

/* Index of the object that starts at obj; per_slab if none does. */
static unsigned int object_index(const struct kmem_cache *cache, const struct page *slab,
				 const void *obj)
{
	size_t offset = (size_t)((char *)obj - (char *)page_address(slab)) - cache->first_at;
	size_t index = min(offset / cache->size, (size_t)cache->per_slab);

	return offset % cache->size ? cache->per_slab : (unsigned int)index;
}

/* --- reports, and checks of objects ---------------------------------------------------------- */

#define RED_ZONE    0xcc
#define POISON_FREE 0x6b
#define POISON_NEW  0x5a
#define RED_BYTES   8
#define NO_OFFSET   ((long)(~UL(0) >> 1))

/* Who allocated an object and who freed it last, behind its mark; with SLAB_STORE_USER. */
static const void **users_of(const struct kmem_cache *cache, const void *obj)
{
	return (const void **)(mark_of(cache, obj) + 1);
}

/* at: where in the object value was found, if it is not NO_OFFSET. */
static void report(const struct kmem_cache *cache, const void *obj, const char *what, u64 value,
		   long at)
{
	if (at == NO_OFFSET)
		WARN(true, "cache %s: object 0x%lx: %s", cache->name, (unsigned long)obj, what);
	else
		WARN(true, "cache %s: object 0x%lx: %s: 0x%lx at offset %ld", cache->name,
		     (unsigned long)obj, what, value, at);
	if (cache->debug & SLAB_STORE_USER)
		pr_warn(" allocated by %pS, last freed by %pS\n", users_of(cache, obj)[0],
			users_of(cache, obj)[1]);
}

static void report_overwritten(const struct kmem_cache *cache, const void *obj)
{
	report(cache, obj, "overwritten while free, not used again", *mark_of(cache, obj),
	       (long)cache->mark_at);
}

/* Bytes [from, to) around an object are all value; if not, say so and put it right. */
static bool check_bytes(const struct kmem_cache *cache, void *obj, long from, long to, u8 value,
			const char *what)
{
	u8 *p = obj;

	for (long i = from; i < to; i++) {
		if (likely(p[i] == value))
			continue;
		report(cache, obj, what, p[i], i);
		memset(p + from, value, (size_t)(to - from));
		return false;
	}
	return true;
}

static void check_red_zones(const struct kmem_cache *cache, void *obj, bool in_use)
{
	long mark = (long)cache->mark_at, behind = mark + 8;
	static const char right[] = "overflow to the right";

	if (!(cache->debug & SLAB_RED_ZONE))
		return;
	if (cache->debug & SLAB_STORE_USER)
		behind += 16;
	check_bytes(cache, obj, -RED_BYTES, 0, RED_ZONE, "overflow to the left");
	check_bytes(cache, obj, cache->object_size, in_use ? mark + 8 : mark, RED_ZONE, right);
	check_bytes(cache, obj, behind, (long)cache->size - RED_BYTES, RED_ZONE, right);
}

/* An object that comes off its slab's list: can it be used? */
static bool check_free_object(const struct kmem_cache *cache, void *obj)
{
	check_red_zones(cache, obj, false);
	return !(cache->debug & SLAB_POISON) ||
	       check_bytes(cache, obj, 0, cache->object_size, POISON_FREE, "used after free");
}

/* What is free becomes what is in use. */
static void hand_out(const struct kmem_cache *cache, void *obj, const void *caller)
{
	*mark_of(cache, obj) = 0;
	if (likely(!(cache->debug | init_on_alloc)))
		return;
	if (cache->debug & SLAB_RED_ZONE)
		memset(mark_of(cache, obj), RED_ZONE, 8);
	if (cache->debug & SLAB_POISON)
		memset(obj, POISON_NEW, cache->object_size);
	if (init_on_alloc)
		kmem_cache_clear(cache, obj);
	if (cache->debug & SLAB_STORE_USER)
		users_of(cache, obj)[0] = caller;
}

/* And back: all but the mark. */
static void take_back(const struct kmem_cache *cache, void *obj, const void *caller)
{
	check_red_zones(cache, obj, true);
	if (cache->debug & SLAB_POISON)
		memset(obj, POISON_FREE, cache->object_size);
	else if (init_on_free)
		kmem_cache_clear(cache, obj);
	if (cache->debug & SLAB_STORE_USER)
		users_of(cache, obj)[1] = caller;
}

/* 1 + index of the object behind obj on its slab's list; 0 if the mark is none of a listed object.
 */
static unsigned int mark_link(const struct kmem_cache *cache, const void *obj)
{
	u64 twice = *mark_of(cache, obj) ^ free_mark(cache, obj), link = twice >> MARK_LINK_BITS;

	return link <= cache->per_slab + 1 && twice == (link << MARK_LINK_BITS | link)
		       ? (unsigned int)link
		       : 0;
}

/*
 * Follow the slab's list. Where it is broken it is cut: what was behind counts as in use from here
 * on. If nothing is before that, pop_object() will see to it.
 */
static void check_list(struct kmem_cache *cache, struct page *slab)
{
	u64 word = page_word(slab);
	unsigned int first = slab_index(word), used = slab_used(word),
		     left = cache->per_slab - used;
	unsigned int at = first, good = 0;

	for (; good < left; good++) {
		unsigned int link = mark_link(cache, object_at(cache, slab, at));

		if (!link || (link > cache->per_slab && good + 1 < left))
			break;
		at = link - 1;
	}
	if (!good || good == left)
		return;
	report_overwritten(cache, object_at(cache, slab, at));
	cache->out += left - good;
	cache->nr_empty -= !used;
	set_slab(slab, cache->per_slab - good, first);
}

/* --- slabs ----------------------------------------------------------------------------------- */

static void push_partial(struct kmem_cache *cache, struct page *slab)
{
	slab_set_next(slab, cache->partial);
	cache->partial = slab;
	cache->nr_partial++;
}

static void pop_partial(struct kmem_cache *cache)
{
	cache->partial = slab_next(cache->partial);
	cache->nr_partial--;
}

/* nid: for __GFP_THISNODE. */
static struct page *new_slab(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	/* Not with the cache locked: __GFP_NORETRY. */
	gfp_t where = (gfp & ~__GFP_ZERO) | cache->gfp | __GFP_NORETRY;
	struct page *slab = nid < 0 ? alloc_pages(where, cache->order)
				    : alloc_pages_node(nid, where, cache->order);
	u64 id = (u64)cache->id << PAGE_CACHE_POS;

	if (!slab)
		return NULL;
	page_set_word(slab, (page_word(slab) & ~PAGE_TYPE_MASK) | PAGE_SLAB | id);
	for (u64 back = 2; back < UL(1) << cache->order; back++)
		page_set_word(slab + back, back << PAGE_BACK_POS | id | PAGE_SLAB_TAIL);
	if (cache->debug)
		memset(page_address(slab), RED_ZONE, PAGE_SIZE << cache->order);
	for (unsigned int i = 0; i < cache->per_slab; i++) {
		void *obj = object_at(cache, slab, i);

		if (cache->debug & SLAB_STORE_USER)
			memset(users_of(cache, obj), 0, 2 * sizeof(void *));
		if (cache->debug & SLAB_POISON)
			memset(obj, POISON_FREE, cache->object_size);
		if (cache->ctor)
			cache->ctor(obj);
		set_link(cache, obj, i + 1);
	}
	/* Without magazines no address is for the fast path. */
	if (cache->magazine_max) {
		WRITE_ONCE(cache->first, READ_ONCE(open_span.virt_start));
		WRITE_ONCE(cache->last, READ_ONCE(open_span.virt_end));
	}
	cache->nr_slabs++;
	cache->nr_empty++;
	push_partial(cache, slab);
	return slab;
}

static void free_slab(struct kmem_cache *cache, struct page *slab)
{
	u64 word = page_word(slab);

	for (unsigned long i = 1; i < UL(1) << cache->order; i++)
		page_set_word(slab + i, 0);
	page_set_word(slab, word_make(PAGE_ALLOC, word_zone(word), cache->order));
	__free_pages(slab, cache->order);
	cache->nr_slabs--;
}

/* Free the empty slabs but for keep of them. */
static void reclaim_empty(struct kmem_cache *cache, unsigned long keep)
{
	struct page *prev = NULL, *next;

	for (struct page *slab = cache->partial; slab && cache->nr_empty > keep; slab = next) {
		next = slab_next(slab);
		if (slab_used(page_word(slab))) {
			prev = slab;
			continue;
		}
		if (prev)
			slab_set_next(prev, next);
		else
			cache->partial = next;
		cache->nr_partial--;
		cache->nr_empty--;
		free_slab(cache, slab);
	}
}

/*
 * Take an object off the slab that heads the list. NULL when its mark was overwritten: where the
 * list goes on is lost then, so the slab counts as fully used from here on.
 */
static void *pop_object(struct kmem_cache *cache)
{
	struct page *slab = cache->partial;
	u64 word = page_word(slab);
	unsigned int used = slab_used(word);
	void *obj = object_at(cache, slab, slab_index(word));
	unsigned int link = mark_link(cache, obj);
	/* Behind the last object link - 1 is no index, and is not looked at: none is free then. */
	bool intact = link && (link <= cache->per_slab || used + 1 == cache->per_slab);
	unsigned int now = intact ? used + 1 : cache->per_slab;

	cache->nr_empty -= !used;
	cache->out += now - used;
	set_slab(slab, now, now < cache->per_slab ? link - 1 : 0);
	if (now == cache->per_slab)
		pop_partial(cache);
	if (likely(intact))
		return obj;
	report_overwritten(cache, obj);
	return NULL;
}

/* The same with the checks of slab_debug=. */
static void *pop_checked(struct kmem_cache *cache)
{
	void *obj;

	if (cache->debug & SLAB_CONSISTENCY_CHECKS)
		check_list(cache, cache->partial);
	obj = pop_object(cache);
	return obj && cache->debug && !check_free_object(cache, obj) ? NULL : obj;
}

/* Any free object of the slabs, unmarked; a new slab if need be. */
static void *take_object(struct kmem_cache *cache, gfp_t gfp)
{
	void *obj = NULL;

	while (!obj) {
		if (!cache->partial && !new_slab(cache, gfp, -1))
			return NULL;
		obj = pop_checked(cache);
	}
	return obj;
}

/* Put a free object back into its slab. It was checked. */
static void put_object(struct kmem_cache *cache, void *obj)
{
	struct page *slab = slab_head(virt_to_page(obj));
	u64 word = page_word(slab);
	unsigned int used = slab_used(word), index = object_index(cache, slab, obj);

	if (unlikely(index == cache->per_slab)) {
		report(cache, obj, "freed by an address inside it, ignored", 0, NO_OFFSET);
		return;
	}
	set_link(cache, obj, slab_index(word));
	set_slab(slab, used - 1, index);
	cache->out--;
	if (used == cache->per_slab)
		push_partial(cache, slab);
	if (used == 1 && ++cache->nr_empty > EMPTY_SLABS + cache->nr_partial / 8)
		reclaim_empty(cache, EMPTY_SLABS / 2);
}

/* --- magazines: interrupts masked ---------------------------------------------------------- */

static unsigned int magazine_count(const struct magazine *mag)
{
	return (unsigned int)(READ_ONCE(mag->top) - mag->slot);
}

static unsigned int magazine_capacity(unsigned int level)
{
	return (magazine_bytes[level] - (unsigned int)sizeof(struct magazine)) / sizeof(void *) - 1;
}

static unsigned int magazine_level(const struct magazine *mag)
{
	unsigned int slots = (unsigned int)(mag->limit - mag->slot), level = 0;

	while (level + 1 < MAGAZINE_LEVELS && magazine_capacity(level) < slots)
		level++;
	return level;
}

static void *cache_take(struct kmem_cache *cache, gfp_t gfp)
{
	void *obj;

	spin_lock(&cache->lock);
	obj = take_object(cache, gfp);
	spin_unlock(&cache->lock);
	return obj;
}

static void cache_put(struct kmem_cache *cache, void *obj)
{
	spin_lock(&cache->lock);
	put_object(cache, obj);
	spin_unlock(&cache->lock);
}

static struct magazine *magazine_alloc(const struct kmem_cache *cache, unsigned int level)
{
	unsigned int capacity = min(magazine_capacity(level), (unsigned int)cache->magazine_max);
	struct magazine *mag;

	mag = level < ARRAY_SIZE(magazine_caches)
		      ? cache_take(magazine_caches[level], GFP_NOWAIT)
		      : alloc_meta(magazine_bytes[level], GFP_NOWAIT | __GFP_NORETRY);
	if (!mag)
		return NULL;
	mag->slot[0] = no_object(cache);
	mag->top = mag->slot;
	mag->limit = mag->top + capacity;
	return mag;
}

static void magazine_free(struct magazine *mag)
{
	unsigned int level = magazine_level(mag);

	if (level < ARRAY_SIZE(magazine_caches))
		cache_put(magazine_caches[level], mag);
	else
		free_meta(mag);
}

/* The old one is the caller's to free: nobody looks into it any more. */
static void set_magazine(struct kmem_cache *cache, unsigned int cpu, struct magazine *mag)
{
	spin_lock(&cache->lock);
	WRITE_ONCE(cache->cpu[cpu], mag);
	spin_unlock(&cache->lock);
}

/*
 * This CPU's magazine ran empty or full: give it one, or a larger one with the same contents. Small
 * first, so that a cache that is hardly used costs little.
 */
static struct magazine *larger_magazine(struct kmem_cache *cache)
{
	unsigned int cpu = smp_processor_id(), level = 0, count;
	struct magazine *old = cache->cpu[cpu], *mag;

	if (!cache->magazine_max)
		return NULL;
	if (old == NO_MAGAZINE(cache)) {
		old = NULL;
	} else {
		level = magazine_level(old);
		if (level + 1 == MAGAZINE_LEVELS || magazine_capacity(level) >= cache->magazine_max)
			return old;
		level++;
	}
	mag = magazine_alloc(cache, level);
	if (!mag)
		return old;
	if (old) {
		count = magazine_count(old);
		memcpy(mag->slot + 1, old->slot + 1, count * sizeof(void *));
		mag->top += count;
	}
	set_magazine(cache, cpu, mag);
	if (old)
		magazine_free(old);
	return mag;
}

/* Fill half of the magazine from the slabs there are. */
static void refill(struct kmem_cache *cache, struct magazine *mag)
{
	void **half = mag->slot + (mag->limit - mag->slot + 1) / 2;
	void **top = mag->top;

	while (top < half && cache->partial) {
		void *obj = pop_object(cache);

		if (obj) {
			*mark_of(cache, obj) = free_mark(cache, obj);
			*++top = obj;
		}
	}
	WRITE_ONCE(mag->top, top);
}

/* Give the n objects that have lain longest in the magazine back to their slabs. */
static void flush(struct kmem_cache *cache, struct magazine *mag, unsigned int n)
{
	void **first = mag->slot + 1;

	spin_lock(&cache->lock);
	for (unsigned int i = 0; i < n; i++) {
		if (*mark_of(cache, first[i]) == free_mark(cache, first[i]))
			put_object(cache, first[i]);
		else
			report_overwritten(cache, first[i]);
	}
	memmove(first, first + n, (magazine_count(mag) - n) * sizeof(*first));
	WRITE_ONCE(mag->top, mag->top - n);
	spin_unlock(&cache->lock);
}

/* --- allocation ---------------------------------------------------------------------------- */

void kmem_cache_clear(const struct kmem_cache *cache, void *obj)
{
	if (!cache->ctor)
		memset(obj, 0, cache->object_size);
}

/* An intact object of the magazine; NULL when it is empty. */
static void *pop_magazine(struct kmem_cache *cache, struct magazine *mag)
{
	while (mag->top != mag->slot) {
		void *obj = *mag->top;

		WRITE_ONCE(mag->top, mag->top - 1);
		if (*mark_of(cache, obj) == free_mark(cache, obj))
			return obj;
		report_overwritten(cache, obj);
	}
	return NULL;
}

/* The slabs of the cache had nothing to offer, and no page was left: once more, and for all
 * consequences, when all caches have been shrunk. */
static void *take_reclaimed(struct kmem_cache *cache, gfp_t gfp)
{
	if (!(gfp & __GFP_NORETRY))
		kmem_cache_shrink_all();
	return cache_take(cache, gfp);
}

/* Entered with interrupts masked; flags is what to restore. It is the last thing kmem_cache_take()
 * does, so what it returns to is the caller's. */
static __noinline void *alloc_slow(struct kmem_cache *cache, gfp_t gfp, unsigned long flags)
{
	void *obj = pop_magazine(cache, cache->cpu[smp_processor_id()]);

	if (!obj && !fail_call(gfp, &failslab, cache->name, cache->object_size)) {
		struct magazine *mag = larger_magazine(cache);

		spin_lock(&cache->lock);
		obj = take_object(cache, (gfp | __GFP_NOWARN) & ~__GFP_NOFAIL);
		if (obj && mag)
			refill(cache, mag);
		spin_unlock(&cache->lock);
		if (!obj)
			obj = take_reclaimed(cache, gfp);
	}
	if (obj)
		hand_out(cache, obj, __builtin_return_address(0));
	local_irq_restore(flags);
	return obj;
}

void *kmem_cache_take(struct kmem_cache *cache, gfp_t gfp)
{
	unsigned long flags = local_irq_save();
	struct magazine *mag = cache->cpu[smp_processor_id()];
	void **top = mag->top, *obj = *top--;

	if (likely(*mark_of(cache, obj) == free_mark(cache, obj))) {
		*mark_of(cache, obj) = 0;
		WRITE_ONCE(mag->top, top);
		local_irq_restore(flags);
		return obj;
	}
	return alloc_slow(cache, gfp, flags);
}

/*
 * kmalloc's caches of memory that all devices reach, by gfp_zone() and class: made when first asked
 * for, and only where there is other memory.
 */
static struct kmem_cache *placed_caches[ZONE_NORMAL][NR_KMALLOC_CLASSES];

static struct kmem_cache *placed_create(const struct kmem_cache *cache, gfp_t gfp)
{
	size_t size = cache->object_size, align = is_power_of_2(size) ? size : 0;
	char *name = kmalloc(24, GFP_NOWAIT);
	struct kmem_cache *placed;

	if (!name)
		return NULL;
	scnprintf(name, 24, "dma%s-%s", gfp & __GFP_DMA ? "" : "32", cache->name);
	placed = kmem_cache_create(name, size, align, (gfp & GFP_PLACE) << 3, NULL);
	if (!placed)
		kfree(name);
	return placed;
}

/* The cache for a request with these flags: cache itself, unless it is one of kmalloc's and has
 * other memory too. */
static struct kmem_cache *placed_cache(struct kmem_cache *cache, gfp_t gfp)
{
	unsigned int class = kmalloc_class(cache->object_size);
	struct kmem_cache **slot, *old = NULL, *placed;
	const char *name;

	gfp &= __GFP_DMA | __GFP_DMA32;
	if (class >= NR_KMALLOC_CLASSES || cache != kmalloc_caches[class] ||
	    all_zones_serve(-1, gfp))
		return cache;
	slot = &placed_caches[gfp_zone(gfp)][class];
	placed = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	if (placed)
		return placed;
	placed = placed_create(cache, gfp);
	if (!placed)
		return cache;
	if (__atomic_compare_exchange_n(slot, &old, placed, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return placed;
	name = placed->name; /* another CPU was faster */
	kmem_cache_destroy(placed);
	kfree(name);
	return old;
}

/* Let a slab with a free object head the list, of memory that serves the request. False if there is
 * none. */
static bool find_slab(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	struct page *prev = NULL;

	for (struct page *slab = cache->partial; slab; prev = slab, slab = slab_next(slab)) {
		if (!zone_serves(&zones[word_zone(page_word(slab))], nid, gfp))
			continue;
		if (prev) {
			slab_set_next(prev, slab_next(slab));
			slab_set_next(slab, cache->partial);
			cache->partial = slab;
		}
		return true;
	}
	return false;
}

static void *take_placed(struct kmem_cache *cache, gfp_t gfp, int nid, const void *caller)
{
	unsigned long flags = spin_lock_irqsave(&cache->lock);
	void *obj = NULL;

	while (!obj && (find_slab(cache, gfp, nid) || new_slab(cache, gfp, nid)))
		obj = pop_checked(cache);
	if (obj)
		hand_out(cache, obj, caller);
	spin_unlock_irqrestore(&cache->lock, flags);
	return obj;
}

/* An object from where the flags say; from nid if it has any. Magazines have objects of anywhere,
 * so they are passed by. */
void *kmem_cache_place(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	const void *caller = __builtin_return_address(0);
	void *obj;

	if (nid >= 0 && !(gfp & __GFP_THISNODE)) {
		gfp_t first = gfp | __GFP_THISNODE | __GFP_NORETRY | __GFP_NOWARN;

		obj = kmem_cache_place(cache, first & ~__GFP_NOFAIL, nid);
		if (obj)
			return obj;
	}
	cache = placed_cache(cache, gfp);
	if (gfp_zone(cache->gfp) <= gfp_zone(gfp))
		gfp &= ~(__GFP_DMA | __GFP_DMA32);
	if (all_zones_serve(nid, gfp))
		return kmem_cache_take(cache, gfp & ~GFP_PLACE);
	if (fail_call(gfp, &failslab, cache->name, cache->object_size))
		return NULL;
	obj = take_placed(cache, (gfp | __GFP_NOWARN) & ~__GFP_NOFAIL, nid, caller);
	if (!obj) {
		if (!(gfp & __GFP_NORETRY))
			kmem_cache_shrink_all();
		obj = take_placed(cache, gfp, nid, caller);
	}
	return obj;
}

/* --- freeing ------------------------------------------------------------------------------- */

static void report_bad_free(const struct kmem_cache *cache, const void *obj)
{
	char what[96];

	if (is_linear_address((unsigned long)obj))
		describe_page(virt_to_page(obj), what, sizeof(what));
	else
		scnprintf(what, sizeof(what), "not an address of memory");
	WARN(true, "bad free of 0x%lx%s%s, ignored: it is %s", (unsigned long)obj,
	     cache ? " into cache " : " by kfree", cache ? cache->name : "", what);
}

/* Cache locked. A CPU's magazine may fill and empty meanwhile: objects that stay are found. */
static bool in_magazine(struct magazine *mag, const void *obj)
{
	for (void **slot = mag->slot + 1; slot <= READ_ONCE(mag->top); slot++)
		if (READ_ONCE(*slot) == obj)
			return true;
	return false;
}

static bool on_slab_list(struct kmem_cache *cache, struct page *slab, unsigned int index)
{
	u64 word = page_word(slab);
	unsigned int at = slab_index(word), left = cache->per_slab - slab_used(word);

	for (; left && at < cache->per_slab; left--) {
		if (at == index)
			return true;
		at = mark_link(cache, object_at(cache, slab, at)) - 1;
	}
	return false;
}

/* Its mark says free: is it really, or do the user's data look like that? */
static bool is_free_object(struct kmem_cache *cache, void *obj)
{
	struct page *slab = slab_head(virt_to_page(obj));
	bool found;

	spin_lock(&cache->lock);
	if (cache->debug & SLAB_CONSISTENCY_CHECKS)
		check_list(cache, slab);
	found = on_slab_list(cache, slab, object_index(cache, slab, obj));
	for (unsigned int cpu = 0; cpu < nr_cpu_ids && !found; cpu++)
		found = in_magazine(cache->cpu[cpu], obj);
	spin_unlock(&cache->lock);
	return found;
}

/* The cache of an object, NULL if obj is not the start of one. Where the linear map is not, there
 * are no descriptors either. */
static struct kmem_cache *object_cache(const void *obj)
{
	struct page *page = virt_to_page(obj);
	struct kmem_cache *cache;
	u64 word;

	if (!page_probe(page, &word) || !(word & PAGE_SLAB_BIT))
		return NULL;
	cache = __atomic_load_n(&caches, __ATOMIC_ACQUIRE)[word_cache(word)];
	return object_index(cache, slab_head(page), obj) < cache->per_slab ? cache : NULL;
}

static __noinline void free_slow(struct kmem_cache *cache, void *obj, const void *caller)
{
	unsigned long flags = local_irq_save();
	struct magazine *mag = cache->cpu[smp_processor_id()];

	if (cache->debug & SLAB_CONSISTENCY_CHECKS || mark_link(cache, obj) ||
	    *mark_of(cache, obj) == free_mark(cache, obj)) {
		if (is_free_object(cache, obj)) {
			report(cache, obj, "double free, ignored", 0, NO_OFFSET);
			goto out;
		}
	}
	take_back(cache, obj, caller);
	if (mag->top == mag->limit) {
		mag = larger_magazine(cache);
		if (mag && mag->top == mag->limit)
			flush(cache, mag, (magazine_count(mag) + 1) / 2);
	}
	if (mag) {
		*mark_of(cache, obj) = free_mark(cache, obj);
		WRITE_ONCE(mag->top[1], obj);
		WRITE_ONCE(mag->top, mag->top + 1);
	} else {
		cache_put(cache, obj);
	}
out:
	local_irq_restore(flags);
}

/* Put obj into this CPU's magazine; false if that is full, or obj's mark says it is free already.
 */
static __force_inline bool free_fast(struct kmem_cache *cache, void *obj)
{
	unsigned long flags = local_irq_save();
	struct magazine *mag = cache->cpu[smp_processor_id()];
	void **top = mag->top, **limit = mag->limit;
	u64 mark = free_mark(cache, obj);

	if (likely((top != limit) & ((*mark_of(cache, obj) ^ mark) >> 2 * MARK_LINK_BITS != 0))) {
		*mark_of(cache, obj) = mark;
		WRITE_ONCE(top[1], obj);
		WRITE_ONCE(mag->top, top + 1);
		local_irq_restore(flags);
		return true;
	}
	local_irq_restore(flags);
	return false;
}

static __noinline void cache_free_slow(struct kmem_cache *cache, void *obj)
{
	if (!obj)
		return;
	if (object_cache(obj) == cache)
		free_slow(cache, obj, __builtin_return_address(0));
	else
		report_bad_free(cache, obj);
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	unsigned long addr = (unsigned long)obj, first = READ_LOOSE(cache->first),
		      last = READ_LOOSE(cache->last);

	if (likely((addr >= first) & (addr < last))) {
		u64 word = READ_LOOSE(cache->pages[linear_offset(obj) >> PAGE_SHIFT].word);

		bool ours = word_cache(word) == cache->id, start = is_object(cache, obj);

		if (likely(ours & start) && free_fast(cache, obj))
			return;
	}
	cache_free_slow(cache, obj);
}

/* --- caches -------------------------------------------------------------------------------- */

static unsigned int slab_order(size_t size)
{
	unsigned int order = MIN_SLAB_ORDER;

	for (; order < BIG_SLAB_ORDER; order++) {
		size_t bytes = PAGE_SIZE << order;

		if (bytes / size >= 8 && bytes % size * 8 <= bytes)
			break;
	}
	return max(order, get_order(size));
}

/* Fill in everything but the number. align: a power of two, at least 8. */
static void cache_init(struct kmem_cache *cache, const char *name, size_t size, size_t align,
		       unsigned int debug, void (*ctor)(void *obj))
{
	size_t least = DIV_ROUND_UP(PAGE_SIZE << MIN_SLAB_ORDER, MAX_PER_SLAB);
	bool mark_behind = ctor || debug;
	size_t extra = mark_behind ? 8 : 0, keep, stride;

	if (ctor)
		debug &= ~SLAB_POISON;
	if (debug & SLAB_STORE_USER)
		extra += 2 * sizeof(void *);
	if (debug & SLAB_RED_ZONE)
		extra += RED_BYTES;
	stride = ALIGN(max(ALIGN(size, 8) + extra, least), align);
	cache->first_at = debug & SLAB_RED_ZONE ? (u32)align : 0;
	cache->order = (u16)slab_order(stride + cache->first_at);
	if (cache->order > MAX_PAGE_ORDER && debug) {
		cache_init(cache, name, size, align, 0, ctor); /* too large to be checked */
		return;
	}
	cache->name = name;
	cache->ctor = ctor;
	cache->debug = debug;
	cache->object_size = (u32)size;
	cache->size = (u32)stride;
	cache->mark_at = mark_behind ? ALIGN(size, 8) : 0;
	cache->per_slab = (u32)(((PAGE_SIZE << cache->order) - cache->first_at) / stride);
	keep = debug | init_on_alloc | init_on_free | failslab.nth ? 0 : SZ_256K / stride;
	cache->magazine_max = (u16)min(keep, (size_t)magazine_capacity(MAGAZINE_LEVELS - 1));
	cache->slab_mask = (PAGE_SIZE << cache->order) - 1;
	cache->inverse = ~UL(0) / stride + 1;
	/* Without magazines no address is for the fast paths. */
	cache->bound =
		cache->magazine_max ? (cache->per_slab - 1) * (cache->inverse * stride) + 1 : 0;
	cache->pages = vmemmap;
	cache->no_magazine.slot[0] = no_object(cache);
	cache->no_magazine.top = cache->no_magazine.limit = cache->no_magazine.slot;
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		cache->cpu[cpu] = NO_MAGAZINE(cache);
}

/* Make the table larger. caches_lock held. */
static bool grow_table(void)
{
	unsigned int size = min(2 * table_size, CACHE_IDS);
	struct kmem_cache **table;

	if (size == table_size)
		return false;
	table = alloc_meta(size * sizeof(*table), GFP_NOWAIT | __GFP_NORETRY | __GFP_ZERO);
	if (!table)
		return false;
	memcpy(table, caches, table_size * sizeof(*table));
	__atomic_store_n(&caches, table, __ATOMIC_RELEASE);
	table_size = size;
	return true;
}

/* Give the cache a number and its key. */
static bool cache_register(struct kmem_cache *cache)
{
	unsigned long flags = spin_lock_irqsave(&caches_lock);
	unsigned int id = FIRST_CACHE_ID;

	while (id < CACHE_IDS && (id % 4096 == 0 || (id < table_size && caches[id])))
		id++;
	if (id < table_size || (id < CACHE_IDS && grow_table())) {
		cache->id = id;
		cache->key = (slab_seed + id) * UL(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */
		cache->key ^= cache->key >> 29;
		__atomic_store_n(&caches[id], cache, __ATOMIC_RELEASE);
	} else {
		id = 0;
	}
	spin_unlock_irqrestore(&caches_lock, flags);
	return id;
}

static size_t cache_bytes(void)
{
	return sizeof(struct kmem_cache) + nr_cpu_ids * sizeof(struct magazine *);
}

static struct kmem_cache *cache_create(const char *name, size_t size, size_t align,
				       unsigned int debug, void (*ctor)(void *obj))
{
	unsigned long flags = local_irq_save();
	struct kmem_cache *cache = NULL;

	if (!fail_call(0, &failslab, "cache of", size))
		cache = cache_take(cache_cache, GFP_NOWAIT);

	if (cache) {
		memset(cache, 0, cache_bytes());
		cache_init(cache, name, size, align, debug, ctor);
		if (!cache_register(cache)) {
			cache_put(cache_cache, cache);
			cache = NULL;
		}
	}
	local_irq_restore(flags);
	return cache;
}

/* slab_debug=: these checks, for the caches of the list, each behind a comma; an empty one: all. */
static const char *debug_list = "";
static size_t debug_list_len;
static unsigned int debug_param;

static int __init set_slab_debug(const char *val, size_t len)
{
	static const char letters[] = "FZPU";
	unsigned int flags = 0;
	size_t i = 0;

	for (; i < len && val[i] != ','; i++) {
		const char *p = strchr(letters, val[i]);

		if (p)
			flags |= SLAB_CONSISTENCY_CHECKS << (p - letters);
		else if (len != 1 || val[i] != '-')
			return -EINVAL;
	}
	debug_param = i ? flags : SLAB_DEBUG_FLAGS;
	debug_list = val ? val + i : "";
	debug_list_len = len - i;
	return 0;
}
EARLY_PARAM("slab_debug", set_slab_debug, "[=[FZPU][,<cache>...]]");

/* The checks a cache gets: those it asks for and those that were asked for. */
static unsigned int debug_flags(const char *name, unsigned int flags)
{
	const char *p = debug_list, *end = p + debug_list_len;
	bool listed = p == end;

	while (p < end && !listed) {
		const char *entry = ++p;
		size_t len;
		bool all;

		while (p < end && *p != ',')
			p++;
		all = p[-1] == '*';
		len = (size_t)(p - entry) - all;
		listed = !strncmp(name, entry, len) && (all || !name[len]);
	}
	return (flags | (listed ? debug_param : 0)) & SLAB_DEBUG_FLAGS;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *obj))
{
	size_t largest = PAGE_SIZE << MAX_PAGE_ORDER, line = SMP_CACHE_BYTES;
	struct kmem_cache *cache = NULL;

	if (!size || size > largest - 8 || align > largest || (align && !is_power_of_2(align))) {
		pr_err("cache %s: objects of %zu bytes aligned to %zu are not possible\n", name,
		       size, align);
	} else {
		/* Small objects share a line without straddling two. */
		while (size <= line / 2)
			line /= 2;
		align = max(align, (size_t)ARCH_KMALLOC_MINALIGN);
		if (flags & SLAB_HWCACHE_ALIGN)
			align = max(align, line);
		cache = cache_create(name, size, align, debug_flags(name, flags), ctor);
		if (!cache)
			pr_err("cache %s: no memory for it", name);
		else
			cache->gfp = flags >> 3 & (__GFP_DMA | __GFP_DMA32);
	}
	if (!cache && flags & SLAB_PANIC)
		panic("cache %s: no memory for it", name);
	return cache;
}

static void free_magazine(struct kmem_cache *cache, unsigned int cpu)
{
	struct magazine *mag = cache->cpu[cpu];

	if (mag == NO_MAGAZINE(cache))
		return;
	flush(cache, mag, magazine_count(mag));
	set_magazine(cache, cpu, NO_MAGAZINE(cache));
	magazine_free(mag);
}

/* Free the empty slabs but for keep of them; returns how many slabs are left. */
static unsigned long drop_empty(struct kmem_cache *cache, unsigned long keep)
{
	unsigned long left;

	spin_lock(&cache->lock);
	reclaim_empty(cache, keep);
	left = cache->nr_slabs;
	spin_unlock(&cache->lock);
	return left;
}

unsigned long kmem_cache_shrink(struct kmem_cache *cache)
{
	unsigned long flags = local_irq_save(), before = drop_empty(cache, ~UL(0)), now;

	free_magazine(cache, smp_processor_id());
	now = drop_empty(cache, 0);
	local_irq_restore(flags);
	return (before - min(before, now)) << cache->order;
}

/* The caches of magazines, which the others' go back to, are the first, and last in turn. */
unsigned long kmem_cache_shrink_all(void)
{
	unsigned long flags = spin_lock_irqsave(&caches_lock), pages = 0;

	for (unsigned int i = table_size; i-- > FIRST_CACHE_ID;)
		if (caches[i])
			pages += kmem_cache_shrink(caches[i]);
	spin_unlock_irqrestore(&caches_lock, flags);
	return pages;
}

int kmem_cache_destroy(struct kmem_cache *cache)
{
	unsigned long flags;

	if (!cache)
		return 0;
	if (cache->id >= table_size ||
	    cache != __atomic_load_n(&caches, __ATOMIC_ACQUIRE)[cache->id]) {
		report_bad_free(cache_cache, cache);
		return -EINVAL;
	}
	/* The lock keeps out kmem_cache_shrink_all(), by which other CPUs empty their magazines. */
	flags = spin_lock_irqsave(&caches_lock);
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		free_magazine(cache, cpu);
	if (!drop_empty(cache, 0)) {
		__atomic_store_n(&caches[cache->id], NULL, __ATOMIC_RELEASE);
		spin_unlock(&caches_lock);
		cache_put(cache_cache, cache);
		local_irq_restore(flags);
		return 0;
	}
	spin_unlock_irqrestore(&caches_lock, flags);
	pr_err("cache %s: not destroyed, %lu objects are in use\n", cache->name, cache->out);
	return -EBUSY;
}

/* --- kmalloc ------------------------------------------------------------------------------- */

/* More than the largest class: whole pages. */
static void *kmalloc_pages(size_t size, gfp_t gfp, int nid)
{
	unsigned int order = get_order(size);
	struct page *page;

	if (order > MAX_PAGE_ORDER)
		page = request_pages(nid, gfp, ((size - 1) >> PAGE_SHIFT) + 1, 1);
	else
		page = nid < 0 ? alloc_pages(gfp, order) : alloc_pages_node(nid, gfp, order);
	if (!page)
		return NULL;
	if (order <= MAX_PAGE_ORDER)
		page_set_role(page, ROLE_KMALLOC);
	return page_address(page);
}

void *kmalloc_any(size_t size, gfp_t gfp)
{
	if (unlikely(size - 1 >= KMALLOC_MAX_CACHE_SIZE))
		return size ? kmalloc_pages(size, gfp, -1) : ZERO_SIZE_PTR;
	return kmem_cache_alloc(kmalloc_caches[kmalloc_class(size)], gfp);
}

void *kmalloc_node(size_t size, gfp_t gfp, int nid)
{
	if (size - 1 >= KMALLOC_MAX_CACHE_SIZE)
		return size ? kmalloc_pages(size, gfp, nid) : ZERO_SIZE_PTR;
	return kmem_cache_alloc_node(kmalloc_caches[kmalloc_class(size)], gfp, nid);
}

/* Bytes of memory got by kmalloc_pages(), 0 if obj is not the start of such. */
static size_t pages_size(const void *obj)
{
	unsigned long addr = (unsigned long)obj, nr;
	u64 word;

	if (!is_linear_address(addr) || !IS_ALIGNED(addr, PAGE_SIZE))
		return 0;
	word = page_look(virt_to_page(obj));
	if (word_type(word) == PAGE_ALLOC && word_cache(word) == ROLE_KMALLOC)
		return PAGE_SIZE << word_order(word);
	if (word && word != WORD_ABSENT)
		return 0;
	nr = contig_range_pages(PFN_DOWN(virt_to_phys(obj)));
	return nr > UL(1) << MAX_PAGE_ORDER ? nr << PAGE_SHIFT : 0;
}

static __noinline void kfree_slow(void *obj)
{
	struct kmem_cache *cache;
	size_t size;

	if ((unsigned long)obj <= (unsigned long)ZERO_SIZE_PTR)
		return;
	cache = object_cache(obj);
	if (cache) {
		free_slow(cache, obj, __builtin_return_address(0));
		return;
	}
	size = pages_size(obj);
	/* Of a block: another CPU may be freeing it too. */
	if (size > PAGE_SIZE << MAX_PAGE_ORDER)
		free_contig_range(PFN_DOWN(virt_to_phys(obj)), size >> PAGE_SHIFT);
	else if (size && page_drop_role(virt_to_page(obj), ROLE_KMALLOC))
		__free_pages(virt_to_page(obj), get_order(size));
	else
		report_bad_free(NULL, obj);
}

/* Not inlined anywhere: tests stop here. */
__noinline void kfree(const void *p)
{
	void *obj = (void *)p;

	if (likely(virt_in_span(obj))) {
		u64 word = page_word(span_page(obj));

		if (likely(word & PAGE_SLAB_BIT)) {
			struct kmem_cache *cache = READ_ONCE(caches)[word_cache(word)];

			if (likely(is_object(cache, obj)) && free_fast(cache, obj))
				return;
		}
	}
	kfree_slow(obj);
}

size_t ksize(const void *obj)
{
	struct kmem_cache *cache;
	size_t size;

	if ((unsigned long)obj <= (unsigned long)ZERO_SIZE_PTR)
		return 0;
	cache = object_cache(obj);
	size = cache ? cache->object_size : pages_size(obj);
	WARN(!size, "ksize of 0x%lx, which is not allocated by kmalloc", (unsigned long)obj);
	return size;
}

static bool is_placed(const void *obj, gfp_t gfp)
{
	return !(gfp & GFP_PLACE) || zone_serves(pfn_to_zone(PFN_DOWN(virt_to_phys(obj))), -1, gfp);
}

void *krealloc(const void *obj, size_t size, gfp_t gfp)
{
	size_t old = ksize(obj);
	bool fits;
	void *new;

	if (!size) {
		kfree(obj);
		return ZERO_SIZE_PTR;
	}
	fits = size <= old && is_placed(obj, gfp);
	/* Stay while it fits and at most half is wasted. */
	if (fits && (size > old / 2 || old <= ARCH_KMALLOC_MINALIGN)) {
		if (gfp & __GFP_ZERO)
			memset((char *)obj + size, 0, old - size);
		return (void *)obj;
	}
	new = kmalloc_any(size, fits ? (gfp | __GFP_NOWARN) & ~__GFP_NOFAIL : gfp);
	if (!new)
		return fits ? (void *)obj : NULL;
	if (old)
		memcpy(new, obj, min(size, old));
	kfree(obj);
	return new;
}

void *kcalloc(size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(nr, size, &bytes))
		return NULL;
	return kmalloc_any(bytes, gfp | __GFP_ZERO);
}

/* --- the start ----------------------------------------------------------------------------- */

static struct kmem_cache *__init boot_cache(char *memory, const char *name, size_t size)
{
	struct kmem_cache *cache = (struct kmem_cache *)memory;

	cache_init(cache, name, size, ARCH_KMALLOC_MINALIGN, 0, NULL);
	cache->magazine_max = 0;
	BUG_ON(!cache_register(cache));
	return cache;
}

static void *memblock_array(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

void __stage kmem_cache_init(u64 seed)
{
	static const char names[] = "kmalloc-8\0kmalloc-16\0kmalloc-32\0kmalloc-64\0kmalloc-96\0"
				    "kmalloc-128\0kmalloc-192\0kmalloc-256\0kmalloc-512\0"
				    "kmalloc-1k\0kmalloc-2k\0kmalloc-4k\0kmalloc-8k";
	static const u16 sizes[NR_KMALLOC_CLASSES] __initconst = {
		8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192};
	size_t bytes = ALIGN(cache_bytes(), SMP_CACHE_BYTES);
	char *memory = alloc_meta(3 * bytes, __GFP_ZERO);
	const char *name = names;

	if (!memory)
		panic("no %zu bytes for the first caches", 3 * bytes);
	slab_seed = seed;
	cache_cache = boot_cache(memory, "kmem_cache", cache_bytes());
	magazine_caches[0] = boot_cache(memory + bytes, "magazine-256", magazine_bytes[0]);
	magazine_caches[1] = boot_cache(memory + 2 * bytes, "magazine-2k", magazine_bytes[1]);
	for (unsigned int i = 0; i < NR_KMALLOC_CLASSES; i++) {
		size_t align = is_power_of_2(sizes[i]) ? sizes[i] : ARCH_KMALLOC_MINALIGN;

		kmalloc_caches[i] = kmem_cache_create(name, sizes[i], align, SLAB_PANIC, NULL);
		name += strlen(name) + 1;
	}
	memblock_late_alloc = memblock_array;
	memblock_late_free = kfree;
	reclaim_pages = kmem_cache_shrink_all;
}

bool slab_stats(unsigned int *i, struct slab_stats *stats)
{
	unsigned long flags = spin_lock_irqsave(&caches_lock);
	struct kmem_cache *cache;

	while (*i < table_size && !caches[*i])
		++*i;
	if (*i == table_size) {
		spin_unlock_irqrestore(&caches_lock, flags);
		return false;
	}
	cache = caches[*i];
	spin_lock(&cache->lock);
	*stats = (struct slab_stats){
		.name = cache->name,
		.active = cache->out,
		.objects = cache->nr_slabs * cache->per_slab,
		.slabs = cache->nr_slabs,
		.partial = cache->nr_partial,
		.empty = cache->nr_empty,
		.size = cache->size,
		.per_slab = cache->per_slab,
		.order = cache->order,
		.limit = cache->magazine_max,
	};
	/* An object on its way from one CPU to another may count twice. */
	for (unsigned int cpu = 0; cpu < nr_cpu_ids; cpu++)
		stats->active -= min(stats->active, (unsigned long)magazine_count(cache->cpu[cpu]));
	spin_unlock(&cache->lock);
	spin_unlock_irqrestore(&caches_lock, flags);
	return true;
}
