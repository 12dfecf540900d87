// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// terminal turns what a program wrote into what a person would see, as a front
// end does: a carriage return goes back to the start of the line, what follows
// overwrites it, a backspace takes a character away, an erase sequence clears.
// Colour sequences pass through. Hundreds of frames of a progress bar so become
// its last one, in bounded memory.
type terminal struct {
	done    strings.Builder // finished lines
	line    []string        // the line being written: characters and escape sequences
	column  int             // where in line the next one goes
	pending string          // start of an escape sequence or character whose rest is to come
}

var (
	escape        = regexp.MustCompile(`^\x1b\[[0-9;?]*[@-~]`)
	partialEscape = regexp.MustCompile(`^\x1b(\[[0-9;?]*)?$`)
)

// write adds text.
func (t *terminal) write(text string) {
	text = t.pending + text
	t.pending = ""
	for text != "" {
		if len(t.line) == 0 { // whole lines with nothing to interpret are the rule
			if end := strings.IndexAny(text, "\r\b\x1b"); end != 0 {
				plain := text
				if end > 0 {
					plain = text[:end]
				}
				plain = plain[:strings.LastIndexByte(plain, '\n')+1]
				if plain != "" {
					t.done.WriteString(plain)
					text = text[len(plain):]
					continue
				}
			}
		}
		text = text[t.next(text):]
	}
}

// next interprets the first character or sequence of text and returns its length.
func (t *terminal) next(text string) int {
	switch text[0] {
	case '\n':
		t.done.WriteString(strings.Join(t.line, "") + "\n")
		t.line, t.column = t.line[:0], 0
		return 1
	case '\r':
		t.column = 0
		return 1
	case '\b':
		for t.column > 0 {
			t.column--
			gone := t.line[t.column]
			t.line = slices.Delete(t.line, t.column, t.column+1)
			if gone[0] != '\x1b' {
				break
			}
		}
		return 1
	case '\x1b':
		if sequence := escape.FindString(text); sequence != "" {
			t.control(sequence)
			return len(sequence)
		}
		if len(text) < 32 && partialEscape.MatchString(text) {
			t.pending = text
			return len(text)
		}
	}
	if !utf8.FullRuneInString(text) {
		t.pending = text
		return len(text)
	}
	_, size := utf8.DecodeRuneInString(text)
	t.put(text[:size])
	return size
}

// put writes a character at the cursor.
func (t *terminal) put(character string) {
	t.overwriteColours()
	if t.column == len(t.line) {
		t.line = append(t.line, character)
	} else {
		t.line[t.column] = character
	}
	t.column++
}

// overwriteColours removes the colours at the cursor, which were for what is overwritten.
func (t *terminal) overwriteColours() {
	end := t.column
	for end < len(t.line) && t.line[end][0] == '\x1b' {
		end++
	}
	t.line = slices.Delete(t.line, t.column, end)
}

// control obeys an erase sequence, keeps a colour and drops other ones.
func (t *terminal) control(sequence string) {
	switch sequence[len(sequence)-1] {
	case 'm':
		t.overwriteColours()
		t.line = slices.Insert(t.line, t.column, sequence)
		t.column++
	case 'K':
		switch sequence {
		case "\x1b[2K":
			t.line, t.column = t.line[:0], 0
		case "\x1b[1K":
			t.line, t.column = slices.Delete(t.line, 0, t.column), 0
		default:
			t.line = t.line[:t.column]
		}
	}
}

// text returns what is to be seen.
func (t *terminal) text() string {
	return t.done.String() + strings.Join(t.line, "") + t.pending
}

// len returns the size of the text so far.
func (t *terminal) len() int { return t.done.Len() + len(t.line) }
