/* SPDX-License-Identifier: BSD-2-Clause */
/* What linker.lds defines: borders of the image's parts, in the order they lie. */
#ifndef ASM_SECTIONS_H
#define ASM_SECTIONS_H

extern char _text[], _stext[], _etext[];
extern char __idmap_text_start[], __idmap_text_end[];
extern char __inittext_begin[], __inittext_end[];
extern char __start_rodata[], __end_rodata[], __end_constants[];
extern char __start_ro_after_init[], __end_ro_after_init[];
extern char _edata[];
extern char __bss_start[], __bss_stop[];
extern char exception_stack_guard[], exception_stack[], exception_stack_end[];
extern char init_stack_guard[], init_stack[], init_stack_end[];
extern char __early_tables_start[], __early_tables_end[];
extern char __brk_start[], _end[];

/* _end, where it is code that wants it: beyond the reach of the tiny code model, so made the long
 * way. */
static inline char *image_end(void)
{
	char *end;

	__asm__("adrp %0, _end\n\tadd %0, %0, :lo12:_end" : "=r"(end));
	return end;
}

#endif
