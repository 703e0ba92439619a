/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included first by the compiler's command line. All declarations get hidden visibility: whatever
 * the kernel uses is part of the kernel, so addresses are PC-relative and the GOT, which is wrong
 * before relocation, stays empty.
 */
#ifndef LIB_HIDDEN_H
#define LIB_HIDDEN_H

#pragma GCC visibility push(hidden)

#endif
