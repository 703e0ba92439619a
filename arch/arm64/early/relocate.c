/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel relocates itself (ELF for the Arm 64-bit Architecture, "Dynamic relocations"). */
#include <asm/boot.h>
#include <asm/memory.h>
#include <asm/sections.h>

#define R_AARCH64_RELATIVE 1027

struct rela {
	u64 offset, info, addend;
};
extern const struct rela __rela_start[], __rela_end[];

/* Written through the kernel's own map, in which everything but text is writable, so the caches are
 * coherent with it. */
void relocate_kernel(void)
{
	unsigned long moved = (unsigned long)_text - KIMAGE_VADDR;

	for (const struct rela *r = __rela_start; r < __rela_end; r++)
		if (r->info == R_AARCH64_RELATIVE)
			*(u64 *)(r->offset + moved) = r->addend + moved;
}
