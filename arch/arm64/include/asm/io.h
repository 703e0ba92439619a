/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device registers. One load or store of exactly the named width, never unaligned, merged or
 * repeated, with plain base register addressing, so that a hypervisor can emulate it. All devices
 * here are little endian.
 *
 * read*() is ordered before all later accesses, write*() after all earlier ones: what a device is
 * told to look at is in memory, what it says is there is read after it said so (Arm ARM B2.3, DMB
 * OSHLD and OSH). The _relaxed kin keep order only among accesses to the same device, which
 * Device-nGnRE memory guarantees by itself. All loads acquire: where other loads of a device meet
 * an exclusive store, Cortex-A57 may stop for good (erratum 832075).
 */
#ifndef ASM_IO_H
#define ASM_IO_H

#include <lib/types.h>

#define IO_ACCESSORS(suffix, type, insn, reg)                                                      \
	static inline type read##suffix##_relaxed(const volatile void *addr)                       \
	{                                                                                          \
		type value;                                                                        \
                                                                                                   \
		__asm__ volatile("ldar" insn " %" reg "0, [%1]" : "=r"(value) : "r"(addr));        \
		return value;                                                                      \
	}                                                                                          \
	static inline void write##suffix##_relaxed(type value, volatile void *addr)                \
	{                                                                                          \
		__asm__ volatile("str" insn " %" reg "0, [%1]" ::"rZ"(value), "r"(addr));          \
	}                                                                                          \
	static inline type read##suffix(const volatile void *addr)                                 \
	{                                                                                          \
		type value = read##suffix##_relaxed(addr);                                         \
                                                                                                   \
		__asm__ volatile("dmb oshld" ::: "memory");                                        \
		return value;                                                                      \
	}                                                                                          \
	static inline void write##suffix(type value, volatile void *addr)                          \
	{                                                                                          \
		__asm__ volatile("dmb osh" ::: "memory");                                          \
		write##suffix##_relaxed(value, addr);                                              \
	}

IO_ACCESSORS(b, u8, "b", "w")
IO_ACCESSORS(w, u16, "h", "w")
IO_ACCESSORS(l, u32, "", "w")
IO_ACCESSORS(q, u64, "", "x")

#endif
