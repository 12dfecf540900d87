// SPDX-License-Identifier: Apache-2.0

package grade

import (
	"errors"
	"fmt"
	"go/scanner"
	"strings"
)

// A fault is why an answer is not run.
type fault struct {
	state   string
	line    int // of the answer's cell; 0 if it is of no line
	message string
}

// mark returns the mark of an answer with this fault.
func (f *fault) mark(answer string) Mark {
	at := place(answer, f.line)
	if f.state == Refused {
		return Mark{State: f.state, Feedback: "not counted" + at + ": " + f.message}
	}
	return Mark{State: f.state, Feedback: "the code does not work" + at + ": " + f.message}
}

// unparsed is the fault of an answer that is not Go.
func unparsed(err error) *fault {
	var list scanner.ErrorList
	if errors.As(err, &list) && len(list) > 0 {
		return &fault{Broken, list[0].Pos.Line, list[0].Msg}
	}
	return &fault{Broken, 0, err.Error()}
}

// place says where in an answer a line is, "" if it is in none of its lines.
func place(answer string, line int) string {
	lines := strings.Split(answer, "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	text := []rune(strings.TrimSpace(lines[line-1]))
	const most = 70
	if len(text) > most {
		text = append(text[:most-1], '…')
	}
	return fmt.Sprintf(" in line %d of your cell (%s)", line, string(text))
}
