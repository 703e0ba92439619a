/* SPDX-License-Identifier: BSD-2-Clause */
/* An image that is an array, in the order of linker.lds; its end, and with it the size of the brk
 * area, differs from run to run. */
#ifndef ASM_SECTIONS_H
#define ASM_SECTIONS_H

/* Names the host's linker defines itself. */
#define _edata      fuzz_edata
#define __bss_start fuzz_bss_start

extern char _text[], __inittext_begin[], __inittext_end[];
extern char __start_rodata[], __end_rodata[];
extern char __start_ro_after_init[], __end_ro_after_init[];
extern char _edata[], __bss_start[];
extern char __early_tables_start[], __early_tables_end[];
extern char __brk_start[];

extern char *fuzz_image_end;
static inline char *image_end(void)
{
	return fuzz_image_end;
}

#endif
