/* SPDX-License-Identifier: BSD-2-Clause */
/* Bit and size constants, usable from C and from assembly. */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#ifdef __ASSEMBLER__
#define _UL(x) x
#else
#define _UL(x) x##UL
#endif
#define UL(x) _UL(x)

#define BIT(n)          (UL(1) << (n))
#define GENMASK(hi, lo) ((~UL(0) >> (63 - (hi))) & (~UL(0) << (lo)))

#define SZ_1K   UL(0x400)
#define SZ_2K   UL(0x800)
#define SZ_4K   UL(0x1000)
#define SZ_8K   UL(0x2000)
#define SZ_16K  UL(0x4000)
#define SZ_64K  UL(0x10000)
#define SZ_256K UL(0x40000)
#define SZ_512K UL(0x80000)
#define SZ_1M   UL(0x100000)
#define SZ_2M   UL(0x200000)
#define SZ_8M   UL(0x800000)
#define SZ_16M  UL(0x1000000)
#define SZ_128M UL(0x8000000)
#define SZ_512M UL(0x20000000)
#define SZ_1G   UL(0x40000000)
#define SZ_4G   UL(0x100000000)
#define SZ_1T   UL(0x10000000000)

#endif
