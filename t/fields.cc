// SPDX-License-Identifier: GPL-2.0
/*
 * A plug-in for GCC that tells which members the compiler itself sees a function touch, once it
 * has optimized it: FUNCTION STRUCT MEMBER HOW, of r, w and a (the address is taken), one line
 * each in the file that -fplugin-arg-fields-out= names.  For t/structs.t.
 */
#include "gcc-plugin.h"
#include "plugin-version.h"
#include "tree.h"
#include "tree-pass.h"
#include "context.h"
#include "basic-block.h"
#include "function.h"
#include "gimple.h"
#include "gimple-iterator.h"

int plugin_is_GPL_compatible;

static FILE *out;

static const char *type_name(tree type)
{
	tree name = TYPE_NAME(TYPE_MAIN_VARIANT(type));

	if (name && TREE_CODE(name) == TYPE_DECL)
		name = DECL_NAME(name);
	return name ? IDENTIFIER_POINTER(name) : "-";
}

static void tell(tree record, tree field, const char *how)
{
	fprintf(out, "%s %s %s %s\n", IDENTIFIER_POINTER(DECL_ASSEMBLER_NAME(current_function_decl)),
		type_name(record), IDENTIFIER_POINTER(DECL_NAME(field)), how);
}

/* A member without a name lends its members to what encloses it. */
static tree enclosing(tree ref)
{
	tree object = TREE_OPERAND(ref, 0);

	while (TREE_CODE(object) == COMPONENT_REF && !DECL_NAME(TREE_OPERAND(object, 1)))
		object = TREE_OPERAND(object, 0);
	return TREE_TYPE(object);
}

static void visit(tree ref, const char *how)
{
	if (!ref)
		return;
	if (TREE_CODE(ref) == ADDR_EXPR) {
		ref = TREE_OPERAND(ref, 0);
		how = "a";
	}
	while (ref && (handled_component_p(ref) || TREE_CODE(ref) == TARGET_MEM_REF)) {
		if (TREE_CODE(ref) == COMPONENT_REF && DECL_NAME(TREE_OPERAND(ref, 1)))
			tell(enclosing(ref), TREE_OPERAND(ref, 1), how);
		if (TREE_CODE(ref) == TARGET_MEM_REF)
			break;
		ref = TREE_OPERAND(ref, 0);
	}
	/* the address inside of *&p->member is used for the access */
	if (ref && TREE_CODE(ref) == MEM_REF && TREE_CODE(TREE_OPERAND(ref, 0)) == ADDR_EXPR)
		visit(TREE_OPERAND(TREE_OPERAND(ref, 0), 0), how);
}

static void visit_statement(gimple *stmt)
{
	if (is_gimple_debug(stmt) || gimple_clobber_p(stmt))
		return;
	switch (gimple_code(stmt)) {
	case GIMPLE_ASSIGN:
		visit(gimple_assign_lhs(stmt), "w");
		for (unsigned i = 1; i < gimple_num_ops(stmt); i++)
			visit(gimple_op(stmt, i), "r");
		break;
	case GIMPLE_CALL:
		visit(gimple_call_lhs(stmt), "w");
		for (unsigned i = 0; i < gimple_call_num_args(stmt); i++)
			visit(gimple_call_arg(stmt, i), "r");
		break;
	case GIMPLE_ASM: {
		gasm *a = as_a<gasm *>(stmt);

		for (unsigned i = 0; i < gimple_asm_noutputs(a); i++)
			visit(TREE_VALUE(gimple_asm_output_op(a, i)), "w");
		for (unsigned i = 0; i < gimple_asm_ninputs(a); i++)
			visit(TREE_VALUE(gimple_asm_input_op(a, i)), "r");
		break;
	}
	default:
		for (unsigned i = 0; i < gimple_num_ops(stmt); i++)
			visit(gimple_op(stmt, i), "r");
	}
}

static const pass_data data = { GIMPLE_PASS, "fields", OPTGROUP_NONE, TV_NONE, 0, 0, 0, 0, 0 };

struct fields_pass : gimple_opt_pass {
	fields_pass() : gimple_opt_pass(data, g) {}
	unsigned int execute(function *fn) override
	{
		basic_block bb;

		FOR_EACH_BB_FN(bb, fn) {
			for (auto i = gsi_start_bb(bb); !gsi_end_p(i); gsi_next(&i))
				visit_statement(gsi_stmt(i));
			for (auto i = gsi_start_phis(bb); !gsi_end_p(i); gsi_next(&i))
				for (unsigned n = 0; n < gimple_phi_num_args(gsi_stmt(i)); n++)
					visit(gimple_phi_arg_def(gsi_stmt(i), n), "a");
		}
		return 0;
	}
};

static void finish(void *, void *)
{
	fclose(out);
}

int plugin_init(struct plugin_name_args *info, struct plugin_gcc_version *version)
{
	struct register_pass_info pass = { new fields_pass, "optimized", 1, PASS_POS_INSERT_BEFORE };

	if (!plugin_default_version_check(version, &gcc_version))
		return 1;
	for (int i = 0; i < info->argc; i++)
		if (!strcmp(info->argv[i].key, "out"))
			out = fopen(info->argv[i].value, "w");
	if (!out)
		return 1;
	register_callback(info->base_name, PLUGIN_PASS_MANAGER_SETUP, nullptr, &pass);
	register_callback(info->base_name, PLUGIN_FINISH, finish, nullptr);
	return 0;
}
