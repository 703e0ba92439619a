/* SPDX-License-Identifier: BSD-2-Clause */
/* What is probed is the tree, behind which there is no memory, and a page that stands in for a
 * UART; and page descriptors, of which there are none yet. */
#ifndef ASM_PROBE_H
#define ASM_PROBE_H

#include <asm/memory.h>
#include <lib/types.h>

#include <sanitizer/asan_interface.h>

/* Memory ends between two words: where the first byte of one is, all of it is. */
__attribute__((no_sanitize("address"))) static inline bool probe_read_u64(const volatile u64 *p,
									  u64 *value)
{
	if ((unsigned long)p - VMEMMAP_START < VMEMMAP_SIZE ||
	    __asan_address_is_poisoned((void *)(uintptr_t)p))
		return false;
	*value = *p;
	return true;
}

static inline bool probe_read_u32(const volatile u32 *p, u32 *value)
{
	if (__asan_region_is_poisoned((void *)(uintptr_t)p, sizeof(*p)))
		return false;
	*value = *p;
	return true;
}

static inline bool probe_read_u8(const volatile u8 *p, u8 *value)
{
	*value = *p;
	return true;
}

static inline bool probe_write_u32(volatile u32 *p, u32 value)
{
	*p = value;
	return true;
}

static inline bool probe_write_u8(volatile u8 *p, u8 value)
{
	*p = value;
	return true;
}

#define DEVICE_LOAD(type, value, p, fault)                                                         \
	do {                                                                                       \
		(value) = *(const volatile type *)(p);                                             \
		if (0)                                                                             \
			goto fault;                                                                \
	} while (0)
#define DEVICE_LOAD8(value, p, fault)   DEVICE_LOAD(u8, value, p, fault)
#define DEVICE_LOAD32(value, p, fault)  DEVICE_LOAD(u32, value, p, fault)
#define DEVICE_STORE8(value, p, fault)  (*(volatile u8 *)(p) = (u8)(value))
#define DEVICE_STORE32(value, p, fault) (*(volatile u32 *)(p) = (value))

static inline bool probe_pending_serror(void)
{
	return false;
}

static inline void probe_settle(void)
{
}

#endif
