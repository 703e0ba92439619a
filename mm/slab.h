/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slab: caches of objects of one size, and kmalloc() on top of them. Usable after
 * kmem_cache_init(). All functions: any context, any CPU; nothing sleeps.
 *
 * Each CPU keeps free objects in a magazine, so that the usual call takes no lock. A free object
 * carries a mark (secret key ^ its address) in its first 8 bytes, or behind it when the cache has a
 * constructor. A free of what is already free, of a pointer that is no object, of another cache's
 * object, and a mark that was overwritten are warnings that name cache, address and value; a wrong
 * free changes nothing, an overwritten object is not handed out again. With slab_debug= so is what
 * was written beside an object, or anywhere in a free one.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <lib/compiler.h>
#include <lib/string.h>
#include <lib/types.h>
#include <mm/gfp.h>

struct kmem_cache;

#define SLAB_HWCACHE_ALIGN 0x1u /* objects start on a cache line (of SMP_CACHE_BYTES) */
#define SLAB_PANIC         0x2u /* a cache that cannot be created stops the boot */
/* Checks, for this cache; slab_debug= sets them for any. A cache with one of them has no magazines.
 */
#define SLAB_CONSISTENCY_CHECKS 0x10u /* F: each call walks the free list of its slab */
#define SLAB_RED_ZONE           0x20u /* Z: bytes beside the object, checked when it changes hands */
#define SLAB_POISON             0x40u /* P: free objects are 0x6b (not with a constructor), new ones 0x5a */
#define SLAB_STORE_USER         0x80u /* U: reports name who allocated it, and who freed it last */
#define SLAB_DEBUG_FLAGS        0xf0u
/* All objects are in memory of that zone or a lower one. */
#define SLAB_CACHE_DMA   (__GFP_DMA << 3)
#define SLAB_CACHE_DMA32 (__GFP_DMA32 << 3)

#define ARCH_KMALLOC_MINALIGN  8
#define KMALLOC_MAX_CACHE_SIZE 8192
/* What kmalloc(0) returns: not NULL, not to be dereferenced, kfree() ignores it. */
#define ZERO_SIZE_PTR ((void *)16)

/* Start of life; seed: the secret of the marks, as random as the platform has it. Boot CPU, after
 * mem_init(). */
void kmem_cache_init(u64 seed);

/*
 * A cache for objects of size bytes, aligned to align (a power of two, or 0 for 8). ctor, if any,
 * runs once for each object when its slab is made, with the cache locked: it must not allocate;
 * objects are freed in constructed state. name must live as long as the cache. NULL and a line in
 * the log when size or align is impossible or memory has run out.
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *obj));
/* Refused with -EBUSY, and a line in the log, while objects are in use. No other CPU may be using
 * the cache. -EINVAL and a warning where cache is none; one that was destroyed, and whose memory
 * is another's by now, cannot be told from that one. */
int kmem_cache_destroy(struct kmem_cache *cache);
/* Give back this CPU's free objects and all empty slabs. Returns the pages freed. */
unsigned long kmem_cache_shrink(struct kmem_cache *cache);
/* The same for all caches. */
unsigned long kmem_cache_shrink_all(void);

/* kmem_cache_alloc() in parts, of which all but the first mostly fold away. */
void *kmem_cache_take(struct kmem_cache *cache, gfp_t gfp);
void *kmem_cache_place(struct kmem_cache *cache, gfp_t gfp, int nid);
void kmem_cache_clear(const struct kmem_cache *cache, void *obj);

/*
 * One object; NULL when memory has run out. __GFP_ZERO clears it (not with a constructor). Flags
 * that say where pass by what this CPU keeps, and may cost a walk along the cache's slabs.
 */
static __force_inline void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	void *obj =
		gfp & GFP_PLACE ? kmem_cache_place(cache, gfp, -1) : kmem_cache_take(cache, gfp);

	if (gfp & __GFP_ZERO && obj)
		kmem_cache_clear(cache, obj);
	return obj;
}

