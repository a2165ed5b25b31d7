// SPDX-License-Identifier: GPL-2.0
/*
 * The encoding of x86-64 instructions (Intel SDM volume 2: chapter 2 for the
 * parts, appendix A for the opcode maps that the tables here condense).
 *
 * A row of a table holds sixteen opcodes, one letter each:
 *
 *	.  nothing follows		x  no instruction in 64-bit mode
 *	m  ModRM			p  prefix
 *	b  1-byte immediate		B  ModRM and 1-byte immediate
 *	z  4 bytes, 2 under prefix 66	Z  ModRM and the same
 *	j  4 bytes whatever the prefix	w  2 bytes	e  3 bytes (enter)
 *	v  4 bytes, 2 under 66, 8 under REX.W		a  an absolute address
 *	t  ModRM; 1-byte immediate where its reg field is 0 or 1 (test)
 *	T  the same, immediate as in z
 *	c  ModRM that always names registers (control and debug registers)
 *	s  a prefix or escape that is decoded by itself
 */
#include "disasm/x86_layout.h"

static const char one_byte[] =
	"mmmmbzxxmmmmbzxs"	/* 00 */
	"mmmmbzxxmmmmbzxx"	/* 10 */
	"mmmmbzpxmmmmbzpx"	/* 20 */
	"mmmmbzpxmmmmbzpx"	/* 30 */
	"pppppppppppppppp"	/* 40 */
	"................"	/* 50 */
	"xxsmppppzZbB...."	/* 60 */
	"bbbbbbbbbbbbbbbb"	/* 70 */
	"BZxBmmmmmmmmmmmm"	/* 80 */
	"..........x....."	/* 90 */
	"aaaa....bz......"	/* a0 */
	"bbbbbbbbvvvvvvvv"	/* b0 */
	"BBw.ssBZe.w..bx."	/* c0 */
	"mmmmxxx.mmmmmmmm"	/* d0 */
	"bbbbbbbbjjxb...."	/* e0 */
	"p.pp..tT......mm";	/* f0 */

static const char two_byte[] =
	"mmmmx.....x.xm.B"	/* 00 */
	"mmmmmmmmmmmmmmmm"	/* 10 */
	"ccccxxxxmmmmmmmm"	/* 20 */
	"......x.sxsxxxxx"	/* 30 */
	"mmmmmmmmmmmmmmmm"	/* 40 */
	"mmmmmmmmmmmmmmmm"	/* 50 */
	"mmmmmmmmmmmmmmmm"	/* 60 */
	"BBBBmmm.mmxxmmmm"	/* 70 */
	"jjjjjjjjjjjjjjjj"	/* 80 */
	"mmmmmmmmmmmmmmmm"	/* 90 */
	"...mBmmm...mBmmm"	/* a0 */
	"mmmmmmmmmmBmmmmm"	/* b0 */
	"mmBmBBBm........"	/* c0 */
	"mmmmmmmmmmmmmmmm"	/* d0 */
	"mmmmmmmmmmmmmmmm"	/* e0 */
	"mmmmmmmmmmmmmmmm";	/* f0 */

struct prefixes {
	bool operand_size, address_size, rex_w;
};

/* Legacy prefixes in any order; a REX prefix counts only right before the opcode. */
static uint8_t read_prefixes(const uint8_t *bytes, uint64_t len, struct prefixes *p)
{
	uint8_t i = 0;

	for (; i < len && one_byte[bytes[i]] == 'p'; i++) {
		p->rex_w = (bytes[i] & 0xf8) == 0x48;
		if (bytes[i] == 0x66)
			p->operand_size = true;
		else if (bytes[i] == 0x67)
			p->address_size = true;
	}
	return i;
}

/*
 * C5: one byte, map 0F.  C4: two, 62: three, with the map in the low bits of the
 * first.  Returns the letter of the opcode, and moves @at to it.
 */
