// SPDX-License-Identifier: GPL-2.0
/*
 * Sections by name.  The names are those of include/asm-generic/vmlinux.lds.h,
 * scripts/module.lds.S and the architecture's linker script.
 */
#include <fnmatch.h>

#include "loader/abi.h"
#include "relink/section.h"

static const struct {
	const char *pattern;
	enum section_class class;
} classes[] = {
	/* tables by which a kernel finds its built-in parts: vmlinux has its own entries */
	{ "__ksymtab*", SECTION_REMOVED },
	{ "___ksymtab*", SECTION_REMOVED },
	{ "__kcrctab*", SECTION_REMOVED },
	{ "___kcrctab*", SECTION_REMOVED },
	{ ".export_symbol", SECTION_REMOVED },
	{ ".initcall*", SECTION_REMOVED },
	{ ".con_initcall*", SECTION_REMOVED },
	{ ".init.setup", SECTION_REMOVED },
	{ "__modver", SECTION_REMOVED },
	{ "_ftrace_events", SECTION_REMOVED },
	{ "_ftrace_eval_map", SECTION_REMOVED },
	{ "__tracepoints*", SECTION_REMOVED },
	{ "__tracepoint_check", SECTION_REMOVED },
	{ ".BTF_ids", SECTION_REMOVED },	/* numbers that the kernel's last link has filled in */
	{ "__bpf_raw_tp_map", SECTION_REMOVED },
	{ "__syscalls_metadata", SECTION_REMOVED },
	{ "_kprobe_blacklist", SECTION_REMOVED },
	{ "_error_injection_whitelist", SECTION_REMOVED },
	{ ".static_call_tramp_key", SECTION_REMOVED },
	{ "__*_of_table", SECTION_REMOVED },
	{ ".discard*", SECTION_REMOVED },
	{ ".comment", SECTION_REMOVED },
	{ ".note*", SECTION_REMOVED },
	{ ".llvm*", SECTION_REMOVED },

	/* the loader's own: module_join() has taken the scheduler's away */
	{ ".modinfo", SECTION_TABLE },
	{ "__param", SECTION_TABLE },

	/* what the new code says to the loader (loader/elfkit.h): functions in it are not handed to the kernel */
	{ ELFKIT_HOOKS_SECTION, SECTION_TABLE },
	{ ELFKIT_POOLS_SECTION, SECTION_TABLE },

	/* constants in code that only the boot fills in (include/asm-generic/runtime-const.h) */
	{ "runtime_*", SECTION_BOOT_CONSTANT },

	/* places in code that the module loader patches, sorts or registers */
	{ "__jump_table", SECTION_TABLE },
	{ ".static_call_sites", SECTION_TABLE },
	{ "__mcount_loc", SECTION_TABLE },
	{ "__patchable_function_entries", SECTION_TABLE },
	{ "__bug_table", SECTION_TABLE },
	{ "__ex_table", SECTION_TABLE },
	{ ".altinstructions", SECTION_TABLE },
	{ ".parainstructions", SECTION_TABLE },
	{ ".smp_locks", SECTION_TABLE },
	{ ".retpoline_sites", SECTION_TABLE },
	{ ".return_sites", SECTION_TABLE },
	{ ".call_sites", SECTION_TABLE },
	{ ".ibt_endbr_seal", SECTION_TABLE },
	{ ".cfi_sites", SECTION_TABLE },
	{ ".orc_unwind*", SECTION_TABLE },
	{ ".orc_header", SECTION_TABLE },
	{ ".printk_index", SECTION_TABLE },

	{ ".data.once", SECTION_FRESH },
	{ ".data..once", SECTION_FRESH },
	{ ".data..do_once", SECTION_FRESH },
	{ ".data..percpu*", SECTION_PERCPU },
};

enum section_class section_classify(const struct object_section *s)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!fnmatch(classes[i].pattern, s->name, 0))
			return classes[i].class;
	if (!(s->flags & SHF_ALLOC) || (s->type != SHT_PROGBITS && s->type != SHT_NOBITS))
		return SECTION_REMOVED;
	return s->flags & SHF_EXECINSTR ? SECTION_CODE : SECTION_DATA;
}
