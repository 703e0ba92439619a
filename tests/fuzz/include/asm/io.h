/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers are memory here. */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <lib/types.h>

static inline u8 readb_relaxed(const volatile void *addr)
{
	return *(const volatile u8 *)addr;
}

static inline u32 readl_relaxed(const volatile void *addr)
{
	return *(const volatile u32 *)addr;
}

static inline void writeb_relaxed(u8 value, volatile void *addr)
{
	*(volatile u8 *)addr = value;
}

static inline void writel_relaxed(u32 value, volatile void *addr)
{
	*(volatile u32 *)addr = value;
}

#endif
