/* SPDX-License-Identifier: BSD-2-Clause */
/* System registers: bits used here (Arm ARM D19), registers older assemblers do not know, and C
 * access. */
#ifndef ASM_SYSREG_H
#define ASM_SYSREG_H

#include <asm/geometry.h>
#include <lib/bits.h>

/* Names by encoding: S<op0>_<op1>_C<n>_C<m>_<op2>. */
#define SYS_ID_AA64MMFR3_EL1 S3_0_C0_C7_3
#define SYS_ID_AA64ISAR2_EL1 S3_0_C0_C6_2
#define SYS_ID_AA64SMFR0_EL1 S3_0_C0_C4_5
#define SYS_ID_AA64PFR2_EL1  S3_0_C0_C4_2
#define SYS_ID_AA64MMFR4_EL1 S3_0_C0_C7_4
#define SYS_GCSCR_EL2        S3_4_C2_C5_0
#define SYS_GCSCR_EL12       S3_5_C2_C5_0
#define SYS_BRBCR_EL2        S2_4_C9_C0_0
#define SYS_CPUECTLR_EL1     S3_1_C15_C2_1
#define SYS_SCTLR2_EL1       S3_0_C1_C0_3
#define SYS_TCR2_EL1         S3_0_C2_C0_3
#define SYS_SCTLR_EL12       S3_5_C1_C0_0
#define SYS_CPACR_EL12       S3_5_C1_C0_2
#define SYS_SPSR_EL12        S3_5_C4_C0_0
#define SYS_ELR_EL12         S3_5_C4_C0_1
#define SYS_ESR_EL12         S3_5_C5_C2_0
#define SYS_FAR_EL12         S3_5_C6_C0_0
#define SYS_VBAR_EL12        S3_5_C12_C0_0
#define SYS_CNTKCTL_EL12     S3_5_C14_C1_0
#define SYS_ICC_SRE_EL2      S3_4_C12_C9_5
#define SYS_ICH_HCR_EL2      S3_4_C12_C11_0
#define SYS_ICC_SRE_EL3      S3_6_C12_C12_5
#define SYS_ICC_CTLR_EL3     S3_6_C12_C12_4
#define SYS_HCRX_EL2         S3_4_C1_C2_2
#define SYS_HFGRTR_EL2       S3_4_C1_C1_4
#define SYS_HFGWTR_EL2       S3_4_C1_C1_5
#define SYS_HFGITR_EL2       S3_4_C1_C1_6
#define SYS_HDFGRTR_EL2      S3_4_C3_C1_4
#define SYS_HDFGWTR_EL2      S3_4_C3_C1_5
#define SYS_HAFGRTR_EL2      S3_4_C3_C1_6
#define SYS_HFGRTR2_EL2      S3_4_C3_C1_2
#define SYS_HFGWTR2_EL2      S3_4_C3_C1_3
#define SYS_HFGITR2_EL2      S3_4_C3_C1_7
#define SYS_HDFGRTR2_EL2     S3_4_C3_C1_0
#define SYS_ICH_HFGRTR_EL2   S3_4_C12_C9_4
#define SYS_ICH_HFGWTR_EL2   S3_4_C12_C9_6
#define SYS_ICH_HFGITR_EL2   S3_4_C12_C9_7
#define SYS_HDFGWTR2_EL2     S3_4_C3_C1_1
#define SYS_ZCR_EL2          S3_4_C1_C2_0
#define SYS_SMCR_EL2         S3_4_C1_C2_6
#define SYS_SMPRIMAP_EL2     S3_4_C1_C2_5
#define SYS_ZCR_EL3          S3_6_C1_C2_0
#define SYS_SMCR_EL3         S3_6_C1_C2_6
#define SYS_GCSCR_EL1        S3_0_C2_C5_0
#define SYS_GCSCRE0_EL1      S3_0_C2_C5_2
#define SYS_AMCNTENSET0_EL0  S3_3_C13_C2_5
#define SYS_PMUSERENR_EL0    S3_3_C9_C14_0
#define SYS_PMCR_EL0         S3_3_C9_C12_0

