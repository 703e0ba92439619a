/* SPDX-License-Identifier: BSD-2-Clause */
/* The target's own, not that of tests/host. */
#include "../../../../arch/arm64/include/asm/fixmap.h"
