// SPDX-License-Identifier: Apache-2.0

package mathml

import "strings"

// alphabet is where a styled alphabet starts in Unicode; 0 where it has none.
type alphabet struct {
	upper, lower, digit, greekUpper, greekLower rune
}

// The mathematical alphanumeric symbols of Unicode, which MathML Core asks for
// in place of styled letters.
var alphabets = map[string]alphabet{
	"bf":   {0x1D400, 0x1D41A, 0x1D7CE, 0x1D6A8, 0x1D6C2},
	"bi":   {0x1D468, 0x1D482, 0x1D7CE, 0x1D71C, 0x1D736},
	"bb":   {0x1D538, 0x1D552, 0x1D7D8, 0, 0},
	"cal":  {0x1D49C, 0x1D4B6, 0, 0, 0},
	"frak": {0x1D504, 0x1D51E, 0, 0, 0},
	"sf":   {0x1D5A0, 0x1D5BA, 0x1D7E2, 0, 0},
	"tt":   {0x1D670, 0x1D68A, 0x1D7F6, 0, 0},
}

// Letters that had a place in Unicode before their alphabet did.
var older = map[string]map[rune]rune{
	"bb":   {'C': 'ℂ', 'H': 'ℍ', 'N': 'ℕ', 'P': 'ℙ', 'Q': 'ℚ', 'R': 'ℝ', 'Z': 'ℤ'},
	"cal":  {'B': 'ℬ', 'E': 'ℰ', 'F': 'ℱ', 'H': 'ℋ', 'I': 'ℐ', 'L': 'ℒ', 'M': 'ℳ', 'R': 'ℛ', 'e': 'ℯ', 'g': 'ℊ', 'o': 'ℴ'},
	"frak": {'C': 'ℭ', 'H': 'ℌ', 'I': 'ℑ', 'R': 'ℜ', 'Z': 'ℨ'},
	"bi":   {'∂': '𝝏', '∇': '𝜵'},
	"bf":   {'∂': '𝛛', '∇': '𝛁'},
}

// letters returns text in the alphabet in force.
func (p *parser) letters(text string) string {
	a, ok := alphabets[p.font]
	if !ok {
		return text
	}
	return strings.Map(func(r rune) rune {
		if old, ok := older[p.font][r]; ok {
			return old
		}
		shift := func(start, first rune) rune {
			if start == 0 {
				return r
			}
			return start + r - first
		}
		switch {
		case 'A' <= r && r <= 'Z':
			return shift(a.upper, 'A')
		case 'a' <= r && r <= 'z':
			return shift(a.lower, 'a')
		case '0' <= r && r <= '9':
			return shift(a.digit, '0')
		case 'Α' <= r && r <= 'Ω':
			return shift(a.greekUpper, 'Α')
		case 'α' <= r && r <= 'ω':
			return shift(a.greekLower, 'α')
		}
		return r
	}, text)
}
