/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel relocates itself. */
#include <asm/boot.h>
#include <asm/memory.h>
#include <asm/sections.h>

/* Made by scripts/link from the RELATIVE relocations: which 8-byte words of the image hold an
 * address, each by its distance from the one before (a byte, or 255 and two of them), the first one
 * from _text. */
extern const u8 __relocs_start[], __relocs_end[];

/* Not in BSS, which is not clear yet. */
unsigned long relocated_by __section(".data");

/* At the address the image was linked for there is nothing to do. With the MMU off addresses are
 * physical from then on, for good (early_report()); init text holds some, so all must be writable.
 */
void relocate_kernel(void)
{
	unsigned long moved = (unsigned long)_text - KIMAGE_VADDR - relocated_by;
	u64 *word = (u64 *)_text;

	if (!moved)
		return;
	relocated_by += moved;
	for (const u8 *r = __relocs_start; r < __relocs_end;) {
		unsigned long distance = *r++;

		if (distance == 255) {
			distance = r[0] | (unsigned int)r[1] << 8;
			r += 2;
		}
		word += distance;
		*word += moved;
	}
}
