/* SPDX-License-Identifier: BSD-2-Clause */
/* What the compiler offers, under the names kernels use. */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#define likely(x)           __builtin_expect(!!(x), 1)
#define unlikely(x)         __builtin_expect(!!(x), 0)
#define barrier()           __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define __section(name)     __attribute__((section(name)))
#define __used              __attribute__((used))
#define __packed            __attribute__((packed))
#define __noreturn          __attribute__((noreturn))
#define __noinline          __attribute__((noinline))
#define __maybe_unused      __attribute__((unused))
#define __must_check        __attribute__((warn_unused_result))
#define __force_inline      inline __attribute__((always_inline))
#define __aligned(n)        __attribute__((aligned(n)))
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

/* One access, whole, not cached in a register. ThreadSanitizer needs them as atomics: it defines
 * its own. */
#ifndef READ_ONCE
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
/* The same of an aligned word that may be read twice: the compiler may pair and index such loads.
 */
#define READ_LOOSE(x) (x)
#endif
#ifndef READ_LOOSE
#define READ_LOOSE(x) READ_ONCE(x)
#endif

/* Life time: code and data of the boot only, freed before "Boot complete"; and data sealed there.
 */
#define __init __section(".init.text") __attribute__((cold))
/* A stage of the boot stays a function of its own: a backtrace names it. */
#define __stage         __init __noinline
#define __initdata      __section(".init.data")
#define __initconst     __section(".init.rodata")
#define __ro_after_init __section(".data.ro_after_init")

#endif
