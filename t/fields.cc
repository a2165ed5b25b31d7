// SPDX-License-Identifier: GPL-2.0
/*
 * A plug-in for GCC that tells which members the compiler itself sees a function touch, once it
 * has optimized it: FUNCTION STRUCT MEMBER HOW, of r, w, a (the address is taken) and u (perhaps), one line
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
#include "ssa.h"

int plugin_is_GPL_compatible;

static FILE *out;

/* What is larger and cleared or copied as a whole is left out: no member is meant. */
#define MAX_INLINE 64

static const char *type_name(tree type)
{
	tree name = TYPE_NAME(TYPE_MAIN_VARIANT(type));

	/* typedef struct { ... } name; */
	for (tree v = TYPE_MAIN_VARIANT(type); v && !name; v = TYPE_NEXT_VARIANT(v))
		name = TYPE_NAME(v);
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

/* Whether nothing in machine code shows that the address of this member is taken: it is that of the struct. */
static bool is_first(tree field)
{
	return integer_zerop(DECL_FIELD_OFFSET(field)) && integer_zerop(DECL_FIELD_BIT_OFFSET(field));
}

/* The members of @type at @offset, down to one of type @stop; @outer: what members without a name belong to. */
static void descend(tree outer, tree type, HOST_WIDE_INT offset, HOST_WIDE_INT size, tree stop, const char *how)
{
	bool is_union = TREE_CODE(type) == UNION_TYPE && *how != 'a';

	type = TYPE_MAIN_VARIANT(type);
	if (type == stop)
		return;
	if (TREE_CODE(type) == ARRAY_TYPE) {
		tree unit = TYPE_SIZE_UNIT(TREE_TYPE(type));

		if (unit && tree_fits_shwi_p(unit) && tree_to_shwi(unit) && RECORD_OR_UNION_TYPE_P(TREE_TYPE(type)))
			descend(TREE_TYPE(type), TREE_TYPE(type), offset % tree_to_shwi(unit), size, stop, how);
		return;
	}
	if (!RECORD_OR_UNION_TYPE_P(type))
		return;
	for (tree f = TYPE_FIELDS(type); f; f = DECL_CHAIN(f)) {
		HOST_WIDE_INT low, bytes;

		if (TREE_CODE(f) != FIELD_DECL || !DECL_SIZE(f) || !tree_fits_shwi_p(DECL_SIZE(f)))
			continue;
		low = int_bit_position(f) / 8;
		bytes = (tree_to_shwi(DECL_SIZE(f)) + 7) / 8;
		if (low >= offset + size || offset >= low + bytes)
			continue;
		/* nobody says which of the alternatives is meant */
		if (is_union || DECL_BIT_FIELD(f))
			how = "u";
		if (DECL_NAME(f) && !(*how == 'a' && !low && !offset))
			tell(outer, f, how);
		if (*how == 'a' && low == offset)
			continue;
		if (low > offset)
			descend(DECL_NAME(f) ? TREE_TYPE(f) : outer, TREE_TYPE(f), 0, size - (low - offset), stop, how);
		else
			descend(DECL_NAME(f) ? TREE_TYPE(f) : outer, TREE_TYPE(f), offset - low, size, stop, how);
	}
}

/* Whether an object of type @stop starts @offset bytes into @type. */
static bool reaches(tree type, HOST_WIDE_INT offset, tree stop)
{
	type = TYPE_MAIN_VARIANT(type);
	if (type == stop)
		return offset == 0;
	if (TREE_CODE(type) == ARRAY_TYPE) {
		tree unit = TYPE_SIZE_UNIT(TREE_TYPE(type));

		return unit && tree_fits_shwi_p(unit) && tree_to_shwi(unit) &&
		       reaches(TREE_TYPE(type), offset % tree_to_shwi(unit), stop);
	}
	if (!RECORD_OR_UNION_TYPE_P(type))
		return false;
	for (tree f = TYPE_FIELDS(type); f; f = DECL_CHAIN(f))
		if (TREE_CODE(f) == FIELD_DECL && DECL_SIZE(f) && tree_fits_shwi_p(DECL_SIZE(f)) &&
		    int_bit_position(f) / 8 <= offset &&
		    reaches(TREE_TYPE(f), offset - int_bit_position(f) / 8, stop))
			return true;
	return false;
}

static void visit(tree ref, const char *how);

/* What lies @offset bytes behind @pointer, for accesses that were folded to a number. */
static void visit_behind(tree pointer, HOST_WIDE_INT offset, HOST_WIDE_INT size, tree stop, const char *how)
{
	tree type = TREE_TYPE(pointer);

	if (!POINTER_TYPE_P(type) || offset < 0)
		return;
	type = TREE_CODE(pointer) == ADDR_EXPR ? TREE_TYPE(TREE_OPERAND(pointer, 0)) : TREE_TYPE(type);
	if (stop && AGGREGATE_TYPE_P(stop) && !reaches(type, offset, TYPE_MAIN_VARIANT(stop)))
		return;		/* container_of: the pointer is into something else */
	if (RECORD_OR_UNION_TYPE_P(type))
		descend(type, type, offset, size, stop ? TYPE_MAIN_VARIANT(stop) : NULL_TREE, how);
}

/*
 * An access @offset bytes behind @pointer touches also the member whose address the pointer was made
 * of: atomic_inc(&pid->count), once inlined, is an access to *(int *)_4 with _4 = &pid->count.
 */
static void visit_origin(tree pointer, HOST_WIDE_INT offset, HOST_WIDE_INT size, tree stop, const char *how)
{
	for (int depth = 0; depth < 16 && TREE_CODE(pointer) == SSA_NAME; depth++) {
		gimple *def = SSA_NAME_DEF_STMT(pointer);
		tree made;

		if (!is_gimple_assign(def))
			return;
		made = gimple_assign_rhs1(def);
		if (gimple_assign_rhs_code(def) == POINTER_PLUS_EXPR && tree_fits_shwi_p(gimple_assign_rhs2(def)))
			offset += tree_to_shwi(gimple_assign_rhs2(def));
		else if (!CONVERT_EXPR_CODE_P(gimple_assign_rhs_code(def)) && gimple_assign_rhs_code(def) != SSA_NAME &&
			 gimple_assign_rhs_code(def) != ADDR_EXPR)
			return;
		pointer = made;
		if (!POINTER_TYPE_P(TREE_TYPE(pointer)))
			return;
		visit_behind(pointer, offset, size, stop, how);
	}
	if (TREE_CODE(pointer) == ADDR_EXPR) {
		tree bytes = TYPE_SIZE_UNIT(TREE_TYPE(TREE_OPERAND(pointer, 0)));

		/* outside of the member it is container_of */
		if (offset >= 0 && (!bytes || !tree_fits_shwi_p(bytes) || offset < tree_to_shwi(bytes)))
			visit(TREE_OPERAND(pointer, 0), how);
	}
}

/* A variable on the stack that nobody else can see: what is stored there may yet be dropped. */
static bool is_hidden(tree ref)
{
	tree base = get_base_address(ref);

	return base && VAR_P(base) && !is_global_var(base) && !TREE_ADDRESSABLE(base);
}

static void visit(tree ref, const char *how)
{
	/* what has no bytes costs no instruction */
	if (!ref || (TYPE_SIZE(TREE_TYPE(ref)) && integer_zerop(TYPE_SIZE(TREE_TYPE(ref)))))
		return;
	if (TREE_CODE(ref) == ADDR_EXPR) {
		ref = TREE_OPERAND(ref, 0);
		how = "a";
	} else if (is_hidden(ref)) {
		how = "u";
	}
	if (*how != 'a' && RECORD_OR_UNION_TYPE_P(TREE_TYPE(ref)) && tree_fits_shwi_p(TYPE_SIZE_UNIT(TREE_TYPE(ref)))) {
		/* a struct that is copied or cleared as a whole */
		HOST_WIDE_INT size = tree_to_shwi(TYPE_SIZE_UNIT(TREE_TYPE(ref)));

		descend(TREE_TYPE(ref), TREE_TYPE(ref), 0, size, NULL_TREE, size <= MAX_INLINE ? how : "u");
	}
	while (ref && (handled_component_p(ref) || TREE_CODE(ref) == TARGET_MEM_REF)) {
		if (TREE_CODE(ref) == COMPONENT_REF && DECL_NAME(TREE_OPERAND(ref, 1)) &&
		    !(*how == 'a' && is_first(TREE_OPERAND(ref, 1))))
			tell(enclosing(ref), TREE_OPERAND(ref, 1), how);
		if (TREE_CODE(ref) == TARGET_MEM_REF)
			break;
		/* bit-fields that are tested or changed together */
		if (TREE_CODE(ref) == BIT_FIELD_REF && RECORD_OR_UNION_TYPE_P(TREE_TYPE(TREE_OPERAND(ref, 0)))) {
			tree type = TREE_TYPE(TREE_OPERAND(ref, 0));
			HOST_WIDE_INT first = tree_to_shwi(TREE_OPERAND(ref, 2));

			descend(type, type, first / 8, (first % 8 + tree_to_shwi(TREE_OPERAND(ref, 1)) + 7) / 8,
				NULL_TREE, how);
		}
		ref = TREE_OPERAND(ref, 0);
	}
	if (ref && (TREE_CODE(ref) == MEM_REF || TREE_CODE(ref) == TARGET_MEM_REF) &&
	    tree_fits_shwi_p(TREE_OPERAND(ref, 1))) {
		tree size = TYPE_SIZE_UNIT(TREE_TYPE(ref));

		if (size && tree_fits_shwi_p(size)) {
			visit_behind(TREE_OPERAND(ref, 0), tree_to_shwi(TREE_OPERAND(ref, 1)),
				     tree_to_shwi(size), TREE_TYPE(ref), how);
			if (*how != 'a')
				visit_origin(TREE_OPERAND(ref, 0), tree_to_shwi(TREE_OPERAND(ref, 1)),
					     tree_to_shwi(size), TREE_TYPE(ref), how);
		}
	}
	/* the address inside of *&p->member is used for the access */
	if (ref && TREE_CODE(ref) == MEM_REF && TREE_CODE(TREE_OPERAND(ref, 0)) == ADDR_EXPR)
		visit(TREE_OPERAND(TREE_OPERAND(ref, 0), 0), how);
}

/* memset() and its like become moves where the size is known. */
static void visit_builtin(gimple *call)
{
	HOST_WIDE_INT size;

	if (!gimple_call_builtin_p(call, BUILT_IN_NORMAL) || gimple_call_num_args(call) != 3 ||
	    !tree_fits_shwi_p(gimple_call_arg(call, 2)))
		return;
	size = tree_to_shwi(gimple_call_arg(call, 2));
	for (unsigned i = 0; i < 2; i++)
		if (POINTER_TYPE_P(TREE_TYPE(gimple_call_arg(call, i)))) {
			visit_behind(gimple_call_arg(call, i), 0, size, NULL_TREE, "u");
			visit_origin(gimple_call_arg(call, i), 0, size, NULL_TREE, "u");
		}
}

static void visit_statement(gimple *stmt)
{
	if (is_gimple_debug(stmt) || gimple_clobber_p(stmt))
		return;
	switch (gimple_code(stmt)) {
	case GIMPLE_ASSIGN:
		if (gimple_assign_rhs_code(stmt) == POINTER_PLUS_EXPR && tree_fits_shwi_p(gimple_assign_rhs2(stmt)))
			visit_behind(gimple_assign_rhs1(stmt), tree_to_shwi(gimple_assign_rhs2(stmt)), 1, NULL_TREE, "a");
		visit(gimple_assign_lhs(stmt), "w");
		for (unsigned i = 1; i < gimple_num_ops(stmt); i++)
			visit(gimple_op(stmt, i), "r");
		break;
	case GIMPLE_CALL:
		visit(gimple_call_lhs(stmt), "w");
		for (unsigned i = 0; i < gimple_call_num_args(stmt); i++)
			visit(gimple_call_arg(stmt, i), "r");
		visit_builtin(stmt);
		break;
	case GIMPLE_ASM: {
		gasm *a = as_a<gasm *>(stmt);

		for (unsigned i = 0; i < gimple_asm_noutputs(a); i++)
			visit(TREE_VALUE(gimple_asm_output_op(a, i)), "w");
		/* a constant in an asm is no code: the keys of static branches */
		for (unsigned i = 0; i < gimple_asm_ninputs(a); i++)
			if (!is_gimple_min_invariant(TREE_VALUE(gimple_asm_input_op(a, i))))
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
