// SPDX-License-Identifier: Apache-2.0

//go:build !purego

#include "textflag.h"

// The instructions on tiles, which Go's assembler does not know. t, a and b are tile numbers, known when assembling.
// Memory is at base register AX, BX, SI or DI with the row distance in DX. TILELOADT is for what is not needed again
// soon: the codes pass by, the queries stay in the first-level cache.
#define LDTILECFG_AX     BYTE $0xC4; BYTE $0xE2; BYTE $0x78; BYTE $0x49; BYTE $0x00
#define TILERELEASE      BYTE $0xC4; BYTE $0xE2; BYTE $0x78; BYTE $0x49; BYTE $0xC0
#define TILEZERO(t)      BYTE $0xC4; BYTE $0xE2; BYTE $0x7B; BYTE $0x49; BYTE $(0xC0|(t<<3))
#define TILELOAD_SI(t)   BYTE $0xC4; BYTE $0xE2; BYTE $0x7B; BYTE $0x4B; BYTE $(0x04|(t<<3)); BYTE $0x16
#define TILELOAD_DI(t)   BYTE $0xC4; BYTE $0xE2; BYTE $0x7B; BYTE $0x4B; BYTE $(0x04|(t<<3)); BYTE $0x17
#define TILELOADT_AX(t)  BYTE $0xC4; BYTE $0xE2; BYTE $0x79; BYTE $0x4B; BYTE $(0x04|(t<<3)); BYTE $0x10
#define TILELOADT_BX(t)  BYTE $0xC4; BYTE $0xE2; BYTE $0x79; BYTE $0x4B; BYTE $(0x04|(t<<3)); BYTE $0x13
#define TILESTORE_DI(t)  BYTE $0xC4; BYTE $0xE2; BYTE $0x7A; BYTE $0x4B; BYTE $(0x04|(t<<3)); BYTE $0x17
#define TDPBSSD(t, a, b) BYTE $0xC4; BYTE $0xE2; BYTE $(((~b&15)<<3)|3); BYTE $0x5E; BYTE $(0xC0|(t<<3)|a)

// Byte 4r+b of a spread word is its bit 32*(r/8) + 8*b + r%8: which byte of the word that is, and which bit of the byte.
DATA amxByte<>+0(SB)/8, $0x0302010003020100
DATA amxByte<>+8(SB)/8, $0x0302010003020100
DATA amxByte<>+16(SB)/8, $0x0302010003020100
DATA amxByte<>+24(SB)/8, $0x0302010003020100
DATA amxByte<>+32(SB)/8, $0x0706050407060504
DATA amxByte<>+40(SB)/8, $0x0706050407060504
DATA amxByte<>+48(SB)/8, $0x0706050407060504
DATA amxByte<>+56(SB)/8, $0x0706050407060504
GLOBL amxByte<>(SB), RODATA|NOPTR, $64
DATA amxBit<>+0(SB)/8, $0x0202020201010101
DATA amxBit<>+8(SB)/8, $0x0808080804040404
DATA amxBit<>+16(SB)/8, $0x2020202010101010
DATA amxBit<>+24(SB)/8, $0x8080808040404040
DATA amxBit<>+32(SB)/8, $0x0202020201010101
DATA amxBit<>+40(SB)/8, $0x0808080804040404
DATA amxBit<>+48(SB)/8, $0x2020202010101010
DATA amxBit<>+56(SB)/8, $0x8080808040404040
GLOBL amxBit<>(SB), RODATA|NOPTR, $64

// func amxSpreadQuery(dst *int8, query *uint64, words int)
TEXT ·amxSpreadQuery(SB), NOSPLIT, $0-24
	MOVQ      dst+0(FP), DI
	MOVQ      query+8(FP), SI
	MOVQ      words+16(FP), CX
	VMOVDQU64 amxByte<>(SB), Z0
	VMOVDQU64 amxBit<>(SB), Z1
	MOVL      $0x01010101, AX
	VPBROADCASTD AX, Z2 // +1
	VPTERNLOGD   $0xff, Z3, Z3, Z3 // -1

word:
	VPBROADCASTQ (SI), Z4
	VPSHUFB   Z0, Z4, Z4
	VPTESTMB  Z1, Z4, K1
	VMOVDQA64 Z2, Z5
	VMOVDQU8  Z3, K1, Z5
	VMOVDQU64 Z5, (DI)
	ADDQ      $8, SI
	ADDQ      $2048, DI // the next word of 32 queries
	DECQ      CX
	JNZ       word
	VZEROUPPER
	RET

