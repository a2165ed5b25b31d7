# SPDX-License-Identifier: GPL-2.0
	.section .entry.text, "ax"
	.globl	__fentry__
	.type	__fentry__, @function
__fentry__:
	ret
	.size	__fentry__, . - __fentry__

	.globl	__stack_chk_fail
	.type	__stack_chk_fail, @function
__stack_chk_fail:
	ud2
	.size	__stack_chk_fail, . - __stack_chk_fail

	.globl	__switch_to_asm
	.type	__switch_to_asm, @function
__switch_to_asm:
	push	%rbp
	push	%rbx
	mov	%rsp, 64(%rdi)
	mov	64(%rsi), %rsp
	pop	%rbx
	pop	%rbp
	mov	%rdi, %rax
661:	jmp	schedule
662:	ret
	.size	__switch_to_asm, . - __switch_to_asm

	.section .altinstructions, "a"
	.long	661b - ., 663f - .
	.long	0
	.byte	662b - 661b, 664f - 663f
	.section .altinstr_replacement, "ax"
663:	call	wake_up
664:
	.section .ibt_endbr_seal, "a"
	.long	wake_up - .
