/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contract with mm/: memory inside the image for what must be allocated before memblock knows RAM.
 * The area is the sum of the reservations; what nobody took goes back to memblock in
 * bootmem_init(), when memblock's own arrays can grow elsewhere.
 */
#ifndef ASM_BRK_H
#define ASM_BRK_H

#include <lib/compiler.h>
#include <lib/types.h>

/* Reserve size bytes (a constant) of the area on behalf of name. At file scope. */
#define RESERVE_BRK(name, size)                                                                    \
	static u8 brk_reserve_##name[size] __section(".brk") __used __aligned(16)

/*
 * Take size bytes aligned to align (a power of two) from the area: zeroed, virtual address in the
 * kernel image. NULL when the area is used up or already closed. Boot CPU, before bootmem_init()
 * has closed it.
 */
void *extend_brk(size_t size, size_t align);
/* Size bytes at its start are somebody's already; before extend_brk(). */
void brk_keep(size_t size);

#endif