/* SCTLR_EL1 (D19.2.118). RES1 in Armv8.0: LSMAOE, nTLSMD, SPAN, EIS, TSCXT, EOS; without AArch32
 * also SED, ITD. */
#define SCTLR_M        BIT(0)
#define SCTLR_C        BIT(2)
#define SCTLR_SA       BIT(3)
#define SCTLR_I        BIT(12)
#define SCTLR_WXN      BIT(19)
#define SCTLR_EL1_RES1 (BIT(7) | BIT(8) | BIT(29) | BIT(28) | BIT(23) | BIT(22) | BIT(20) | BIT(11))
#define SCTLR_EL1_OFF  SCTLR_EL1_RES1
/* What is writable is never executable, whatever a table says: WXN. */
#define SCTLR_EL1_ON (SCTLR_EL1_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN)
/* SCTLR_EL2 with E2H = 0 (D19.2.119). */
#define SCTLR_EL2_OFF                                                                              \
	(BIT(29) | BIT(28) | BIT(23) | BIT(22) | BIT(18) | BIT(16) | BIT(11) | BIT(5) | BIT(4))

/* TCR_EL1 (D19.2.143): walks inner shareable, write-back; IPS and T0SZ are filled in at run time.
 */
#define TCR_T0SZ(bits) (64 - (bits))
#define TCR_T1SZ(bits) ((64 - (bits)) << 16)
#define TCR_WALKS      (BIT(8) | BIT(10) | (UL(3) << 12) | BIT(24) | BIT(26) | (UL(3) << 28))
#define TCR_IPS_SHIFT  32
#define TCR_EPD0       BIT(7)
/* The assembler has no ?:, so what differs by granule is a field of a packed constant: 4, 16, 64
 * KiB from the right. */
#define BY_GRANULE(packed, width)                                                                  \
	(((packed) >> ((PAGE_SHIFT - 12) / 2 * (width))) & ((1 << (width)) - 1))
#define TCR_TG0 (BY_GRANULE(0x120, 4) << 14)
#define TCR_TG1 (BY_GRANULE(0x312, 4) << 30)

/* ID_AA64MMFR0_EL1: where the granule's field lies, and the values that mean "supported"
 * (D19.2.74). */
#define TGRAN_SHIFT BY_GRANULE(0x18141c, 8)
#define TGRAN_MIN   BY_GRANULE(0x010, 4)
#define TGRAN_MAX   7
#define PARANGE_48  5

/* HCR_EL2 (D19.2.50). */
#define HCR_RW      BIT(31)
#define HCR_E2H_BIT 34
#define HCR_E2H     BIT(HCR_E2H_BIT)
#define HCR_APK     BIT(40)
#define HCR_API     BIT(41)
#define HCR_ATA     BIT(56)

#define SPSR_EL1H_MASKED 0x3c5
#define SPSR_EL2H_MASKED 0x3c9

#ifndef __ASSEMBLER__
#include <lib/types.h>

#define sysreg_name_(r) #r
#define sysreg_name(r)  sysreg_name_(r)

#define read_sysreg(r)                                                                             \
	({                                                                                         \
		u64 sysreg_value;                                                                  \
		__asm__ volatile("mrs %0, " sysreg_name(r) : "=r"(sysreg_value));                  \
		sysreg_value;                                                                      \
	})
#define write_sysreg(v, r)                                                                         \
	__asm__ volatile("msr " sysreg_name(r) ", %x0" ::"rZ"((u64)(v)) : "memory")

#define isb()    __asm__ volatile("isb" ::: "memory")
#define dsb(opt) __asm__ volatile("dsb " #opt ::: "memory")
#define dmb(opt) __asm__ volatile("dmb " #opt ::: "memory")

/* PAR_EL1 behind AT and ISB. Cortex-A77 erratum 1508412: a read of it beside accesses to Device
 * memory can lock up. */
static inline u64 read_par(void)
{
	u64 par;

	dmb(sy);
	par = read_sysreg(par_el1);
	dmb(sy);
	return par;
}

/* An unsigned 4-bit field of an identification register. */
static inline unsigned int id_field(u64 reg, unsigned int shift)
{
	return (reg >> shift) & 15;
}
#endif

#endif