static char read_vex(const uint8_t *bytes, uint64_t len, uint8_t *at, struct x86_layout *l)
{
	uint8_t payload = bytes[*at] == 0xc5 ? 1 : bytes[*at] == 0xc4 ? 2 : 3;
	uint8_t map = 1;

	if (*at + payload + 1U >= len)
		return 'x';
	if (payload > 1)
		map = bytes[*at + 1] & (payload == 3 ? 0x07 : 0x1f);
	*at += payload + 1;
	l->vex = true;
	l->map = map <= X86_MAP_0F3A ? map : X86_MAP_EVEX;
	switch (map) {
	case 1:
		return two_byte[bytes[*at]] == 'j' || two_byte[bytes[*at]] == 's' ? 'x' : two_byte[bytes[*at]];
	case 2:
	case 5:
	case 6:
		return 'm';
	case 3:
		return 'B';
	}
	return 'x';
}

static char read_opcode(const uint8_t *bytes, uint64_t len, uint8_t *at, struct x86_layout *l)
{
	uint8_t byte = bytes[*at];

	if (one_byte[byte] != 's')
		return one_byte[byte];
	if (byte != 0x0f)
		return read_vex(bytes, len, at, l);
	if (++*at >= len)
		return 'x';
	byte = bytes[*at];
	l->map = X86_MAP_0F;
	if (two_byte[byte] != 's')
		return two_byte[byte];
	l->map = byte == 0x38 ? X86_MAP_0F38 : X86_MAP_0F3A;
	return ++*at >= len ? 'x' : byte == 0x38 ? 'm' : 'B';
}

/* ModRM, SIB and displacement (SDM 2.1.3, 2.1.5, 2.2.1.6); returns the offset behind them. */
static uint64_t read_modrm(const uint8_t *bytes, uint64_t len, uint64_t at, struct x86_layout *l)
{
	uint8_t modrm, mod, rm;

	if (at >= len)
		return UINT64_MAX;
	modrm = bytes[at++];
	mod = modrm >> 6;
	rm = modrm & 7;
	l->has_modrm = true;
	if (mod == 3)
		return at;
	l->disp_size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
	l->indexed = true;
	if (rm == 4) {
		if (at >= len)
			return UINT64_MAX;
		if ((bytes[at] & 7) == 5 && !mod) {
			l->disp_size = 4;
			l->indexed = (bytes[at] >> 3 & 7) != 4;
		}
		at++;
	} else if (rm == 5 && !mod) {
		l->disp_size = 4;
		l->pc_relative = true;
		l->indexed = false;
	}
	l->disp = at;
	return at + l->disp_size;
}

static uint8_t immediate_size(char letter, const struct prefixes *p, uint8_t reg)
{
	uint8_t z = p->operand_size && !p->rex_w ? 2 : 4;

	switch (letter) {
	case 'b':
	case 'B':
		return 1;
	case 'w':
		return 2;
	case 'e':
		return 3;
	case 'j':
		return 4;
	case 'z':
	case 'Z':
		return z;
	case 'v':
		return p->rex_w ? 8 : z;
	case 'a':
		return p->address_size ? 4 : 8;
	case 't':
		return reg < 2 ? 1 : 0;
	case 'T':
		return reg < 2 ? z : 0;
	}
	return 0;
}

bool x86_layout(const uint8_t *bytes, uint64_t len, struct x86_layout *ret)
{
	struct prefixes p = { 0 };
	uint8_t at, reg = 0;
	uint64_t end;
	char letter;

	*ret = (struct x86_layout){ 0 };
	if (len > 15)
		len = 15;
	at = read_prefixes(bytes, len, &p);
	if (at >= len)
		return false;
	letter = read_opcode(bytes, len, &at, ret);
	ret->opcode = at;
	end = at + 1;
	switch (letter) {
	case 'x':
		return false;
	case 'm':
	case 'B':
	case 'Z':
	case 't':
	case 'T':
		end = read_modrm(bytes, len, end, ret);
		if (end > len)
			return false;
		reg = bytes[at + 1] >> 3 & 7;
		break;
	case 'c':
		ret->has_modrm = true;
		end++;
		break;
	}
	ret->imm = end;
	ret->imm_size = immediate_size(letter, &p, reg);
	end += ret->imm_size;
	if (end > len)
		return false;
	ret->size = end;
	return true;
}
