/* SPDX-License-Identifier: BSD-2-Clause */
/* Integer and address types. Kernel code uses these names and nothing else for hardware widths. */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;

/* A physical address, or a size in bytes of physical memory. */
typedef u64 phys_addr_t;

#define PHYS_ADDR_MAX (~(phys_addr_t)0)

#endif
