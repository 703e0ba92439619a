/* SPDX-License-Identifier: BSD-2-Clause */
/* Slab as plain functions: see mm.h beside this. */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <lib/types.h>
#include <mm/gfp.h>

struct kmem_cache;

#define SLAB_PANIC 0x2u

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *obj));
void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *cache, void *obj);
void *kmalloc(size_t size, gfp_t gfp);
void kfree(const void *obj);

#endif
