/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel relocates itself. */
#include <asm/boot.h>
#include <asm/memory.h>
#include <asm/sections.h>

/* Made by scripts/link from the RELATIVE relocations: which 8-byte words of the image hold an
 * address, counted from _text. */
extern const u16 __relocs_start[], __relocs_end[];

/* Written through the kernel's own map, in which everything but text is writable, so the caches are
 * coherent with it. Or for good with the MMU off: addresses are physical then (early_report()). */
void relocate_kernel(void)
{
	unsigned long moved = (unsigned long)_text - KIMAGE_VADDR;
	u64 *words = (u64 *)_text;

	if (!moved)
		return;
	for (const u16 *r = __relocs_start; r < __relocs_end; r++)
		words[*r] += moved;
}
