/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions that matter (Arm ARM C5.3 System instructions, C6.2 DSB, DMB, ISB, MSR, MRS, ERET).
 */
#include "archcheck.h"

/* System instruction class: op0, op1, CRn, CRm, op2 as one number. */
#define SYS(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#define DC_IVAC    SYS(1, 0, 7, 6, 1)
#define DC_ISW     SYS(1, 0, 7, 6, 2)
#define DC_CSW     SYS(1, 0, 7, 10, 2)
#define DC_CISW    SYS(1, 0, 7, 14, 2)
#define DC_ZVA     SYS(1, 3, 7, 4, 1)
#define DC_CVAC    SYS(1, 3, 7, 10, 1)
#define DC_CIVAC   SYS(1, 3, 7, 14, 1)
#define IC_IALLUIS SYS(1, 0, 7, 1, 0)
#define IC_IALLU   SYS(1, 0, 7, 5, 0)

#define MSR_SCTLR_EL1 SYS(3, 0, 1, 0, 0)
#define MSR_TTBR0_EL1 SYS(3, 0, 2, 0, 0)
#define MSR_TTBR1_EL1 SYS(3, 0, 2, 0, 1)
#define MSR_TCR_EL1   SYS(3, 0, 2, 0, 2)
#define MSR_MAIR_EL1  SYS(3, 0, 10, 2, 0)
#define MSR_VBAR_EL1  SYS(3, 0, 12, 0, 0)
#define MRS_CTR_EL0   SYS(3, 3, 0, 0, 1)
#define MRS_DCZID_EL0 SYS(3, 3, 0, 0, 7)

enum { ID_NONE, ID_CTR, ID_DCZID };

static bool is_system(u32 insn)
{
	return insn >> 22 == 0xd5000000 >> 22;
}

static unsigned int sys_of(u32 insn)
{
	return insn >> 5 & 0xffff;
}

static bool is_read(u32 insn)
{
	return insn >> 21 & 1;
}

static bool is_barrier(u32 insn)
{
	return (insn & 0xfffff01f) == 0xd503301f;
}

bool insn_is_isb(u32 insn)
{
	return is_barrier(insn) && (insn >> 5 & 7) == 6;
}

static bool is_eret(u32 insn)
{
	return insn == 0xd69f03e0 || (insn & 0xfffffbff) == 0xd69f0bff;
}

/* SETP, SETM, SETE, CPYP...: QEMU tells no plugin what they store. */
static bool is_mops(u32 insn)
{
	return (insn & 0x3b200c00) == 0x19000400 && insn >> 30 == 0;
}

bool insn_matters(u32 insn)
{
	unsigned int op0 = sys_of(insn) >> 14;

	if (is_eret(insn) || is_barrier(insn) || is_mops(insn))
		return true;
	if (!is_system(insn) || !op0)
		return false;
	if (is_read(insn))
		return sys_of(insn) == MRS_CTR_EL0 || sys_of(insn) == MRS_DCZID_EL0;
	if (op0 == 1)
		return true;
	switch (sys_of(insn)) {
	case MSR_SCTLR_EL1:
	case MSR_TTBR0_EL1:
	case MSR_TTBR1_EL1:
	case MSR_TCR_EL1:
	case MSR_MAIR_EL1:
	case MSR_VBAR_EL1:
		return true;
	}
	return false;
}

bool insn_reads_id(u32 insn)
{
	return is_system(insn) && is_read(insn) && insn_matters(insn);
}

static void context_synchronized(struct cpu *cpu, u64 pc, bool instruction)
{
	if (cpu->tlbi_all == COMPLETED)
		cpu->tlbi_all = SYNCHRONIZED;
	if (cpu->ic_all == COMPLETED)
		cpu->ic_all = SYNCHRONIZED;
	tables_isb(cpu, pc, instruction);
	cpu->unsynchronized = 0;
}

/*
 * CRm of DMB and DSB: 1:0 is 1 for loads, 2 for stores, 3 for both, 3:2 is 1 for this CPU only. DC,
 * IC and TLBI need both; what others take part in, DC to the PoC and TLBI IS, more than this CPU
 * (B2.3.9).
 */
static void barrier(struct cpu *cpu, u32 insn, u64 pc)
{
	unsigned int kind = insn >> 8 & 3, op = insn >> 5 & 7;
	bool shared = (insn >> 10 & 3) != 1;

	if (op == 6) {
		count.isb++;
		context_synchronized(cpu, pc, true);
		return;
	}
	if ((op != 4 && op != 5) || kind < 2)
		return;
	cpu->orders++;
	if (op == 5)
		return;
	count.dsb++;
	cpu->dsbs++;
	if (kind == 3) {
		cpu->dc_dsbs += shared;
		if (cpu->tlbi_all == ISSUED)
			cpu->tlbi_all = COMPLETED;
		if (cpu->ic_all == ISSUED)
			cpu->ic_all = COMPLETED;
	}
	tables_dsb(cpu, kind == 3, shared);
}