// func amxSpreadCodes(dst *int8, codes *uint64, words int)
TEXT ·amxSpreadCodes(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ codes+8(FP), SI
	MOVQ words+16(FP), CX

	// Z0 = 0, 1, ... 15 times the size of a code.
	MOVQ CX, AX
	SHLQ $3, AX
	VPBROADCASTD AX, Z0
	VPXORD Z1, Z1, Z1
	MOVL $16, BX
	MOVL $1, DX
lanes:
	// Lanes BX-1 and above get one more step each.
	KMOVW DX, K1
	KNOTW K1, K1
	VPADDD Z0, Z1, K1, Z1
	LEAL  1(DX)(DX*1), DX
	DECL  BX
	JNZ   lanes
	MOVL  $0x01010101, AX
	VPBROADCASTD AX, Z2

word:
	KXNORW K1, K1, K1
	KXNORW K2, K2, K2
	VPXORD Z3, Z3, Z3
	VPXORD Z4, Z4, Z4
	VPGATHERDD (SI)(Z1*1), K1, Z3
	VPGATHERDD 4(SI)(Z1*1), K2, Z4
#define ROW(r) \
	VPSRLD $r, Z3, Z5                 \
	VPSRLD $r, Z4, Z6                 \
	VPANDD Z2, Z5, Z5                 \
	VPANDD Z2, Z6, Z6                 \
	VMOVDQU64 Z5, (64*r)(DI)          \
	VMOVDQU64 Z6, (64*(r+8))(DI)
	ROW(0)
	ROW(1)
	ROW(2)
	ROW(3)
	ROW(4)
	ROW(5)
	ROW(6)
	ROW(7)
	ADDQ $8, SI
	ADDQ $1024, DI
	DECQ CX
	JNZ  word
	VZEROUPPER
	RET

// func amxBelow(a *amxPanel)
TEXT ·amxBelow(SB), NOSPLIT, $0-8
	MOVQ a+0(FP), R8
	LEAQ 64(R8), AX  // config
	LDTILECFG_AX
	MOVQ 8(R8), AX   // codes
	MOVQ 24(R8), R9  // groups
	MOVQ 32(R8), R10 // below
	MOVQ 40(R8), R11 // stride
	MOVQ $64, DX
	MOVQ 16(R8), R12 // words
	SHLQ $10, R12    // the size of 16 codes, spread

group:
	MOVQ 0(R8), SI   // queries
	LEAQ 1024(SI), DI
	LEAQ (AX)(R12*1), BX
	MOVQ 16(R8), CX
	TILEZERO(0)
	TILEZERO(1)
	TILEZERO(2)
	TILEZERO(3)

word:
	TILELOAD_SI(4)
	TILELOADT_AX(6)
	TILELOADT_BX(7)
	TILELOAD_DI(5)
	TDPBSSD(0, 4, 6)
	TDPBSSD(1, 4, 7)
	TDPBSSD(2, 5, 6)
	TDPBSSD(3, 5, 7)
	ADDQ $2048, SI
	ADDQ $2048, DI
	ADDQ $1024, AX
	ADDQ $1024, BX
	DECQ CX
	JNZ  word

	MOVQ BX, AX       // the next 32 codes
	LEAQ 256(R8), DI  // sums
	TILESTORE_DI(0)
	ADDQ $1024, DI
	TILESTORE_DI(1)
	ADDQ $1024, DI
	TILESTORE_DI(2)
	ADDQ $1024, DI
	TILESTORE_DI(3)
	LEAQ 256(R8), SI
	LEAQ 128(R8), BX  // limits
	MOVQ R10, DI
	MOVQ $2, CX

half:
	MOVQ $16, R13

row:
	VMOVDQU32   (SI), Z0
	VMOVDQU32   1024(SI), Z1
	VPCMPD.BCST $1, (BX), Z0, K1
	VPCMPD.BCST $1, (BX), Z1, K2
	KUNPCKWD    K1, K2, K1
	KMOVD       K1, (DI)
	ADDQ        $64, SI
	ADDQ        $4, BX
	ADDQ        R11, DI
	DECQ        R13
	JNZ         row
	ADDQ        $1024, SI
	DECQ        CX
	JNZ         half
	ADDQ        $4, R10
	DECQ        R9
	JNZ         group
	TILERELEASE
	VZEROUPPER
	RET