/* The same from node nid, and only then from another. nid -1: any. */
static inline void *kmem_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int nid)
{
	void *obj = kmem_cache_place(cache, gfp, nid);

	if (gfp & __GFP_ZERO && obj)
		kmem_cache_clear(cache, obj);
	return obj;
}

static __force_inline void *kmem_cache_zalloc(struct kmem_cache *cache, gfp_t gfp)
{
	return kmem_cache_alloc(cache, gfp | __GFP_ZERO);
}

/* A cache for struct s. */
#define KMEM_CACHE(s, flags)                                                                       \
	kmem_cache_create(#s, sizeof(struct s), __alignof__(struct s), flags, NULL)

void kmem_cache_free(struct kmem_cache *cache, void *obj);

/*
 * Memory by size: aligned to the size for powers of two up to the largest block, else to 8. kfree()
 * takes what kmalloc(), kzalloc(), kcalloc() and krealloc() returned, and a contiguous range of
 * more than the largest block, which it cannot tell from such; NULL is ignored. ksize() is
 * what may be used, not less than was asked for. Where a zone is apart, objects for GFP_DMA and
 * GFP_DMA32 have caches of their own, made when first asked for.
 */
void *kmalloc_any(size_t size, gfp_t gfp);
void kfree(const void *obj);
size_t ksize(const void *obj);
/* Grow or shrink, keeping the contents, or move to where the flags say. NULL, and obj untouched,
 * when memory has run out. Size 0 frees. */
void *krealloc(const void *obj, size_t size, gfp_t gfp);
/* nr * size bytes, cleared; NULL if the product overflows. */
void *kcalloc(size_t nr, size_t size, gfp_t gfp);

#define NR_KMALLOC_CLASSES 13
extern struct kmem_cache *kmalloc_caches[NR_KMALLOC_CLASSES];

/* Class of a size from 1 to KMALLOC_MAX_CACHE_SIZE: 8 16 32 64 96 128 192 256 512 ... 8192. Folds
 * for constants. */
static __force_inline unsigned int kmalloc_class(size_t size)
{
	unsigned int bits = size <= 8 ? 3 : 64 - (unsigned int)__builtin_clzl(size - 1);

	if (size > 64 && size <= 96)
		return 4;
	if (size > 128 && size <= 192)
		return 6;
	return bits <= 6 ? bits - 3 : bits == 7 ? 5 : bits - 1;
}

static __force_inline void *kmalloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && size - 1 < KMALLOC_MAX_CACHE_SIZE)
		return kmem_cache_alloc(kmalloc_caches[kmalloc_class(size)], gfp);
	return kmalloc_any(size, gfp);
}

static __force_inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

/* The same from node nid, and only then from another. nid -1: any. */
void *kmalloc_node(size_t size, gfp_t gfp, int nid);

static inline void *kzalloc_node(size_t size, gfp_t gfp, int nid)
{
	return kmalloc_node(size, gfp | __GFP_ZERO, nid);
}

/* nr * size bytes; NULL if the product overflows. */
static inline void *kmalloc_array(size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(nr, size, &bytes) ? NULL : kmalloc(bytes, gfp);
}

static inline void *krealloc_array(const void *obj, size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(nr, size, &bytes) ? NULL : krealloc(obj, bytes, gfp);
}

/* kfree(), and nothing of it can be read any more. */
static inline void kfree_sensitive(const void *obj)
{
	size_t size = ksize(obj);

	if (size)
		memset((void *)obj, 0, size);
	kfree(obj);
}

/* -- for slabinfo and the ledger -- */
struct slab_stats {
	const char *name;
	unsigned long active, objects; /* in use by callers; all there are */
	unsigned long slabs, partial;  /* slabs, and those with a free object */
	unsigned long empty;           /* of those, with nothing but free objects */
	unsigned int size;             /* bytes from one object to the next */
	unsigned int per_slab, order;
	unsigned int limit; /* objects a CPU keeps at most */
};
/* Fill in the figures of cache number i (0, 1, ...): false when there is no further one. Skips
 * numbers not in use. */
bool slab_stats(unsigned int *i, struct slab_stats *stats);

#endif
