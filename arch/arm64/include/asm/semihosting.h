/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls to a debugger or emulator (Semihosting for AArch32 and AArch64, Arm IHI 0100): HLT #0xf000,
 * w0 operation, x1 argument. */
#ifndef ASM_SEMIHOSTING_H
#define ASM_SEMIHOSTING_H

#include <lib/types.h>

/* Operations. The argument is the virtual address of a character, a string or a parameter block. */
#define SYS_WRITEC 0x03 /* one character to the debug channel */
#define SYS_WRITE0 0x04 /* a NUL-terminated string to it */
#define SYS_READC  0x07 /* wait for one character; argument 0 */
#define SYS_EXIT   0x18 /* block of two words: reason, status */

#define ADP_STOPPED_APPLICATION_EXIT 0x20026

/*
 * Make a semihosting call. False, *result untouched, when nobody listens: HLT is then an undefined
 * instruction, taken through the exception table. Any context; with the MMU on. result may be NULL.
 */
bool smh_call(u64 op, u64 arg, u64 *result);

#endif
