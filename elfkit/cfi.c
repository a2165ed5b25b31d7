// SPDX-License-Identifier: GPL-2.0
/*
 * Call frame information as rows (DWARF 5, section 6.4): where the CFA is and
 * where the caller's registers are, at one address.
 */
#include <dwarf.h>
#include <libelf.h>
#include <string.h>

#include "elfkit/debuginfo.h"
#include "elfkit/debuginfo_file.h"

/*
 * A call preserves rbx, and no compiler says otherwise.  Among the defaults of libdw
 * (backends/x86_64_cfi.c) rax stands where rbx is meant, so it comes out as undefined.
 */
#define RBX 3

/* Register and constant of an operation that adds the two. */
static bool read_sum(const Dwarf_Op *op, uint32_t *reg, int64_t *offset)
{
	if (op->atom == DW_OP_bregx) {
		*reg = op->number;
		*offset = op->number2;
		return true;
	}
	if (op->atom < DW_OP_breg0 || op->atom > DW_OP_breg31)
		return false;
	*reg = op->atom - DW_OP_breg0;
	*offset = op->number;
	return true;
}

static void read_register(Dwarf_Frame *frame, int reg, struct cfi_row *row)
{
	Dwarf_Op mem[3], *ops;
	size_t nr_ops;

	row->rule[reg] = CFI_OTHER;
	if (dwarf_frame_register(frame, reg, mem, &ops, &nr_ops))
		return;
	if (!nr_ops) {
		row->rule[reg] = ops && reg != RBX ? CFI_UNDEFINED : CFI_SAME;
	} else if (ops[0].atom == DW_OP_call_frame_cfa &&
		   (nr_ops == 1 || (nr_ops == 2 && ops[1].atom == DW_OP_plus_uconst))) {
		row->rule[reg] = CFI_SAVED;
		row->offset[reg] = nr_ops == 2 ? (int64_t)ops[1].number : 0;
	} else if (nr_ops == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
		   read_sum(&ops[1], &row->base[reg], &row->offset[reg])) {
		/* DW_CFA_expression; the CFA that is pushed first is not used */
		row->rule[reg] = CFI_SAVED_BY_REGISTER;
	}
}

/* The address that libdwfl has given to an offset in a section of an object. */
static bool placed_address(const struct debug_file *file, uint32_t section, uint64_t *addr)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(file->module, &bias);
	Elf_Scn *scn = elf ? elf_getscn(elf, section) : NULL;
	GElf_Shdr shdr;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return false;
	*addr += shdr.sh_addr + bias;
	return true;
}

struct err *debuginfo_cfi(const struct debuginfo *info, uint32_t section, uint64_t addr,
			  struct cfi_row *ret)
{
	struct debug_file *file = info->file;
	Dwarf_Addr bias = 0;
	Dwarf_Frame *frame;
	Dwarf_CFI *cfi;
	Dwarf_Op *ops;
	size_t nr_ops;

	if (file->relocatable && !placed_address(file, section, &addr))
		return err_new("no section %u", section);
	cfi = file->relocatable ? dwfl_module_dwarf_cfi(file->module, &bias) : dwarf_getcfi(file->dwarf);
	if (!cfi)
		return err_new("no .debug_frame: %s", file->relocatable ? dwfl_errmsg(-1) : dwarf_errmsg(-1));
	if (dwarf_cfi_addrframe(cfi, addr - bias, &frame))
		return err_new("no call frame information: %s", dwarf_errmsg(-1));

	memset(ret, 0, sizeof(*ret));
	if (!dwarf_frame_cfa(frame, &ops, &nr_ops) &&
	    (nr_ops == 1 || (nr_ops == 2 && ops[1].atom == DW_OP_deref))) {
		ret->cfa_known = read_sum(&ops[0], &ret->cfa_reg, &ret->cfa_offset);
		ret->cfa_in_memory = nr_ops == 2;
	}
	for (int reg = 0; reg < CFI_REGS; reg++)
		read_register(frame, reg, ret);
	free(frame);
	return NULL;
}