static u64 sign_extend(u64 value, unsigned int bits)
{
	return (u64)((int64_t)(value << (64 - bits)) >> (64 - bits));
}

/* TLBI's operand for a range (C5.5, TLBI RVAE1): TG 47:46, SCALE 45:44, NUM 43:39, BaseADDR 36:0.
 */
static void tlbi_range(struct cpu *cpu, u64 operand, bool leaf_only, bool shared, u64 pc)
{
	unsigned int shift = 10 + 2 * (operand >> 46 & 3);
	u64 start = sign_extend(operand & ((1ull << 37) - 1), 37) << shift;
	u64 granules = ((operand >> 39 & 31) + 1) << (5 * (operand >> 44 & 3) + 1);

	tables_tlbi(cpu, start, start + (granules << shift) - 1, leaf_only, shared, pc);
}

static void tlbi(struct cpu *cpu, unsigned int sys, u64 operand, u64 pc)
{
	unsigned int op1 = sys >> 11 & 7, crm = sys >> 3 & 15, op2 = sys & 7;
	bool range = crm == 2 || crm == 5 || crm == 6, shared = crm < 6;
	u64 start = sign_extend(operand & ((1ull << 44) - 1), 44) << 12;

	if (op1 == 4 ? op2 == 4 || op2 == 6 : op1 == 0 && op2 == 0) {
		count.tlbi++;
		cpu->tlbi_all = ISSUED;
		tables_tlbi_all(cpu, shared, pc);
	} else if (op1 == 0 && op2 & 1) {
		count.tlbi++;
		if (range)
			tlbi_range(cpu, operand, op2 & 4, shared, pc);
		else
			tables_tlbi(cpu, start, start + 0xfff, op2 & 4, shared, pc);
	}
}

static void msr(struct cpu *cpu, unsigned int sys, u64 value, u64 pc)
{
	/* From above the registers are EL1's to be, or with E2H not even that; ERET has them read.
	 */
	if (!at_el1(cpu)) {
		cpu->unknown = true;
		return;
	}
	switch (sys) {
	case MSR_SCTLR_EL1:
		return tables_register_written(cpu, SCTLR, value, pc);
	case MSR_TTBR0_EL1:
		return tables_register_written(cpu, TTBR0, value, pc);
	case MSR_TTBR1_EL1:
		return tables_register_written(cpu, TTBR1, value, pc);
	case MSR_TCR_EL1:
		return tables_register_written(cpu, TCR, value, pc);
	case MSR_MAIR_EL1:
		return tables_register_written(cpu, MAIR, value, pc);
	case MSR_VBAR_EL1:
		cpu->vbar = value;
	}
}

static void sys_instruction(struct cpu *cpu, unsigned int sys, u64 operand, u64 pc)
{
	unsigned int crn = sys >> 7 & 15, crm = sys >> 3 & 15;

	switch (sys) {
	case DC_IVAC:
	case DC_CIVAC:
	case DC_CVAC:
	case DC_ZVA:
		tables_used(cpu, operand, pc);
	}
	switch (sys) {
	case DC_IVAC:
	case DC_CIVAC:
		return memory_dc(cpu, operand, true, pc);
	case DC_CVAC:
		return memory_dc(cpu, operand, false, pc);
	case DC_ZVA:
		return memory_zero_block(cpu, operand, pc);
	case DC_ISW:
	case DC_CSW:
	case DC_CISW:
		return report(
			"set-way", pc,
			"cache maintenance by set and way reaches this CPU's own levels only");
	case IC_IALLU:
	case IC_IALLUIS:
		cpu->ic_all = ISSUED;
		return tables_ic(cpu, pc);
	}
	if (crn == 8 || crn == 9)
		tlbi(cpu, sys, operand, pc);
	else if (crn == 7 && crm == 8) /* AT */
		tables_used(cpu, operand, pc);
}

void insn_execute(struct cpu *cpu, u32 insn, u64 pc)
{
	unsigned int sys = sys_of(insn), rt = insn & 31;

	if (is_eret(insn)) {
		context_synchronized(cpu, pc, false);
		cpu->unknown = true;
	} else if (is_mops(insn)) {
		report("unseen-store", pc, "an instruction whose stores this plugin cannot see");
	} else if (is_barrier(insn)) {
		barrier(cpu, insn, pc);
	} else if (is_read(insn)) {
		cpu->id_reg = sys == MRS_CTR_EL0 ? ID_CTR : ID_DCZID;
		cpu->id_target = rt;
	} else if (sys >> 14 == 1) {
		sys_instruction(cpu, sys, cpu_x(cpu, rt), pc);
	} else {
		msr(cpu, sys, cpu_x(cpu, rt), pc);
	}
}
